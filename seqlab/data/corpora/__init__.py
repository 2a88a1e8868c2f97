"""Which data sets have a name? Those inside a package, and those that are generated."""

from seqlab.data.corpora.catalogue import CORPORA, Corpus, corpus_names, find_corpus

__all__ = ["CORPORA", "Corpus", "corpus_names", "find_corpus"]
