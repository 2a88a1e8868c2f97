"""The command `python -m seqlab.tasks`."""

from seqlab.cli.tasks import main

if __name__ == "__main__":
    main()
