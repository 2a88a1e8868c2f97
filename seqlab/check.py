"""The command `python -m seqlab.check RUN_DIR`."""

from seqlab.cli.check import main

if __name__ == "__main__":
    main()
