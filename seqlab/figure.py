"""The command `python -m seqlab.figure RUN_DIR … [--output FILE] [--scale log]`."""

from seqlab.cli.figure import main

if __name__ == "__main__":
    main()
