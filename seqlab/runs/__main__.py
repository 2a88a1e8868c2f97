"""The command `python -m seqlab.runs [DIR] [--compare ONE OTHER]`."""

from seqlab.cli.runs import main

if __name__ == "__main__":
    main()
