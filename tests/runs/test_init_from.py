"""Runs that begin from the trained parameters of another run, on the same or on other data."""

from __future__ import annotations

import json
import shutil

import jax
import numpy as np
import pytest
from tiny_runs import TINY, tiny

from seqlab import load_run, run
from seqlab.runs import compose_request
from seqlab.sweeps.programs import Sharing, execute_all
from seqlab.tracking import read_summary
from seqlab.types import ConfigError, IncompatibleError

pytestmark = pytest.mark.runs
FEW = ["training.steps=2", "training.eval_every=1"]
TEXTS = ["task=text_classification", "architecture.embedding=3", *TINY, *FEW]
ADDING = tiny("adding", "many_to_one", *FEW)


def labelled(words, labels):
    """Return texts that differ, each word of which occurs often enough to be known."""
    rows = [
        (f"{word} film {index % 7} {index // 7}", label)
        for index in range(21)
        for word, label in zip(words, labels, strict=True)
    ]
    return {"text": [text for text, _ in rows], "label": [label for _, label in rows]}


def pairs(words):
    both = [(one, other) for one in words for other in words]
    rows = [(f"{one} {two} {n % 5} {n // 5}", f"{two} {one}") for n in range(25) for one, two in both]
    return {"text": [text for text, _ in rows], "target": [target for _, target in rows]}


OLD, NEW = (
    labelled(("good", "bad"), ("good", "bad")),
    labelled(("fine", "plain", "bad"), ("good", "average", "bad")),
)
DATA = {
    "texts": (TEXTS, OLD, NEW),
    "corpus": (
        ["task=text_corpus", "task.length=4", *TINY, *FEW],
        {"text": ["bacab abc " * 9, "cab a b " * 20]},
        {"text": ["abzzy cab " * 9, "x cab a b " * 20]},
    ),
    "pairs": (
        ["task=text_pairs", "task.length=6", "task.target_length=6", *TINY, *FEW],
        pairs(("a", "b")),
        pairs(("a", "c", "d")),
    ),
}


@pytest.fixture(scope="module", params=list(DATA))
def grown(request, tmp_path_factory):
    """A trained run, and a run of no step that began from it on data with new symbols."""
    settings, old, new = DATA[request.param]
    first, second = (tmp_path_factory.mktemp("init") / name for name in ("first", "second"))
    run([*settings, f"hydra.run.dir={first}"], data=old)
    run([*settings, "seed=5", "training.steps=0", f"init_from={first}", f"hydra.run.dir={second}"], data=new)
    return first, second


@pytest.fixture(scope="module")
def adding(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adding") / "run"
    run([*ADDING, f"hydra.run.dir={folder}"])
    return folder


def artifacts(folder):
    return json.loads((folder / "vocabulary.json").read_text())


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_symbols_are_kept_in_their_order_and_grow_at_the_end(grown):
    first, second = grown
    old, new = artifacts(first), artifacts(second)
    added = {name: len(new[name]) - len(old[name]) for name in old if len(new[name]) > len(old[name])}
    assert old.keys() == new.keys()
    assert all(new[name][: len(old[name])] == old[name] for name in old)
    assert added
    assert all(len(set(new[name])) == len(new[name]) for name in added)
    step = read_summary(first)["best"]["step"]
    assert read_summary(second)["init_from"] == {"folder": str(first), "step": step, "added": added}


def test_old_outputs_are_predicted_as_before(grown):
    """The logits are those of the old run, also of an end symbol, whose number is another one now."""
    first, second = map(load_run, grown)
    framing = first.network.framing
    draw = jax.jit(lambda data: first.task.evaluation_batch(0, 8, "validation", framing, data))
    batch, end = jax.device_get(draw(first.task.data)), first.task.end_symbol(framing)
    old = np.asarray(jax.jit(first.network.apply)(first.params, batch))
    moved = batch
    if end is not None:
        moved_end = second.task.end_symbol(framing)
        moved = batch._replace(targets=np.where(batch.targets == end, moved_end, batch.targets))
    new = np.asarray(jax.jit(second.network.apply)(second.params, moved))
    last = [] if end is None else [-1]
    kept = [*range(old.shape[-1] - len(last)), *last]
    assert new.shape[-1] > old.shape[-1]
    np.testing.assert_allclose(new[..., kept], old, rtol=1e-5, atol=1e-6)


def test_without_new_symbols_nothing_changes(grown, folder):
    if "classes" not in artifacts(first := grown[0]):
        pytest.skip("one task is enough")
    run([*TEXTS, "seed=5", "training.steps=0", f"init_from={first}", f"hydra.run.dir={folder}"], data=OLD)
    before, after = load_run(first), load_run(folder)
    same(before.params, after.params)
    assert read_summary(folder)["init_from"]["added"] == {}
    assert before.evaluate("validation") == after.evaluate("validation")


def test_a_task_of_another_length_goes_on_from_the_parameters(adding, folder):
    settings = [*ADDING, "task.length=9", "seed=1", f"init_from={adding}"]
    run([*settings, "training.steps=0", f"hydra.run.dir={folder}"])
    same(load_run(adding).params, load_run(folder).params)


def test_it_is_resumed_without_the_old_folder(adding, folder):
    old, cut, whole = (folder / name for name in ("old", "cut", "whole"))
    shutil.copytree(adding, old)
    begun = [*ADDING, "task.length=9", f"init_from={old}"]
    run([*begun, "training.steps=4", f"hydra.run.dir={whole}"])
    run([*begun, f"hydra.run.dir={cut}"])
    shutil.rmtree(old)
    found = run([*begun, "training.steps=4", "resume=auto", f"hydra.run.dir={cut}"])
    same(load_run(whole).params, load_run(cut).params)
    assert found["init_from"] == read_summary(whole)["init_from"]


def test_grown_texts_are_resumed_with_their_own_vocabulary(grown, folder):
    if "classes" not in artifacts(grown[0]):
        pytest.skip("one task is enough")
    begun = [*TEXTS, f"init_from={grown[0]}", f"hydra.run.dir={folder}"]
    run(begun, data=NEW)
    before = artifacts(folder)
    found = run([*begun, "training.steps=3", "resume=auto"], data=NEW)
    assert (found["steps"], artifacts(folder)) == (3, before)
    assert set(load_run(folder).predict(["a plain film"]).names) == {"good", "average", "bad"}


def test_runs_of_one_program_begin_from_it_too(adding, folder):
    """Two seeds as one program have the parameters of each by itself."""
    begun = [*ADDING, "task.length=9", f"init_from={adding}", "training.steps=1"]
    places = [folder / str(seed) for seed in (0, 1)]
    asked = [[*begun, f"seed={seed}", f"hydra.run.dir={place}"] for seed, place in enumerate(places)]
    outcomes = execute_all([compose_request(words) for words in asked], Sharing())
    best = read_summary(adding)["best"]["step"]
    assert [outcome["init_from"]["step"] for outcome in outcomes] == [best, best]
    alone = folder / "alone"
    run([*begun, "seed=1", f"hydra.run.dir={alone}"])
    jax.tree.map(
        lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5),
        load_run(places[1]).params,
        load_run(alone).params,
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["cell=gru"], "cell._target_ 'seqlab.cells.LSTM' -> 'seqlab.cells.GRU'"),
        (["cell.features=5"], "cell.features 4 -> 5"),
        (["architecture.num_layers=2"], "architecture.num_layers 1 -> 2"),
        (["task=delayed_recall", "architecture=many_to_many"], "task._target_"),
        (["init_from=/nowhere"], "init_from=/nowhere does not exist.*: legal are null and the folder"),
    ],
)
def test_what_does_not_fit_is_refused(adding, folder, changed, message):
    with pytest.raises(ConfigError, match=message) as found:
        run([*ADDING, f"init_from={adding}", *changed, f"hydra.run.dir={folder}"])
    assert "\n" not in str(found.value)
    assert not (folder / "checkpoints").exists()


def test_symbols_without_names_do_not_grow(folder, tmp_path):
    """What further symbols of a generated task stand for is not known."""
    few = tiny("associative_recall", "many_to_many", *FEW)
    run([*few, f"hydra.run.dir={folder}"])
    with pytest.raises(IncompatibleError, match=r"task.num_tokens 8 -> 10$"):
        run([*few, "task.num_tokens=10", f"init_from={folder}", f"hydra.run.dir={tmp_path / 'other'}"])
