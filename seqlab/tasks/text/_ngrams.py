"""Interpolated Witten–Bell n-gram models over integer symbols."""

from __future__ import annotations

import numpy as np


def ngram_probabilities(train: np.ndarray, tokens: np.ndarray, size: int, max_order: int) -> np.ndarray:
    """Give every symbol its probability after the symbols before it, under models of growing order.

    The model of order n predicts a symbol w from the n symbols h before it. It is interpolated with the
    model of the shortened context h′, down to the uniform one:

        p_n(w | h) = (c(h w) + d(h) p_{n-1}(w | h′)) / (c(h) + d(h)),   p_{-1} = 1 / size

    c counts occurrences in `train`, c(h) those that some symbol follows, and d(h) the different symbols
    that do. Where h was never seen, or fewer than n symbols come before, p_n = p_{n-1}.

    Args:
        train: int `(N,)`, the symbols that are counted, in [0, size).
        tokens: int `(M,)`, the symbols that are predicted, in [0, size).
        size: the number of symbols; `size ** (max_order + 1)` must stay below 2⁶³.
        max_order: the highest order, at least 0.

    Returns:
        float64 `(max_order + 1, M)`; row n is the model of order n.

    Source: I. Witten & T. Bell, "The zero-frequency problem", IEEE Trans. Information Theory 37(4), 1991,
        method C; interpolated as in S. Chen & J. Goodman, "An empirical study of smoothing techniques for
        language modeling", Computer Speech & Language 13, 1999.
    """
    probability = np.full(len(tokens), 1 / size)
    rows = []
    for order in range(max_order + 1):
        grams, gram_counts = np.unique(_gram_codes(train, order, size), return_counts=True)
        contexts, first, distinct = np.unique(grams // size, return_index=True, return_counts=True)
        context_counts = np.add.reduceat(gram_counts, first)

        queries = _gram_codes(tokens, order, size)
        gram_count = _look_up(grams, gram_counts, queries)
        context_count = _look_up(contexts, context_counts, queries // size)
        followers = _look_up(contexts, distinct, queries // size)

        shorter = probability[order:]
        seen = context_count > 0
        longer = (gram_count + followers * shorter) / np.where(seen, context_count + followers, 1)
        probability = np.concatenate([probability[:order], np.where(seen, longer, shorter)])
        rows.append(probability)
    return np.stack(rows)


def _gram_codes(tokens: np.ndarray, order: int, size: int) -> np.ndarray:
    """Code every run of `order + 1` symbols as one integer in base `size`; int64 `(M - order,)`."""
    runs = np.lib.stride_tricks.sliding_window_view(tokens.astype(np.int64), order + 1)
    return runs @ size ** np.arange(order, -1, -1)


def _look_up(keys: np.ndarray, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return the value at every query in the sorted keys, 0 where it is not among them."""
    at = np.minimum(np.searchsorted(keys, queries), len(keys) - 1)
    return np.where(keys[at] == queries, values[at], 0)
