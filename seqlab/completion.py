"""The command `python -m seqlab.completion SHELL`."""

from seqlab.cli.completion import main

if __name__ == "__main__":
    main()
