"""The command `python -m seqlab.new plugin NAME`."""

from seqlab.cli.new import main

if __name__ == "__main__":
    main()
