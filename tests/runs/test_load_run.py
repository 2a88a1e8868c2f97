"""A run as an object: what it logged, predictions on raw data, evaluation on other data, hidden states."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest
from small_corpora import labelled, reviews
from tiny_runs import TINY, tiny

from seqlab import load_run, run
from seqlab.data.memory import hold
from seqlab.generation.decoding import Beam
from seqlab.runs import compose_config, evaluate
from seqlab.runs.compose import without_hydra
from seqlab.runs.examples import examples, write_examples
from seqlab.runs.files import EXAMPLES
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.tasks import load_task
from seqlab.tracking import read_rows
from seqlab.tracking.encoding import from_json
from seqlab.types import ConfigError

pytestmark = pytest.mark.runs


def review_data():
    texts, labels = reviews()
    return {"text": texts, "label": [("bad", "good")[label] for label in labels]}


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A run on texts in memory."""
    few = ["task=text_classification", "architecture.embedding=4", *TINY, "training.steps=4"]
    folder = tmp_path_factory.mktemp("texts") / "run"
    run([*few, "training.eval_every=2", f"hydra.run.dir={folder}"], data=review_data())
    return folder


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A run on an array (N, T, F) in memory, with an LSTM of two directions."""
    folder = tmp_path_factory.mktemp("series") / "run"
    values, labels = np.random.default_rng(0).normal(size=(60, 5, 2)), [0, 1] * 30
    few = ["task=labelled_series", "architecture=many_to_one", *TINY, "training.steps=2"]
    run(
        [*few, "architecture.bidirectional=true", f"hydra.run.dir={folder}"],
        data={"series": values, "label": labels},
    )
    return folder


@pytest.fixture(scope="module")
def strings(tmp_path_factory):
    """A run of an encoder-decoder on generated strings."""
    folder = tmp_path_factory.mktemp("strings") / "run"
    run([*tiny("reverse_string", "encoder_decoder", "training.steps=2"), f"hydra.run.dir={folder}"])
    return folder


def test_metrics_are_one_row_a_step(texts):
    loaded = load_run(texts)
    rows = read_rows(texts)
    assert loaded.metrics.index.tolist() == sorted({row["step"] for row in rows})
    losses = [row["eval/loss"] for row in rows if "eval/loss" in row]
    assert loaded.metrics["eval/loss"].dropna().tolist() == losses
    assert loaded.config["task"]["_target_"].endswith("TextClassification")
    assert (loaded.summary["status"], loaded.summary["folder"]) == ("finished", str(texts))
    assert "status=finished" in repr(loaded)


def test_predictions_are_those_of_the_split(texts):
    loaded = load_run(texts)
    raw = review_data()["text"][:7]
    found = loaded.predict(raw)
    assert len(found) == 7
    assert set(found.answers) <= {"bad", "good"} == set(found.names)
    np.testing.assert_allclose(np.sum(found.probabilities, axis=1), 1, rtol=1e-5)
    assert found.answers == [found.names[np.argmax(row)] for row in found.probabilities]
    frame = found.frame()
    assert frame.columns.tolist() == ["answer", "bad", "good"]
    assert frame["answer"].tolist() == found.answers
    for index in (0, 6):  # alone, without padding
        np.testing.assert_allclose(
            loaded.predict(raw[index : index + 1]).probabilities[0], found.probabilities[index], rtol=1e-4
        )
    tokens = [text.split() for text in raw]
    assert loaded.predict(tokens).answers == found.answers


def test_predictions_need_no_data_and_evaluation_says_what_it_needs(texts, monkeypatch):
    monkeypatch.setattr("seqlab.data.memory._HELD", {})
    loaded = load_run(texts)
    assert loaded.predict(["a fun film"]).answers[0] in ("bad", "good")
    with pytest.raises(ConfigError, match=r"^task\.source=memory:\w+ was data in the memory of another"):
        loaded.evaluate("test")


def test_evaluation_on_a_split_and_on_other_data(texts, tmp_path):
    loaded = load_run(texts)
    assert loaded.evaluate() == evaluate(loaded.program, loaded.params, "test")
    data = review_data()
    again = {"text": [f"{text} again" for text in data["text"]], "label": data["label"]}
    found = loaded.evaluate(again)
    right = [
        answer == label
        for answer, label in zip(loaded.predict(again["text"]).answers, again["label"], strict=True)
    ]
    np.testing.assert_allclose(found["test/accuracy"], np.mean(right), rtol=1e-6)
    lines = "".join(f"{text},{label}\n" for text, label in zip(again["text"], again["label"], strict=True))
    (tmp_path / "new.csv").write_text(f"text,label\n{lines}")
    assert loaded.evaluate(tmp_path / "new.csv") == found
    with pytest.raises(ConfigError, match="'odd' is not a class of the training split: bad, good"):
        loaded.evaluate({"text": ["a"], "label": ["odd"]})
    with pytest.raises(ConfigError, match=r"^nowhere\.csv is no file, and none of train, validation, test$"):
        loaded.evaluate("nowhere.csv")


def test_states_are_those_that_give_the_prediction(series):
    loaded = load_run(series)
    inputs = [np.random.default_rng(n).normal(size=(length, 2)) for n, length in enumerate((5, 3))]
    found = loaded.states(inputs)
    assert list(found) == ["layer_0", "layer_0/backward"]
    for states in found.values():
        assert states.hidden.shape == states.carry["cell"].shape == (2, 5, 4)
        assert states.real.tolist() == [[True] * 5, [True] * 3 + [False] * 2]
        assert all(((gate >= 0) & (gate <= 1)).all() for gate in states.gates.values())
        assert not states.hidden[~states.real].any()
    top, back = found.values()
    last = np.concatenate([top.hidden[[0, 1], [4, 2]], back.hidden[:, 0]], axis=-1)
    logits = last @ loaded.params["readout"]["kernel"] + loaded.params["readout"]["bias"]
    probabilities = jax.nn.softmax(logits)
    np.testing.assert_allclose(np.stack(loaded.predict(inputs).probabilities), probabilities, rtol=1e-4)


def test_an_encoder_decoder_answers_and_shows_its_states(strings):
    loaded = load_run(strings)
    found = loaded.predict(["0 1 1", [0, 1, 1], "1 0"])
    assert found.answers[0] == found.answers[1] == loaded.generate("0 1 1", decoding=Beam(1))
    assert [len(output) for output in found.outputs] == [3, 3, 2]
    assert [len(row) for row in found.probabilities] == [3, 3, 2]
    states = loaded.states(["0 1 1", "1 0"])
    assert list(states) == ["encoder/layer_0", "layer_0"]
    assert states["encoder/layer_0"].real.tolist() == [[True, True, True], [True, True, False]]


def test_evaluation_by_length(strings):
    found = load_run(strings).evaluate(lengths=[2, 4])
    assert [row["length"] for row in found.rows] == [2, 4]
    assert math.isfinite(found.score)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("a text", r"^inputs must be a list of examples, got the text 'a text'$"),
        ([], r"^inputs must hold at least one example$"),
        (["good", ""], r"^inputs\[1\]: text_classification reads at least one token, got ''$"),
        ([7], r"^inputs\[0\] must be a text or a list of tokens, got 7$"),
    ],
)
def test_inputs_that_do_not_fit_are_named(texts, inputs, message):
    with pytest.raises(ConfigError, match=message):
        load_run(texts).predict(inputs)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2], r"^data must be columns by name, as .*, got list$"),
        ({"text": ["a"], "label": []}, r"^data must have as many rows.*, got text 1, label 0$"),
        ({"train": {"text": []}}, r"^data\['train'\] must have as many rows.*, got text 0$"),
        ({"text": "abc"}, r"^a column must be a list or an array, got 'abc'$"),
    ],
)
def test_data_that_are_no_columns_are_refused(data, message):
    with pytest.raises(ConfigError, match=message):
        hold(data)


def test_equal_data_have_one_name_and_frames_are_data():
    import pandas as pd

    series, labels = labelled()
    data = {"series": series, "label": labels}
    assert (
        hold(data)
        == hold({"series": list(series), "label": tuple(labels)})
        != hold(data | {"label": labels[::-1]})
    )
    assert hold(pd.DataFrame(review_data())) == hold(review_data())
    halves = {"train": data, "dev": {"series": [[1.0, 2.0]], "label": ["left"]}}
    with pytest.raises(ConfigError, match="must have 2 numbers a step"):
        _ = load_task("labelled_series", source=hold(halves)).data


def test_the_figures_of_a_length_do_not_depend_on_the_other_lengths(strings):
    loaded = load_run(strings)
    (short,) = loaded.evaluate(lengths=[2]).rows
    among = loaded.evaluate(lengths=[2, 3, 5]).rows[0]
    assert among.keys() == short.keys()
    for key, value in short.items():
        np.testing.assert_allclose(among[key], value, rtol=2e-6, err_msg=key)


def test_examples_of_classes_have_answers_confusions_and_reliability(texts):
    loaded = load_run(texts)
    write_examples(texts, loaded.program, loaded.params, 3)
    found = from_json((texts / EXAMPLES).read_text())
    classes = loaded.class_predictions()
    assert [one["target"] for one in found["examples"]] == [
        classes.names[label] for label in classes.labels[:3]
    ]
    assert [one["answer"] for one in found["examples"]] == loaded.predict(
        [one["input"].split() for one in found["examples"]]
    ).answers
    assert np.sum(found["confusion"]["counts"]) == len(classes.labels)
    assert sum(found["reliability"]["count"]) == len(classes.labels)


def test_examples_of_an_encoder_decoder_are_what_it_writes(strings):
    loaded = load_run(strings)
    found = examples(loaded.program, loaded.params, 2)
    for one in found["examples"]:
        assert one["answer"] == loaded.predict([one["input"]]).answers[0]
        assert len(one["target"]) == len(one["input"])


def test_examples_of_numbers_have_many_targets_beside_their_predictions():
    program = make_family(resolve(without_hydra(compose_config(tiny("adding", "many_to_one")))))[0].program
    found = examples(program, jax.jit(program.init)(np.uint32(0), program.task.data).params, 2)
    shown, beside = found["examples"], found["regression"]
    assert len(beside["targets"]) == len(beside["answers"]) == 16
    for one, target, answer in zip(shown, beside["targets"], beside["answers"], strict=False):
        np.testing.assert_allclose([float(one["target"]), float(one["answer"])], [target, answer], atol=0.01)


def test_examples_that_cannot_be_written_are_a_warning(series, tmp_path, caplog):
    loaded = load_run(series)
    (tmp_path / EXAMPLES).mkdir()
    write_examples(tmp_path, loaded.program, loaded.params, 2)
    assert EXAMPLES in caplog.text
