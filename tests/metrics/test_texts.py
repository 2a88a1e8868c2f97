"""Metrics of texts, spans and forecasts: those of the libraries, on what they are given."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest
import sacrebleu
import sklearn.metrics
from seqeval.metrics import f1_score

from seqlab.data.scripts import judge_of
from seqlab.data.span_schemes import scheme_of
from seqlab.metrics.classes import class_scores, confusion
from seqlab.metrics.forecasts import seasonal_naive_error
from seqlab.metrics.spans import span_f1
from seqlab.metrics.texts import TEXT_METRICS, bleu_signature, text_scores

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
    assert span_f1(references, references, "IOB2") == 1.0
    half = [["B-PER", "O", "O"], ["B-LOC", "O"]]
    assert span_f1(half, references, "IOB2") == f1_score(references, half) == 0.5
    assert span_f1([["O", "O"]], [["O", "O"]], "IOB2") == 0.0


@pytest.mark.parametrize(
    ("scheme", "single", "pair"),
    [
        ("IOB1", ["I-X"], ["I-X", "I-X"]),
        ("IOB2", ["B-X"], ["B-X", "I-X"]),
        ("IOE2", ["E-X"], ["I-X", "E-X"]),
        ("IOBES", ["S-X"], ["B-X", "E-X"]),
        ("BILOU", ["U-X"], ["B-X", "L-X"]),
    ],
)
def test_spans_are_read_by_the_scheme_of_their_tags(scheme, single, pair):
    rows = [[*single, "O", *pair], ["O", *pair, "O", *single]]
    assert scheme_of(rows) == scheme
    assert span_f1(rows, rows, scheme) == 1.0
    torn = [[*single, "O", *single, *single], ["O", *single, *single, "O", *single]]
    assert span_f1(torn, rows, scheme) == (1.0 if scheme == "IOB1" else 0.4)


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        ([["NOUN", "VERB"]], None),
        ([["0", "1"]], None),
        ([["O", "O"]], None),
        ([["B-X", "odd"]], None),
        ([["I-X", "B-X", "O"]], "IOB1"),
        ([["E-X", "I-X", "O"]], "IOE1"),
        ([["B-X", "I-Y"]], "IOB1"),
    ],
)
def test_tags_that_mark_no_spans_have_no_scheme(rows, scheme):
    assert scheme_of(rows) == scheme


@pytest.mark.parametrize("size", [2, 5])
def test_means_over_classes_are_those_of_scikit_learn(size):
    draw = np.random.default_rng(size)
    targets, predictions = draw.integers(0, size, 40), draw.integers(0, size + 1, 40)
    found = class_scores(predictions, targets)
    assert found["macro_f1"] == pytest.approx(sklearn.metrics.f1_score(targets, predictions, average="macro"))
    recalls = [(predictions[targets == k] == k).mean() for k in set(targets.tolist())]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    np.testing.assert_array_equal(
        confusion(predictions, targets, size + 1), sklearn.metrics.confusion_matrix(targets, predictions)
    )


@pytest.mark.parametrize(
    ("texts", "judge"),
    [
        (["a man rides a horse", "two dogs run on grass"], ("bleu", "13a")),
        (["red circle", "a blue square"], ("chrf", "13a")),
        (["1990-05-01", "5"], ("chrf", "13a")),
        (["影影部坏我你真他吗", "我不喜欢"], ("bleu", "zh")),
        (["本を読みます", "猫がいる"], ("bleu", "char")),
        (["ฉันชอบแมว", "แมวดำ"], ("bleu", "char")),
        (["나는 책을 읽고 싶다", "나는 책을 읽고 싶다"], ("bleu", "13a")),
    ],
)
def test_texts_are_judged_by_what_suits_their_script_and_length(texts, judge):
    assert judge_of(texts) == judge
    found = text_scores(texts, [[text] for text in texts], judge[1])
    assert found[judge[0]] == pytest.approx(100)
    assert f"tok:{judge[1]}" in bleu_signature([[text] for text in texts], judge[1])


@pytest.mark.parametrize("season", [1, 3])
def test_the_seasonal_naive_error_is_that_of_repeating_the_last_season(season):
    values = np.random.default_rng(0).normal(size=20)
    errors = [abs(values[t] - values[t - season]) for t in range(season, 20)]
    assert seasonal_naive_error(values, season) == pytest.approx(np.mean(errors))
    assert seasonal_naive_error(values[:season], season) == 0.0
