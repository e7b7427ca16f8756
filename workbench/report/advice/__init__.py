"""What to try next: a diagnosis of each setting from its stored curves and probes, with remedies."""
