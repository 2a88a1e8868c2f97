"""Command that a W&B agent starts: it composes to the values of the sweep."""

from __future__ import annotations

import itertools

import pytest
import yaml
from omegaconf import OmegaConf
from wandb.sdk.launch.sweeps.utils import create_sweep_command_args

from seqlab.registry import CONF
from seqlab.runs import compose_config
from seqlab.tasks import load_task

SWEEP = yaml.safe_load((CONF / "wandb_sweep.yaml").read_text())
AXES = {
    key: parameter.get("values", [parameter.get("value")]) for key, parameter in SWEEP["parameters"].items()
}


def _arguments(values):
    """Return what W&B's agent puts in the place of ${args_no_hyphens}."""
    return create_sweep_command_args({"args": {key: {"value": value} for key, value in values.items()}})[
        "args_no_hyphens"
    ]


def test_command_is_the_trainer_with_arguments_as_hydra_takes_them():
    assert SWEEP["command"] == ["${env}", "python", "-m", "seqlab.train", "${args_no_hyphens}"]


def test_every_corner_of_the_sweep_composes_to_its_values():
    for corner in itertools.product(*({values[0], values[-1]} for values in AXES.values())):
        values = dict(zip(AXES, corner, strict=True))
        config = compose_config(_arguments(values))
        for key, value in values.items():
            choice = config.hydra.runtime.choices.get(key)
            assert (choice or OmegaConf.select(config, key)) == value


@pytest.mark.parametrize(
    ("key", "dealt", "meant"),
    [
        ("training.clip_norm", "null", None),
        ("cell.chrono", 20, 20),
        ("architecture.bidirectional", True, True),
    ],
)
def test_a_value_survives_the_agent(key, dealt, meant):
    assert OmegaConf.select(compose_config(_arguments({key: dealt})), key) == meant


def test_the_metric_is_the_tasks():
    (task,), (architecture,) = AXES["task"], AXES["architecture"]
    goal = load_task(task).goal(architecture)
    direction = "maximize" if goal.higher_is_better else "minimize"
    assert SWEEP["metric"] == {"name": f"eval/{goal.metric}", "goal": direction}
