"""Can it go on writing a text of yours? A language model of characters, words or pieces of words."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from seqlab.checks import require_choice, require_positive
from seqlab.data.table import Table
from seqlab.data.vocabulary import UNKNOWN, Vocabulary
from seqlab.registry import import_extra
from seqlab.tasks._data_task import VocabularyTask
from seqlab.tasks.text._ngrams import ngram_probabilities
from seqlab.tasks.text._windows import Corpus, TextWindows
from seqlab.types import ConfigError

LEVELS = {"character": "character", "word": "word", "byte_pair": "token"}
"""What a symbol is called, by level."""
_WORD = re.compile(r"<unk>|\w+(?:['’]\w+)*|[^\w\s]|\n")
_AROUND_END = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n\s*\n")
_HELD_OUT = {"validation": 0.05, "test": 0.05}
_MAX_ORDER = 4


class _Read(NamedTuple):
    """A text as numbers, what cuts it, and what was counted on the way."""

    corpus: Corpus
    cut: Callable[[str], np.ndarray]
    symbols: Mapping[str, Sequence[str]]
    account: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class TextCorpus(VocabularyTask, TextWindows):
    """Predict the next symbol of a text.

    The text is a column of a source, row after row, each on lines of its own. A paragraph, between
    blank lines, that occurs twice is kept once, in the test split before the others. Splits that the source
    lacks are cut off the end of the training text, 5 % each. The vocabulary is that of the training split.

    Framings, and the fields `length` and `stream`, as in `TextWindows`.

    Attributes:
        text: the column of texts.
        level: what a symbol is: "character", "word" (as written, punctuation and ends of lines apart) or
            "byte_pair" (pieces of words, of the bytes of UTF-8, so that none is unknown).
        most_tokens: how many different symbols have a number of their own, at most; words that training
            has once have one together, and of byte pairs at least the 256 bytes have one.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or is too short. Or tokenizers is not installed, which byte
            pairs are made with.

    Source: of byte pairs, R. Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units",
        ACL 2016.
    """

    instead: ClassVar[str] = "task=python_docs"

    text: str = "text"
    level: str = "character"
    most_tokens: int = 10_000
    stream: bool = False  # said again, as `VocabularyTask` has no such field and comes first

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self, "level", tuple(LEVELS))
        require_positive(self, "most_tokens")

    @property
    def symbol(self) -> str:
        """What a symbol is, in words."""
        return LEVELS[self.level]

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    @property
    def corpus(self) -> Corpus:
        return self._read.corpus

    @property
    def symbols(self) -> Mapping[str, Sequence[str]]:
        return self._read.symbols

    @property
    def metric(self) -> str:
        """Bits a character, or nats a word or piece, of which the exponential is the perplexity."""
        return "bits_per_character" if self.level == "character" else "cross_entropy"

    def costs(self, split: str) -> np.ndarray:
        tokens, symbols, _ = self.corpus
        codable = int(63 / math.log2(len(symbols))) - 1
        order = max(1, min(_MAX_ORDER, codable))
        nats = -np.log(ngram_probabilities(tokens["train"], tokens[split], len(symbols), order))
        return nats / math.log(2) if self.level == "character" else nats

    def encode(self, text: str) -> np.ndarray:
        return self._read.cut(text)

    def decode(self, symbols: Sequence[str]) -> str:
        if self.level == "byte_pair":
            return import_extra("tokenizers.decoders").ByteLevel().decode(list(symbols))
        return "".join(symbols) if self.level == "character" else _AROUND_END.sub("\n", " ".join(symbols))


@functools.lru_cache(maxsize=4)
def _read(task: TextCorpus, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    texts, account = _texts(task)
    kept = task.kept_symbols()
    if task.level == "byte_pair":
        cut, tokens, symbols = _byte_pairs(texts["train"], task.most_tokens, kept)
    else:
        parts, least = (list, 1) if task.level == "character" else (_WORD.findall, 2)
        made = Vocabulary.of([parts(texts["train"])], task.most_tokens, least) if kept is None else None
        vocabulary = made or Vocabulary(tuple(kept["tokens"]))
        tokens, symbols = (UNKNOWN, *vocabulary.symbols), {"tokens": vocabulary.symbols}

        def cut(text: str) -> np.ndarray:
            return vocabulary.encode(parts(text))

    numbers = {split: cut(text) for split, text in texts.items()}
    for split, found in numbers.items():
        if len(found) <= _MAX_ORDER:
            told = f"has {len(found)} symbols, and needs more than {_MAX_ORDER}"
            raise ConfigError(f"task.source={task.source} is too short: its split {split} {told}")
    begins = np.zeros(len(numbers["train"]), bool)
    begins[:1] = True
    return _Read(Corpus(numbers, tokens, begins), cut, symbols, account | _sizes(numbers))


def _sizes(numbers: Mapping[str, np.ndarray]) -> dict[str, int]:
    return {split: len(numbers[split]) for split in ("train", "validation", "test")}


def _texts(task: TextCorpus) -> tuple[dict[str, str], dict[str, int]]:
    """Return the text of every split, and how many paragraphs were dropped."""
    tables = task.tables()
    if "train" not in tables:
        raise ConfigError(f"task.source={task.source} has no split train: its splits are {', '.join(tables)}")
    seen: set[str] = set()
    texts, duplicates = {}, 0
    for split in ("test", "validation", "train"):
        if split not in tables:
            continue
        tables[split].require(text=task.text)
        paragraphs = _BLANK_LINES.split(_joined(tables[split], task.text))
        new = {" ".join(paragraph.split()): paragraph.strip("\n") for paragraph in reversed(paragraphs)}
        kept = [paragraph for words, paragraph in reversed(new.items()) if words and words not in seen]
        duplicates += sum(bool(paragraph.strip()) for paragraph in paragraphs) - len(kept)
        seen |= new.keys()
        texts[split] = "\n\n".join(kept)
    whole = len(texts["train"])
    for split in ("test", "validation"):
        if split not in texts:
            at = len(texts["train"]) - int(whole * _HELD_OUT[split])
            texts["train"], texts[split] = texts["train"][:at], texts["train"][at:]
    return texts, {"duplicates": duplicates}


def _joined(table: Table, column: str) -> str:
    """Join the rows of a column, each on lines of its own."""
    for index, value in enumerate(table.columns[column]):
        if not isinstance(value, str):
            raise table.refusal(index, column, f"must be a text, got {value!r}")
    return "\n".join(value.rstrip("\n") for value in table.columns[column])


def _byte_pairs(
    text: str, most: int, kept: Mapping[str, Sequence[str]] | None
) -> tuple[Callable[[str], np.ndarray], Sequence[str], Mapping[str, Sequence[str]]]:
    """Learn byte pairs, or take them as kept; return what cuts a text, the pieces, and what is to be kept."""
    tokenizers = import_extra("tokenizers")
    if kept is None:
        bytewise = tokenizers.pre_tokenizers.ByteLevel
        cutter = tokenizers.Tokenizer(tokenizers.models.BPE())
        cutter.pre_tokenizer = bytewise(add_prefix_space=False)
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=most, initial_alphabet=sorted(bytewise.alphabet()), show_progress=False
        )
        cutter.train_from_iterator([text], trainer)
    else:
        cutter = tokenizers.Tokenizer.from_str(kept["tokenizer"][0])
    pieces = [cutter.id_to_token(number) for number in range(cutter.get_vocab_size())]
    keep = {"tokens": pieces, "tokenizer": [cutter.to_str()]}
    return lambda part: np.array(cutter.encode(part).ids, np.int32), pieces, keep
