"""`python -m workbench`: train what the command asks for.

Worker processes import this module again under another name, so nothing is imported and nothing done but in the first.
"""

if __name__ == "__main__":
    from workbench import entry

    entry.run("workbench.sweep.hydra.command")
