"""From one command to trained packs: Hydra's command line, the plan, executors, progress and resuming."""
