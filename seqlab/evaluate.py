"""The command `python -m seqlab.evaluate RUN_DIR [--split test] [--lengths 41:500] [--json]`."""

from seqlab.cli.evaluate import main

if __name__ == "__main__":
    main()
