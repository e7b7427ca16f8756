"""`python -m workbench` is the command `workbench`.

Worker processes import this module again under another name, so nothing is imported and nothing done but in the first.
"""

if __name__ == "__main__":
    from workbench.cli import start

    start()
