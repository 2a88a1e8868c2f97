"""Where do examples come from? A user's files, a hub or a packaged corpus: exactly one, as tables of rows."""

from seqlab.tasks.sources.reading import is_hub, read_source, stamp
from seqlab.tasks.sources.task import RowsTask, SourceTask, VocabularyTask, cut_to_length
from seqlab.tasks.sources.vocabulary import Vocabulary

__all__ = [
    "RowsTask",
    "SourceTask",
    "Vocabulary",
    "VocabularyTask",
    "cut_to_length",
    "is_hub",
    "read_source",
    "stamp",
]
