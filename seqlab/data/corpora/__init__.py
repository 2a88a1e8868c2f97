"""Which data sets have a name? Those inside a package, and those that are generated."""

from seqlab.data.corpora.catalogue import CORPORA, Corpus

__all__ = ["CORPORA", "Corpus"]
