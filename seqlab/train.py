"""The command `python -m seqlab.train [+experiment=NAME] [key=value …]`; `-m` starts a sweep."""

from seqlab.cli.train import main

if __name__ == "__main__":
    main()
