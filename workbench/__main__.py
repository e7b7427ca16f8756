"""`python -m workbench` is the command `workbench`.

Worker processes import this module again, under another name: then it must import and start nothing.
"""

if __name__ == "__main__":
    from workbench.cli import start

    start()
