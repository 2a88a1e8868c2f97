"""The command `python -m seqlab.generate RUN_DIR [--prompt TEXT] [--length N] [--beam K]`."""

from seqlab.cli.generate import main

if __name__ == "__main__":
    main()
