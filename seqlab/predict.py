"""The command `python -m seqlab.predict RUN_DIR FILE [--output OUT] [--skip-bad]`."""

from seqlab.cli.predict import main

if __name__ == "__main__":
    main()
