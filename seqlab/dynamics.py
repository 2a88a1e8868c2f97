"""The command `python -m seqlab.dynamics RUN_DIR [--constant-input X] [--starts N] [--output FILE]`."""

from seqlab.cli.dynamics import main

if __name__ == "__main__":
    main()
