"""Claims, the rules that decide them, and how a sweep decides."""
