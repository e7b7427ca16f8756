"""The report: statistics, claims and their verdicts, figures, and one self-contained page a sweep."""
