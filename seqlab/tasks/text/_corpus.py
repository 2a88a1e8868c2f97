"""Reader of a running text: paragraphs without duplicates, in three splits, as numbers of symbols."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.data.artifacts import appended, grows, load_artifacts
from seqlab.data.columns.column import Artifacts
from seqlab.data.reader import Reader, stamp
from seqlab.data.splits import require_splits
from seqlab.data.table import Table
from seqlab.data.tokenization import BYTES, detokenize, normalized, running_words
from seqlab.data.vocabulary import UNKNOWN, Vocabulary, require_known_words
from seqlab.registry import import_extra
from seqlab.types import ConfigError

LEVELS = {"character": "character", "word": "word", "byte": "byte", "byte_pair": "token"}
"""The levels of symbols, and what a symbol of each is called."""
MIN_SYMBOLS = 5
"""The number of symbols that each split must have."""
_AROUND_NEWLINE = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n\s*\n")
_SHARES = {"validation": 0.05, "test": 0.05}
"""The shares of the training text that become the splits that a source lacks."""


class Corpus(NamedTuple):
    """A text as numbers.

    Attributes:
        tokens: int32 `(N,)` for every split.
        artifacts: what they stand for.
        duplicates: the number of paragraphs that were dropped because they occur elsewhere.
    """

    tokens: dict[str, np.ndarray]
    artifacts: Artifacts
    duplicates: int


def read_corpus(reader: Reader, column: str, level: str, max_symbols: int, vocabulary: str | None) -> Corpus:
    """Read a column of texts as one running text.

    Args:
        reader: of the source.
        column: the column of texts.
        level: one of `LEVELS`.
        max_symbols: the largest size of the vocabulary.
        vocabulary: the artifacts of an earlier run, as `load_artifacts` takes them; None to fit them to the
            training split. Those that grow get its further symbols, but no further byte pairs.

    Raises:
        ConfigError: the source cannot be read, or is too short.
    """
    return _read(reader, column, level, max_symbols, vocabulary, (reader.stamp(), stamp(vocabulary)))


@functools.lru_cache(maxsize=4)
def _read(
    reader: Reader, column: str, level: str, max_symbols: int, vocabulary: str | None, _: Any
) -> Corpus:
    artifacts = load_artifacts(vocabulary)
    fits = artifacts is None or grows(vocabulary)
    texts, duplicates = _split_texts(reader, column, complete=fits)
    if artifacts is None:
        artifacts = _fit(texts["train"], level, max_symbols)
    elif fits and level != "byte_pair":
        fitted = _fit(texts["train"], level, max_symbols)
        artifacts = {**artifacts, "tokens": appended(artifacts["tokens"], fitted["tokens"])}
    if fits and level == "word":
        named = Table.of(str(reader.source), {column: []})
        require_known_words(named, column, [running_words(texts["train"])], artifacts["tokens"])
    cut = tokenizer(artifacts, level)
    tokens = {split: cut(text) for split, text in texts.items()}
    for split, found in tokens.items():
        if len(found) < MIN_SYMBOLS:
            complaint = f"its split {split} has {len(found)} symbols, and needs more than {MIN_SYMBOLS - 1}"
            raise ConfigError(f"task.source={reader.source} is too short: {complaint}")
    return Corpus(tokens, artifacts, duplicates)


def _split_texts(reader: Reader, column: str, complete: bool) -> tuple[dict[str, str], int]:
    """Return the text of every split, and how many paragraphs were dropped.

    Args:
        reader: of the source.
        column: the column of texts.
        complete: whether there must be a training split.
    """
    tables = reader.tables()
    require_splits(tables, complete)
    seen: set[str] = set()
    texts, duplicates = {}, 0
    for split in ("test", "validation", "train"):
        if split not in tables:
            continue
        tables[split].require(text=column)
        paragraphs = _BLANK_LINES.split(_joined(tables[split], column))
        first = {" ".join(paragraph.split()): paragraph.strip("\n") for paragraph in reversed(paragraphs)}
        new = [paragraph for words, paragraph in reversed(first.items()) if words and words not in seen]
        duplicates += sum(bool(paragraph.strip()) for paragraph in paragraphs) - len(new)
        seen |= first.keys()
        texts[split] = "\n\n".join(new)
    whole = len(texts.get("train", ""))
    for split in ("test", "validation"):
        if split not in texts and "train" in texts:
            at = len(texts["train"]) - int(whole * _SHARES[split])
            texts["train"], texts[split] = texts["train"][:at], texts["train"][at:]
    return texts, duplicates


def _joined(table: Table, column: str) -> str:
    """Join the rows of a column, each on lines of its own."""
    for index, value in enumerate(table.columns[column]):
        if not isinstance(value, str):
            raise table.refusal(index, column, f"must be a text, got {value!r}")
    return "\n".join(normalized(value).rstrip("\n") for value in table.columns[column])


def _fit(text: str, level: str, max_symbols: int) -> Artifacts:
    """Return the symbols of a training text, the most frequent first, as artifacts."""
    if level == "byte":
        return {"tokens": list(BYTES)}
    if level != "byte_pair":
        symbols, min_count = (list(text), 1) if level == "character" else (running_words(text), 2)
        return {"tokens": list(Vocabulary.fit([symbols], max_symbols, min_count).symbols)}
    tokenizers = import_extra("tokenizers")
    bytewise = tokenizers.pre_tokenizers.ByteLevel
    model = tokenizers.Tokenizer(tokenizers.models.BPE())
    model.pre_tokenizer = bytewise(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=max_symbols, initial_alphabet=sorted(bytewise.alphabet()), show_progress=False
    )
    model.train_from_iterator([text], trainer)
    pieces = [model.id_to_token(number) for number in range(model.get_vocab_size())]
    return {"tokens": pieces, "tokenizer": [model.to_str()]}


def tokenizer(artifacts: Artifacts, level: str) -> Callable[[str], np.ndarray]:
    """Return the function that cuts a text into numbers of symbols, int32 `(N,)`."""
    if level == "byte_pair":
        model = import_extra("tokenizers").Tokenizer.from_str(artifacts["tokenizer"][0])
        return lambda text: np.array(model.encode(text).ids, np.int32)
    vocabulary = Vocabulary(tuple(artifacts["tokens"]))
    cut = {"character": list, "byte": _bytes_of}.get(level, running_words)
    return lambda text: vocabulary.encode(cut(normalized(text)))


def _bytes_of(text: str) -> list[str]:
    return [BYTES[byte] for byte in text.encode()]


def symbols_of(artifacts: Artifacts, level: str) -> Sequence[str]:
    """Return what each number stands for; only byte pairs have no unknown symbol."""
    return artifacts["tokens"] if level == "byte_pair" else (UNKNOWN, *artifacts["tokens"])


def join_symbols(symbols: Sequence[str], level: str) -> str:
    """Return the text that symbols make."""
    if level == "byte_pair":
        return import_extra("tokenizers.decoders").ByteLevel().decode(list(symbols))
    if level == "byte":
        return detokenize(symbols, level)
    return "".join(symbols) if level == "character" else _AROUND_NEWLINE.sub("\n", " ".join(symbols))


def shares_unknown(tokens: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the share of unknown symbols in every split."""
    return {split: round(float((found == 0).mean()), 4) for split, found in tokens.items()}


def num_symbols(tokens: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Return the number of symbols of each split."""
    return {split: len(tokens[split]) for split in ("train", "validation", "test") if split in tokens}
