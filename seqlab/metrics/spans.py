"""Metrics of tagged spans, by seqeval."""

from __future__ import annotations

from collections.abc import Sequence

from seqlab.registry import import_extra


def span_f1(predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """Return the micro-averaged F1 of whole spans, such as B-PER I-PER; 0 where there is none.

    Args:
        predictions: the tags of each sentence.
        references: the true tags, as many a sentence.

    Source: H. Nakayama, "seqeval", 2018, as the evaluation of CoNLL-2000.
    """
    f1 = import_extra("seqeval.metrics").f1_score
    return float(f1(list(references), list(predictions), zero_division=0))
