"""A research workbench for the foundations of deep learning: packed sweeps and claims with verdicts."""
