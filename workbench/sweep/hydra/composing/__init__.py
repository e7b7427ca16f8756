"""From the jobs of a sweep to its cells. The result is Hydra's, in a fraction of its time."""
