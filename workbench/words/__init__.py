"""The words of the command, one file each: `workbench WORD ...` calls `main` of the file with that name.

A `main` takes the arguments typed after the word, returns the exit status, and raises BadInput for invalid ones.
"""
