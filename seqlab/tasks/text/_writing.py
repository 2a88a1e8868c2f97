"""What do tasks share that write a text? How it ends, and how near it is to the texts that were wanted."""

from __future__ import annotations

import abc
import collections
import dataclasses
import functools
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from seqlab.checks import require_choice, require_positive
from seqlab.data.padding import cut_to_length
from seqlab.data.vocabulary import Vocabulary
from seqlab.data.words import LEVELS
from seqlab.registry import import_extra
from seqlab.tasks._data_task import RowsTask
from seqlab.types import Goal, Reference, Spec, Tokens

JUDGES = {"bleu": True, "chrf": True, "cer": False, "wer": False}
"""What a run may be judged by, and whether higher is better."""
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_MOST_EVALUATED = 1024


@dataclasses.dataclass(frozen=True)
class WritingTask(RowsTask):
    """A task that writes the first tokens of a text and a sign that it ends.

    What `read` returns has beside its `arrays`, `targets` `(N, M)` among them, the vocabulary `writes` and
    the texts that are `wanted` of each example of a split, one or several. Evaluation is over a split's first
    1,024 examples at most.

    Attributes:
        level: "word" (as written, punctuation apart) or "character".
        judge: what decides: "bleu" or "chrf" (sacrebleu), "cer" or "wer" (jiwer), of greedy decoding, running
            freely, against all of what is wanted, its tokens too with a space between words; the first two
            count every text that is right, the others the first.
        most_tokens: how many different tokens have a number of their own, at most; those rarer, and words
            that training has once, have one together.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: sacrebleu, jiwer or scikit-learn is not installed.
    """

    scored: ClassVar[tuple[str, ...]] = tuple(JUDGES)
    extras: ClassVar[tuple[str, ...]] = ("sacrebleu", "jiwer", "sklearn")

    level: str = "word"
    judge: str = "bleu"
    most_tokens: int = 10_000

    def __post_init__(self) -> None:
        require_choice(self, "level", LEVELS)
        require_choice(self, "judge", tuple(JUDGES))
        require_positive(self, "most_tokens")

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self._read.writes) + 1)

    def end_symbol(self, framing: str) -> int | None:
        return len(self._read.writes)

    def goal(self, framing: str) -> Goal:
        return Goal(self.judge, higher_is_better=JUDGES[self.judge])

    def reference(self, framing: str) -> Reference:
        """Return the value of the best simple answer.

        The threshold is the value of the text of the most similar training example, where that is better,
        else halfway to perfect.
        """
        higher, found = JUDGES[self.judge], self.baselines("test", framing)
        *simple, nearest = found
        name = (max if higher else min)(simple, key=found.__getitem__)
        half = (found[name] + (100.0 if higher else 0.0)) / 2
        better = (found[nearest] > found[name]) == higher and found[nearest] != found[name]
        return Reference(found[name], name, found[nearest] if better else half)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return BLEU and chrF by sacrebleu, and the shares of characters and words in error by jiwer.

        Args:
            predictions: int `(N, M)`, what was written.
            targets: int `(N, M)`, not used: the texts that are wanted are compared.
            mask: bool `(N, M)`, not used.
            split: the split.
        """
        written = [self.render(row, "") for row in predictions]
        return judged(written, self._wanted(split))

    def _wanted(self, split: str) -> list[list[str]]:
        """Return what is wanted of each example that is evaluated, as it would be written."""
        wanted = self._read.wanted[split][: self.num_evaluation(split, "")]
        return [[self._spaced(text) for text in texts] for texts in wanted]

    def _spaced(self, text: str) -> str:
        return self._joined(pieces(text, self.level))

    def _joined(self, tokens: Sequence[str]) -> str:
        return (" " if self.level == "word" else "").join(tokens)

    @abc.abstractmethod
    def answers(self, split: str) -> Mapping[str, Sequence[str]]:
        """Return simple answers, by name, to each example that is evaluated.

        The last are the texts of the training examples most alike.
        """

    def most_frequent(self) -> str:
        """Return the text that training wants most often."""
        texts = itertools.chain.from_iterable(self._read.wanted["train"])
        return collections.Counter(texts).most_common(1)[0][0]

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return what the `answers` are judged with."""
        return {name: found[self.judge] for name, found in _baselines(self, split).items()}

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Decode tokens up to the sign of the end."""
        end, tokens = len(self._read.writes), np.ravel(sequence).tolist()
        return self._joined(self._read.writes.decode(tokens[: [*tokens, end].index(end)]))

    def num_evaluation(self, split: str, framing: str) -> int:
        return min(_MOST_EVALUATED, len(self._read.wanted[split]))

    # For `read`.

    def vocabulary_of(self, texts: Iterable[Sequence[str]]) -> Vocabulary:
        """Number the tokens of the training split's texts."""
        return Vocabulary.of(texts, self.most_tokens, least=2 if self.level == "word" else 1)


def pieces(text: str, level: str) -> list[str]:
    """Cut a text into words and punctuation as written, or into characters, white space as one space."""
    return _WORD.findall(text) if level == "word" else list(" ".join(text.split()))


def with_ends(
    texts: Sequence[Sequence[str]], vocabulary: Vocabulary, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Lay the numbers of each text's first M − 1 tokens side by side, and the sign of the end after them.

    Returns:
        int32 `(N, M)`, and int32 `(N,)`, how many of each are real.
    """
    end = np.array([len(vocabulary)], np.int32)
    return cut_to_length([np.append(vocabulary.encode(text)[: length - 1], end) for text in texts], length)


def judged(written: Sequence[str], wanted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return BLEU and chrF, of 100, and the shares of characters and words in error.

    Args:
        written: the texts that are judged.
        wanted: what was wanted of each; BLEU and chrF know all of an example's texts, the shares in error the
            first.
    """
    sacrebleu, jiwer = import_extra("sacrebleu"), import_extra("jiwer")
    every, first = list(itertools.zip_longest(*wanted)), [texts[0] for texts in wanted]
    return {
        "bleu": sacrebleu.corpus_bleu(list(written), every, force=True).score,
        "chrf": sacrebleu.corpus_chrf(list(written), every).score,
        "cer": float(jiwer.cer(first, list(written))),
        "wer": float(jiwer.wer(first, list(written))),
    }


@functools.lru_cache(maxsize=8)
def _baselines(task: WritingTask, split: str) -> dict[str, dict[str, float]]:
    wanted = task._wanted(split)
    answers = task.answers(split).items()
    return {name: judged([task._spaced(text) for text in texts], wanted) for name, texts in answers}
