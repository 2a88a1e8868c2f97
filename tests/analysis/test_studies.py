"""Studies: each writes a figure and a table of its runs."""

import re
import types

import numpy as np
import pytest
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import OmegaConf
from small_corpora import overrides as stand_in_overrides
from tiny_runs import TINY

from seqlab import run
from seqlab.analysis.groups import Group
from seqlab.analysis.reach import last_answers, of_last_answers, reach
from seqlab.analysis.studies import Generalisation
from seqlab.analysis.studies.generalisation import first_below, mean_over
from seqlab.analysis.studies.gradient_reach import theory
from seqlab.registry import CONF
from seqlab.runs import compose_config
from seqlab.runs.by_length import ByLength, read_lengths
from seqlab.tracking import read_summary
from seqlab.types import Batch, ConfigError, Goal

STUDIES = sorted(
    path.stem
    for path in (CONF / "experiment").glob("*.yaml")
    if "seqlab.analysis.studies." in path.read_text() and path.stem != "vanishing_gradients"
)
"""The experiments that are studies, but the one that has tests of its own."""


def class_of(name):
    text = (CONF / "experiment" / f"{name}.yaml").read_text()
    return re.search(r"_target_: (seqlab\.analysis\.studies\.\w+)", text)[1]


BY_CLASS = {class_of(name): name for name in reversed(STUDIES)}
"""An experiment of each class of study."""


def first_job(sweeper):
    """Return the overrides of the first job of a sweep; a pattern of cells begins with the Elman cell."""
    firsts = {key: str(values).partition(",")[0] for key, values in sweeper.params.items()}
    return [f"{key}={'elman' if first == 'glob(*)' else first}" for key, first in firsts.items()]


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_a_sweep_with_a_folder_of_its_name(name):
    hydra = compose_config([f"+experiment={name}"]).hydra
    assert hydra.mode == RunMode.MULTIRUN
    assert hydra.callbacks.study.folder == f"experiments/{name}"
    assert instantiate(hydra.callbacks.study).folder.name == name
    compose_config([f"+experiment={name}", *first_job(hydra.sweeper)])


def table_of(readme):
    lines = [line for line in readme.read_text().splitlines() if line.startswith("|")]
    head, _, *rows = ([word.strip() for word in line.split("|")[1:-1]] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.runs
@pytest.mark.parametrize("name", sorted(BY_CLASS.values()))
def test_the_runs_of_a_study_end_in_figure_and_table(name, tmp_path):
    hydra = compose_config([f"+experiment={name}"]).hydra
    few = ["training.steps=2", "training.log_every=1"]
    few += stand_in_overrides("piano_roll") if name == "jsb_chorales" else ["task.num_evaluation_examples=16"]
    few += ["architecture.num_params=null"] if name == "atlas" else []
    quiet = [word for word in TINY if word != "gradients=off"]  # the experiment's own level stays
    job = [f"+experiment={name}", *first_job(hydra.sweeper), *quiet, *few]
    other = "cell.forget_bias_init=1" if name == "forget_bias" else "seed=1"
    for number, override in enumerate(["seed=0", other]):
        run([*job, override, f"hydra.run.dir={tmp_path / str(number)}"])
    fields = {"folder": str(tmp_path / "study")}
    if "lengths" in hydra.callbacks.study:
        fields |= {"lengths": "5,9", "ranges": ["5:9"], "examples": 8}
    if "beyond" in hydra.callbacks.study:
        fields |= {"beyond": [2], "examples": 8}
    study = instantiate(hydra.callbacks.study, **fields)
    study.on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}}))
    assert (tmp_path / "study" / "figure.png").read_bytes().startswith(b"\x89PNG")
    rows = table_of(tmp_path / "study" / "README.md")
    assert rows
    assert rows[0]["model" if name == "atlas" else "cell"] == read_summary(tmp_path / "0")["cell"]
    assert sum(int(row["runs"]) for row in rows) == 2


@pytest.mark.parametrize("lengths", ["5:9:2,20", ["5:9:2", 20]])
def test_lengths_may_be_a_list_and_ranges_without_a_length_are_left_out(lengths):
    study = Generalisation("x", lengths, ["5:9", "10:19", "20"], 1, 0.9)
    assert study.lengths == [5, 7, 9, 20]
    assert list(study.ranges) == ["5:9", "20"]


def by_length(lengths, scores):
    rows = [{"length": length, "test/accuracy": score} for length, score in zip(lengths, scores, strict=True)]
    return ByLength(rows, "test", Goal("accuracy", higher_is_better=True), 0.5, (1, 40))


def test_the_score_of_a_range_is_the_mean_over_it_and_the_first_failing_length_is_the_first():
    found = by_length([10, 20, 30, 40], [1.0, 0.9, 1.0, 0.5])
    assert mean_over(found, range(20, 41)) == pytest.approx(0.8)
    assert found.score == pytest.approx(0.85)
    assert first_below(found, 0.99) == 20
    assert first_below(found, 0.5) is None


@pytest.mark.parametrize(
    ("text", "lengths"),
    [("7", [7]), ("3:5", [3, 4, 5]), ("3:9:3", [3, 6, 9]), ("2,4:5,9:13:4", [2, 4, 5, 9, 13])],
)
def test_lengths_are_read_with_both_ends(text, lengths):
    assert read_lengths(text) == lengths


@pytest.mark.parametrize("text", ["5:3", "", "a", "0", "1:2:3:4", "1:2:0", "-3", "1:1000000000", "9" * 20])
def test_what_is_no_lengths_is_refused_in_one_line(text):
    with pytest.raises(ConfigError, match=r"^lengths(=\S* is too much:| must) .*$"):
        read_lengths(text)


def test_curves_are_read_off_in_order():
    np.testing.assert_array_equal(by_length([1, 2], [0.5, 1.0]).curve, [[1, 2], [0.5, 1.0]])


@pytest.mark.parametrize("factor", [0.5, 0.731, 0.9, 0.96])
def test_a_geometric_decay_reaches_until_one_percent_remains(factor):
    steps = np.arange(200)
    found = reach(steps * np.log10(factor))
    assert factor**found >= 0.01 > factor ** (found + 1)
    assert str(round(np.log(0.01) / np.log(factor))) == theory(factor, 199)


def test_a_gradient_that_does_not_decay_reaches_the_first_step_and_a_gradient_that_returns_counts():
    assert reach(np.zeros(100)) == 99
    assert theory(1.0, 99) == "≥ 99"
    assert reach(np.array([0.0, -3.0, -1.0, -5.0])) == 2
    assert reach(np.array([0.0, -np.inf, -np.inf])) == 0
    assert reach(np.full(5, np.nan)) == 0


def test_the_loss_of_the_last_answer_counts_one_target_a_sequence():
    mask = np.array([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 1, 1]], bool)
    batch = Batch(np.zeros((3, 4)), np.zeros((3, 4)), mask)
    assert last_answers(batch, 4).tolist() == [2, 0, 3]
    assert of_last_answers(batch).mask.tolist() == np.eye(4, dtype=bool)[[2, 0, 3]].tolist()
    one = Batch(np.zeros((3, 4)), np.zeros(3), np.ones(3, bool), lengths=np.array([4, 2, 1]))
    assert last_answers(one, 4).tolist() == [3, 1, 0]
    assert last_answers(one._replace(lengths=None), 4).tolist() == [3, 3, 3]
    assert of_last_answers(one) is one


def test_the_published_score_is_that_of_the_model_and_the_problem():
    published = {
        "lstm": {"parity_check": 100, "Z5": 3},
        "delta_net": {"S3": 1},
        "delta_net_negative": {"S3": 2},
    }
    study = Generalisation("x", "5", ["5:9"], 1, 0.9, published)
    assert study.published_score(Group({"cell": "lstm", "task": "parity_check"}, [])) == "100"
    assert (
        study.published_score(Group({"cell": "lstm", "task": "word_problem", "task.group": "Z5"}, [])) == "3"
    )
    for model, score in {"delta_net": "1", "delta_net_negative": "2", "delta_product": "–"}.items():
        key = {"cell": "delta_net", "experiment/model": model, "task.group": "S3"}
        assert study.published_score(Group(key, [])) == score
    assert study.published_score(Group({"cell": "lstm", "task": "dyck"}, [])) == "–"
    runs = [types.SimpleNamespace(overrides={"task.group": "Z5"})]  # a key that only one value was given for
    assert study.published_score(Group({"cell": "lstm", "task": "word_problem"}, runs)) == "3"
