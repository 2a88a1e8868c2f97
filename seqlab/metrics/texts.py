"""Metrics of texts against the texts that are right: BLEU and chrF (sacrebleu), CER and WER (jiwer)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from seqlab.registry import import_extra

TEXT_METRICS = {"bleu": True, "chrf": True, "exact_match": True, "cer": False, "wer": False}
"""The metrics of `text_scores`, and whether higher is better."""


def text_scores(
    predictions: Sequence[str], references: Sequence[Sequence[str]], tokenizer: str = "13a"
) -> dict[str, float]:
    """Return all metrics of texts by name, as below.

    Args:
        predictions: the texts that are evaluated.
        references: of each text, those that are right, at least one; CER and WER compare with the first.
        tokenizer: of sacrebleu, for BLEU.
    """
    first = [texts[0] for texts in references]
    return {
        "bleu": bleu(predictions, references, tokenizer),
        "chrf": chrf(predictions, references),
        "exact_match": exact_match(predictions, references),
        "cer": cer(predictions, first),
        "wer": wer(predictions, first),
    }


def exact_match(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return how many texts of a hundred are one of those that are right."""
    return (
        100
        * sum(text in right for text, right in zip(predictions, references, strict=True))
        / len(predictions)
    )


def bleu(predictions: Sequence[str], references: Sequence[Sequence[str]], tokenizer: str = "13a") -> float:
    """Return BLEU over a corpus, from 0 to 100.

    Source: K. Papineni et al., "BLEU: a method for automatic evaluation of machine translation", ACL 2002; by
        sacrebleu, M. Post, "A call for clarity in reporting BLEU scores", WMT 2018.
    """
    metric = import_extra("sacrebleu.metrics").BLEU(tokenize=tokenizer, force=True)
    return float(metric.corpus_score(list(predictions), _streams(references)).score)


def bleu_signature(references: Sequence[Sequence[str]], tokenizer: str) -> str:
    """Return sacrebleu's signature of BLEU, which says how it is computed."""
    metric = import_extra("sacrebleu.metrics").BLEU(tokenize=tokenizer, force=True)
    some = list({len(texts): texts for texts in references}.values())  # it names the numbers of references
    metric.corpus_score([texts[0] for texts in some], _streams(some))
    return str(metric.get_signature())


def chrf(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return chrF over a corpus, from 0 to 100.

    Source: M. Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015; by sacrebleu.
    """
    return float(import_extra("sacrebleu").corpus_chrf(list(predictions), _streams(references)).score)


def cer(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Return the character error rate: edits of characters for each character of the references (jiwer)."""
    return float(import_extra("jiwer").cer(list(references), list(predictions)))


def wer(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Return the word error rate: edits of words for each word of the references (jiwer)."""
    return float(import_extra("jiwer").wer(list(references), list(predictions)))


def _streams(references: Sequence[Sequence[str]]) -> list[tuple[str | None, ...]]:
    """Return the first reference of every text, then the second ones …; None where a text has none."""
    return list(itertools.zip_longest(*references))
