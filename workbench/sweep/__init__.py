"""From one command to packs that train: Hydra in front, then plan, executors, progress and resume."""
