"""The command `python -m seqlab.cells`."""

from seqlab.cli.cells import main

if __name__ == "__main__":
    main()
