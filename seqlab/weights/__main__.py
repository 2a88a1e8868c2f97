"""The command `python -m seqlab.weights`."""

from seqlab.cli.weights import main

if __name__ == "__main__":
    main()
