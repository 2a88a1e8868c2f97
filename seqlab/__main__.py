"""The command `python -m seqlab [--version] [COMMAND …]`."""

from seqlab.cli.commands import main

if __name__ == "__main__":
    main()
