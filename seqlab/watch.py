"""The command `python -m seqlab.watch DIR`."""

from seqlab.cli.watch import main

if __name__ == "__main__":
    main()
