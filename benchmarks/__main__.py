"""`python -m benchmarks`: measure, and write benchmarks/results/DATE.{json,md,png}. See `--help`.

The processes that contestants sit in import this module again under another name: nothing is done but in the first.
"""

if __name__ == "__main__":
    from benchmarks.command import main

    raise SystemExit(main())
