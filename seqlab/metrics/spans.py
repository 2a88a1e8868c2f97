"""Metrics of tagged spans, by seqeval."""

from __future__ import annotations

from collections.abc import Sequence

from seqlab.registry import import_extra


def span_f1(predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]], scheme: str) -> float:
    """Return the micro-averaged F1 of whole spans, such as B-PER I-PER; 0 where there is none.

    Tags are read strictly: those that mark no span by the scheme, such as I-PER after O in IOB2, are in none.

    Args:
        predictions: the tags of each sentence.
        references: the true tags, as many a sentence.
        scheme: IOB1, IOB2, IOE1, IOE2, IOBES or BILOU (`data.span_schemes`).

    Source: H. Nakayama, "seqeval", 2018, in its mode "strict".
    """
    f1 = import_extra("seqeval.metrics").f1_score
    kind = getattr(import_extra("seqeval.scheme"), scheme)
    return float(f1(list(references), list(predictions), mode="strict", scheme=kind, zero_division=0))
