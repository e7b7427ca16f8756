"""Pages: of a sweep, of two compared, and the index of all."""
