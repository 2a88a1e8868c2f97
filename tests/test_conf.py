"""Does every file under `conf/` compose, build, and run?"""

from __future__ import annotations

import functools
import re

import jax
import jax.numpy as jnp
import pytest
import yaml
from small_corpora import overrides as stand_in
from tiny_runs import FRAMINGS, TINY

from seqlab import run
from seqlab.registry import CONF, locate, make, settings_of
from seqlab.runs import build, compose_config, compose_request
from seqlab.tasks import load_task
from seqlab.training import Training
from seqlab.training.advance import advance
from seqlab.types import ConfigError

pytestmark = pytest.mark.slow

GROUPS = (
    *("cell", "task", "architecture", "optimizer", "schedule", "loss", "metrics", "training"),
    *("recurrence", "distributed", "gradients", "diagnostics", "tracking", "callbacks", "debug"),
)
OPTIONS = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
PARTS = [(path.parent.name, path.stem) for path in sorted((CONF / "experiment").glob("*/*.yaml"))]
VARIANTS = [(parent, name) for parent, name in PARTS if parent in EXPERIMENTS]
MODELS = [name for parent, name in PARTS if parent == "model"]


def built(overrides):
    return build(compose_request(overrides))


@functools.cache
def hydra_of(experiment):
    """Return what Hydra knows of an experiment."""
    return compose_config([f"+experiment={experiment}"]).hydra


def test_every_file_is_tested():
    elsewhere = {CONF / "train.yaml", CONF / "wandb_sweep.yaml", *CONF.glob("hydra/**/*.yaml")}
    files = set(CONF.rglob("*.yaml")) - elsewhere
    tested = {CONF / group / f"{name}.yaml" for group, name in OPTIONS}
    tested |= {CONF / "experiment" / f"{name}.yaml" for name in EXPERIMENTS}
    parts = [*VARIANTS, *(("model", name) for name in MODELS)]
    assert files == tested | {CONF / "experiment" / parent / f"{name}.yaml" for parent, name in parts}


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_option_builds(group, name):
    overrides = [f"{group}={name}"]
    if group == "task":
        overrides += stand_in(name)
    if (group, name) == ("loss", "optax"):  # of vectors
        overrides += ["task=adding"]
    if (group, name) == ("schedule", "optax"):  # which arguments a schedule has depends on its name
        overrides += ["schedule.value=1.0"]
    if group == "architecture":
        task = next(task for task, framing in FRAMINGS if framing == name)
        overrides += [f"task={task}", *stand_in(task)]
    made = built(overrides)
    assert made.request.choices.get(group, name) == name
    if group == "task":
        assert made.info.architecture == load_task(name).framings[0]


@pytest.mark.parametrize(
    ("overrides", "architecture"),
    [
        (["task=digits", "architecture=one_to_many"], "one_to_many"),
        (["architecture=one_to_many", "task=digits"], "one_to_many"),
        (["+experiment=parity_check"], "many_to_many"),
        (["+experiment=parity_check", "architecture=one_to_one"], "one_to_one"),
        (["+experiment=sms_spam", "task=respell"], "encoder_decoder"),
    ],
)
def test_the_command_line_and_then_the_experiment_overrule_the_architecture_of_the_task(
    overrides, architecture
):
    assert compose_config(overrides).hydra.runtime.choices.architecture == architecture


SINGLE = [
    name
    for name in EXPERIMENTS
    if "seqlab.analysis.studies." not in (CONF / "experiment" / f"{name}.yaml").read_text()
]
"""The experiments that are no study; those have their own test."""


@pytest.mark.parametrize("name", SINGLE)
def test_experiment_can_be_trained(name):
    """Its program is traced; what is traced compiles, and compiling every one would take long."""
    data = stand_in(hydra_of(name).runtime.choices.task)
    program = built([f"+experiment={name}", *data]).program
    span, active = jax.ShapeDtypeStruct((2,), jnp.int32), jax.ShapeDtypeStruct((), bool)
    steps = functools.partial(advance, program)
    state, _ = jax.eval_shape(steps, program.shapes, span, active, program.task.data)
    assert jax.tree.map(jnp.shape, state) == jax.tree.map(jnp.shape, program.shapes)


@pytest.mark.runs
def test_an_experiment_runs_two_steps_and_is_named_in_the_summary(folder):
    few = [*TINY, "training.steps=2", "training.sample_length=0"]
    summary = run(["+experiment=quickstart", *few, f"hydra.run.dir={folder}"])
    assert (summary["status"], summary["steps"], summary["experiment"]) == ("finished", 2, "quickstart")


@pytest.mark.parametrize(("experiment", "variant"), VARIANTS)
def test_variant_is_swept_and_builds(experiment, variant):
    assert variant in hydra_of(experiment).sweeper.params[f"+experiment/{experiment}"].split(",")
    assert built([f"+experiment/{experiment}={variant}", f"+experiment={experiment}"]).info.config


def test_every_model_is_swept_by_a_study():
    files = [yaml.safe_load((CONF / "experiment" / f"{name}.yaml").read_text()) for name in EXPERIMENTS]
    params = [(file.get("hydra", {}).get("sweeper") or {}).get("params", {}) for file in files]
    swept = {name for one in params for name in one.get("+experiment/model", "").split(",")}
    assert swept - {""} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_model_builds(name):
    assert built([f"+experiment/model={name}", "+experiment=copying"]).info.config


def test_every_task_has_an_experiment():
    files = [CONF / "experiment" / f"{name}.yaml" for name in EXPERIMENTS]
    files += [CONF / "experiment" / parent / f"{name}.yaml" for parent, name in VARIANTS]
    tasks = set()
    for file in files:
        for named in re.findall(r"^ +(?:- override /)?task: (\S+)$", file.read_text(), re.MULTILINE):
            tasks |= {*named.split(",")}
    assert tasks == {
        name for group, name in OPTIONS if group == "task" and load_task(name).provenance().offline
    }


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "seqlab.train.sys.exit",
        "seqlab.cli.command.os.system",
        "subprocess.run",
        "jax.pure_callback",
    ],
)
def test_foreign_target_is_refused(target):
    with pytest.raises(ConfigError, match=r"cell\._target_="):
        locate(target, "cell")


@pytest.mark.parametrize("target", ["seqlab.cells.LSTM", "flax.linen.GRUCell", "optax.adam", "jax.nn.relu"])
def test_own_target_is_found(target):
    assert callable(locate(target, "cell"))


def test_the_defaults_of_training_are_those_of_its_file():
    assert Training() == make(settings_of("training", "default"), "training")
