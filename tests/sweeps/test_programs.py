"""Many runs as one program: each equals the run by itself."""

from __future__ import annotations

import dataclasses
import functools
import shutil

import jax
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.recurrence import stack
from seqlab.runs import Request, build, compose_request
from seqlab.runs.hyperparameters import traceable_keys
from seqlab.sweeps.cluster import require_one_process, submit
from seqlab.sweeps.programs import Sharing, _choose, execute_all, submit_all
from seqlab.tracking import read_rows, read_summary
from seqlab.training import Checkpoints, Plan
from seqlab.training.vectorize.planning import choose_plan, most_runs
from seqlab.types import ConfigError, IncompatibleError

GRID = [
    ["seed=0"],
    ["seed=1", "optimizer.learning_rate=0.01", "cell.recurrent_scale=0.5"],
    ["seed=2", "optimizer.learning_rate=1e9", "training.clip_norm=1e38"],  # diverges
    ["seed=0", "training.clip_norm=0.01"],
    ["seed=3"],
]
DIVERGING = 2
HORIZON = "grads/through_time/horizon"


def overrides_of(*further: str) -> list[str]:
    return tiny(
        *(
            "adding",
            "many_to_one",
            "cell=elman",
            "cell.activation=identity",
            "optimizer=sgd",
            "task.length=30",
        ),
        *("training.steps=6", "training.eval_every=3", "training.log_every=3", "training.devices=1"),
        "gradients=norms",
        *further,
    )


def request_of(overrides, folder) -> Request:
    return dataclasses.replace(compose_request(overrides), folder=folder)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return the folders of the grid's runs, each run by itself."""
    root = tmp_path_factory.mktemp("alone")
    for index, own in enumerate(GRID):
        run([*overrides_of(*own), f"hydra.run.dir={root / str(index)}"])
    return root


def rows_of(folder):
    return [
        {key: np.array(value, float) for key, value in row.items() if not key.startswith("timing/")}
        for row in read_rows(folder)
    ]


@pytest.mark.runs
@pytest.mark.parametrize(("vmap_size", "level"), [(1, "off"), (2, "norms")])
def test_a_run_among_many_is_the_run_alone(vmap_size, level, alone, tmp_path):
    requests = [
        request_of(overrides_of(f"gradients.level={level}", *own), tmp_path / str(index))
        for index, own in enumerate(GRID)
    ]
    outcomes = execute_all(requests, Sharing(vmap_size=vmap_size, devices=2))
    statuses = [outcome["status"] for outcome in outcomes]
    assert statuses == ["diverged" if index == DIVERGING else "finished" for index in range(len(GRID))]
    for index, outcome in enumerate(outcomes):
        one, many = alone / str(index), tmp_path / str(index)
        assert read_summary(one)["reason"] == outcome["reason"]
        assert read_summary(one)["steps"] == outcome["steps"]
        for first, second in zip(rows_of(one), rows_of(many), strict=True):
            assert first.keys() == second.keys() or level == "off"
            for key in second.keys() - {HORIZON}:  # the inverse of the slope, which is near 0 here
                np.testing.assert_allclose(second[key], first[key], rtol=1e-5, atol=1e-6, err_msg=key)


@pytest.mark.runs
@pytest.mark.parametrize("devices", [1, 2])
def test_an_exact_run_is_the_run_alone_bit_for_bit(devices, tmp_path):
    """On two devices the rows of a batch are spread, and the order in which gradients are added matters."""
    settings = overrides_of(f"training.devices={devices}", "optimizer.learning_rate=0.01")
    requests = [request_of([*settings, *own], tmp_path / f"exact-{own[0]}") for own in (GRID[0], GRID[4])]
    outcomes = execute_all(requests, Sharing(exact=True))
    for own, outcome in zip((GRID[0], GRID[4]), outcomes, strict=True):
        alone = run([*settings, *own, f"hydra.run.dir={tmp_path / own[0]}"])
        assert outcome["plan"] == alone["plan"]
        for one, other in zip(rows_of(tmp_path / own[0]), rows_of(outcome["folder"]), strict=True):
            for key in one:
                np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def test_exact_leaves_no_choice_of_a_plan():
    with pytest.raises(ValueError, match=r"^vmap_size must be null where exact is true, got 2$"):
        Sharing(vmap_size=2, exact=True)


@pytest.mark.runs
def test_the_seconds_of_runs_add_up_to_those_of_their_program(tmp_path):
    requests = [request_of(overrides_of(f"seed={seed}"), tmp_path / str(seed)) for seed in range(2)]
    outcomes = execute_all(requests, Sharing(vmap_size=2, devices=1))
    for outcome in outcomes:
        assert sum(one["seconds"] for one in outcomes) == pytest.approx(outcome["program_seconds"])


OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")
SWITCHED_ON = (
    *("training.clip_value=0.5", "architecture.dropout=0.5"),
    *("training.ema_decay=0.9", "training.gradient_noise=0.1"),
)


def family_of(*overrides):
    return build(compose_request([*tiny("adding", "many_to_one"), "architecture.num_layers=2", *overrides]))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_number_acts_as_an_argument_as_it_does_in_the_program(optimizer):
    run = family_of(f"optimizer={optimizer}", *SWITCHED_ON)
    other = {key: 0.7 * value + 0.01 for key, value in run.hyperparameters.items()}

    def stepped(numbers):
        program = run.family.at(numbers)
        state = program.init(np.uint32(3), ())
        moving = {key: value for key, value in numbers.items() if key not in run.family.init_only}
        program = run.family.at(moving)
        batch = program.batch(state.seed, state.step, ())
        return state.params, program.step(state, batch)[0].params

    as_arguments = jax.jit(stepped)
    within = jax.jit(lambda: stepped(other))()
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7), as_arguments(other), within
    )
    before = as_arguments(run.hyperparameters)
    assert not np.allclose(before[1]["readout"]["kernel"], within[1]["readout"]["kernel"])


def test_every_number_belongs_to_some_run():
    found = {
        key
        for optimizer in OPTIMIZERS
        for key in family_of(f"optimizer={optimizer}", *SWITCHED_ON).hyperparameters
    }
    assert found | {"seed"} == traceable_keys()


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("seed=5", True),
        ("optimizer.learning_rate=7", True),
        ("tracking.wandb.tags=[a]", True),
        ("architecture.dropout=0.3", False),  # without dropout nothing is drawn
        ("training.clip_norm=null", False),
        ("cell.features=5", False),
        ("optimizer=sgd", False),
        ("task.length=7", False),
    ],
)
def test_runs_are_one_family_where_they_differ_in_numbers_alone(other, same):
    assert (family_of().family == family_of(other).family) == same


def test_a_plan_has_room_for_all_and_equal_shares():
    run = family_of()
    for num_runs in (1, 2, 5, 12):
        for vmap_size in (1, 2, 100):
            plan, measured = choose_plan(run.family, num_runs, run.hyperparameters, vmap_size, 2)
            assert num_runs <= plan.num_runs < num_runs + plan.vmap_size * plan.devices
            assert not measured


def test_the_fastest_of_the_measured_plans_is_chosen():
    run = family_of("training.steps=20000", "training.steps_per_call=2")
    plan, measured = choose_plan(run.family, 12, run.hyperparameters, num_devices=2)
    assert set(measured) == {"vmap_size_1", "vmap_size_4", "vmap_size_6"}
    assert measured[f"vmap_size_{plan.vmap_size}"] == min(measured.values())


def test_fewer_runs_fit_where_each_is_larger_or_more_are_in_flight():
    small, large = family_of().program, family_of("cell.features=64").program
    assert most_runs(large, 1, 1) < most_runs(small, 1, 1)
    assert most_runs(large, 10_000, 1) <= most_runs(large, 1, 1)


def test_runs_of_cudnn_which_cannot_be_batched_are_trained_one_by_one(monkeypatch):
    monkeypatch.setattr(stack, "require_cudnn", lambda cell: None)
    run = family_of("cell=lstm", "recurrence.backend=cudnn")
    assert run.program.recurrence.uses_kernel
    assert _choose({0: run, 1: run}, Sharing(vmap_size=2))[:2] == (1, Plan(devices=run.num_devices))


def test_a_plan_of_unequal_shares_is_refused():
    with pytest.raises(ValueError, match="must divide num_runs=6"):
        Plan(num_runs=6, vmap_size=2, devices=2)


@pytest.mark.runs
def test_parts_that_memory_asks_for_are_trained_one_after_another(tmp_path):
    settings = tiny("adding", "many_to_one", "training.steps=2")
    requests = [request_of([*settings, f"seed={seed}"], tmp_path / str(seed)) for seed in range(3)]
    outcomes = execute_all(requests, Sharing(runs_per_program=2, vmap_size=1, devices=1))
    assert [(outcome["status"], outcome["seed"]) for outcome in outcomes] == [
        ("finished", n) for n in range(3)
    ]
    assert read_rows(tmp_path / "2")


@pytest.mark.runs
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # submitit leaves logs open
def test_programs_may_be_jobs_of_a_cluster(tmp_path):
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    settings = tiny("adding", "many_to_one", "training.steps=2")
    architectures = ("many_to_one", "many_to_many", "many_to_one")
    requests = [
        request_of([*settings, f"architecture={architecture}", f"seed={seed}"], tmp_path / str(seed))
        for seed, architecture in enumerate(architectures)
    ]
    sharing = Sharing(runs_per_program=1, vmap_size=1, devices=1)

    def submit_to(**settings):
        to = functools.partial(submit, folder=tmp_path / "logs", settings=settings)
        return submit_all(requests, sharing, to)

    first, second, third = submit_to(cluster="debug")
    assert isinstance(second, IncompatibleError)
    assert [(one["status"], one["seed"]) for one in (first, third)] == [("finished", 0), ("finished", 2)]
    with pytest.raises(ConfigError, match=r"hydra\.launcher\.cluster: "):
        submit_to(cluster="moon")
    for wrong in (-1, 1.5, True, None):
        with pytest.raises(ConfigError, match=r"hydra\.launcher\.cluster\.max_num_timeout must be"):
            submit_to(cluster="debug", max_num_timeout=wrong)


@pytest.mark.runs
def test_patience_ends_one_run_and_not_the_others(tmp_path):
    settings = tiny("adding", "many_to_one", "training.steps=8", "training.eval_every=1", "optimizer=sgd")
    settings += ["training.patience=2"]
    rates = (1e-30, 0.05)  # the first learns nothing
    requests = [
        request_of([*settings, f"optimizer.learning_rate={rate}"], tmp_path / str(index))
        for index, rate in enumerate(rates)
    ]
    still, learning = execute_all(requests, Sharing(vmap_size=1))
    assert (still["status"], still["steps"]) == ("finished", 3)
    assert "the last 2 evaluations brought no better eval/mse" in still["reason"]
    assert (learning["steps"], learning["reason"]) == (8, None)
    assert read_rows(tmp_path / "0")[-1]["step"] == still["best"]["step"] == 1


@pytest.mark.runs
@pytest.mark.parametrize("patience", [None, 2])
def test_a_sweep_that_was_killed_goes_on_bit_for_bit(patience, tmp_path, monkeypatch):
    settings = tiny("adding", "many_to_one", "training.steps=8", "training.eval_every=1", "optimizer=sgd")
    settings += ["training.checkpoint_every=3", "training.log_every=2"]
    settings += [f"training.patience={patience}"] if patience else []
    grid = [f"seed={seed}" for seed in range(3)] + ["optimizer.learning_rate=1e-30"]

    def requests(name, *further):
        return [
            request_of([*settings, own, *further], tmp_path / name / str(index))
            for index, own in enumerate(grid)
        ]

    sharing = Sharing(vmap_size=4, devices=1)
    save = Checkpoints.save_latest

    def save_and_copy(self, state, notes=None):
        save(self, state, notes)
        if self.folder.parent.name == "2" and state.step == 3:
            copy = tmp_path / "killed"
            shutil.copytree(tmp_path / "whole", copy, ignore=shutil.ignore_patterns(".lock"))

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save_latest", save_and_copy)
        execute_all(requests("whole"), sharing)
    shutil.rmtree(tmp_path / "killed" / "1" / "checkpoints" / "latest" / "3", ignore_errors=True)
    execute_all(requests("killed", "resume=auto"), Sharing(devices=1))  # the plan is that of the checkpoints
    for index in range(len(grid)):
        one, other = tmp_path / "whole" / str(index), tmp_path / "killed" / str(index)
        for first, second in zip(rows_of(one), rows_of(other), strict=True):
            assert {key: value.tolist() for key, value in first.items()} == {
                key: value.tolist() for key, value in second.items()
            }
        for key in ("status", "reason", "steps", "best", "final", "test"):
            assert read_summary(one).get(key) == read_summary(other).get(key)


@pytest.mark.parametrize("name", ["nodes", "tasks_per_node"])
def test_a_job_of_several_processes_is_refused(name):
    with pytest.raises(ConfigError, match=rf"^hydra\.launcher\.cluster\.{name} must be 1, .* got 2"):
        require_one_process({"cluster": "slurm", name: 2})
