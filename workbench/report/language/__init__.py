"""The languages of the pages: one table of wordings each, and texts that carry both."""
