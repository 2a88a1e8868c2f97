"""Metrics of texts, spans and forecasts: those of the libraries, on what they are given."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest
import sacrebleu
from seqeval.metrics import f1_score

from seqlab.metrics.forecasts import seasonal_naive_error
from seqlab.metrics.spans import span_f1
from seqlab.metrics.texts import TEXT_METRICS, text_scores

TEXTS = ["a cat", "the dog sat on the mat"]


def test_every_reference_counts_for_bleu_and_chrf_and_the_first_for_error_rates():
    predictions, references = ["a cat", "the dog"], [["a tall tree", "a cat"], ["the dog"]]
    found = text_scores(predictions, references)
    streams = [["a tall tree", "the dog"], ["a cat", None]]
    assert found["bleu"] == sacrebleu.corpus_bleu(predictions, streams, force=True).score
    assert found["chrf"] == sacrebleu.corpus_chrf(predictions, streams).score == 100.0
    assert found["wer"] == jiwer.wer(["a tall tree", "the dog"], predictions)
    assert found["cer"] == jiwer.cer(["a tall tree", "the dog"], predictions)


@pytest.mark.parametrize(("metric", "higher_is_better"), TEXT_METRICS.items())
def test_a_perfect_text_is_better_than_another(metric, higher_is_better):
    perfect, other = (
        text_scores(texts, [[text] for text in TEXTS])[metric] for texts in (TEXTS, ["the dog sat", "no"])
    )
    assert perfect == pytest.approx(100 if higher_is_better else 0)
    assert (perfect > other) == higher_is_better


def test_spans_count_whole():
    references = [["B-PER", "I-PER", "O"], ["B-LOC", "O"]]
    assert span_f1(references, references) == 1.0
    half = [["B-PER", "O", "O"], ["B-LOC", "O"]]
    assert span_f1(half, references) == f1_score(references, half) == 0.5
    assert span_f1([["O", "O"]], [["O", "O"]]) == 0.0


@pytest.mark.parametrize("season", [1, 3])
def test_the_seasonal_naive_error_is_that_of_repeating_the_last_season(season):
    values = np.random.default_rng(0).normal(size=20)
    errors = [abs(values[t] - values[t - season]) for t in range(season, 20)]
    assert seasonal_naive_error(values, season) == pytest.approx(np.mean(errors))
    assert seasonal_naive_error(values[:season], season) == 0.0
