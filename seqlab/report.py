"""The command `python -m seqlab.report PATH … [--output FILE]`."""

from seqlab.cli.report import main

if __name__ == "__main__":
    main()
