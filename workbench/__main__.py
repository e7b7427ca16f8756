"""`python -m workbench`: train what the command asks for.

Worker processes import this module again under another name, so nothing is imported and nothing done but in the first.
"""

if __name__ == "__main__":
    import os

    # Before NumPy is imported: packs are shared out over processes, one BLAS thread each.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

    from workbench.sweep.command import main

    raise SystemExit(main())
