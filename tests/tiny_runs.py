"""Tiny runs, and every choice of the config to parametrise over."""

from __future__ import annotations

import yaml
from small_corpora import overrides as stand_in_overrides

from seqlab.registry import CONF
from seqlab.tasks import load_task, task_names

CELLS = sorted(path.stem for path in (CONF / "cell").glob("*.yaml"))
OWN = [name for name in task_names() if load_task(name).name == name]
"""The tasks; every other name is a preset of one of them."""
PRESETS = [name for name in task_names() if name not in OWN]
FRAMINGS = [(name, architecture) for name in OWN for architecture in load_task(name).framings]

NARROW = {
    "associative_recall": {"num_pairs": 1, "min_length": 4, "num_tokens": 8},
    "frames": {"height": 4, "width": 4},
    "pathfinder": {"side": 8, "by": "row"},
    "ready_set_go": {"min_length": 2, "max_delay": 2},
    "selective_copying": {"num_copied": 3, "min_length": 4},
}
"""Fields of tasks whose defaults do not allow sequences or images as small as those of the tests."""
ONE_EACH = list(
    {
        architecture: (task, architecture)
        for task, architecture in (*reversed(FRAMINGS), ("reverse_string", "encoder_decoder"))
    }.values()
)
"""Each architecture with one task. The first one of an encoder-decoder would be to add binary numbers, whose
examples take several times as long to compile as reversed strings."""

TINY = [
    *(
        "cell.features=4",
        "training.batch_size=4",
        "training.evaluation_batch_size=64",
        "training.num_examples=0",
        "gradients=off",
    ),
    *("training.log_every=1", "tracking.wandb.mode=disabled", "tracking.console.mode=off"),
]
"""Overrides that make any run quick and quiet. A test of statistics adds `gradients=norms` or `full`: their
program takes a third of the time of compilation."""


UNSTABLE = [
    *("task=adding", "architecture=many_to_one", "task.length=6", "task.num_evaluation_examples=16", *TINY),
    *(
        "cell=elman",
        "cell.activation=identity",
        "optimizer=sgd",
        "training.clip_norm=null",
        "training.steps=4",
    ),
]
"""Overrides of a quick run that diverges at a learning rate of 1e9 and finishes at 1e-9."""


def tiny(task: str, architecture: str, *overrides: str) -> list[str]:
    """Return the overrides of a quick run of a pair."""
    fields = yaml.safe_load((CONF / "task" / f"{task}.yaml").read_text())
    short = ["task.length=6"] if "length" in fields else []
    few = ["task.num_evaluation_examples=16"] if "num_evaluation_examples" in fields else []
    narrow = [f"task.{name}={value}" for name, value in NARROW.get(task, {}).items()]
    file = stand_in_overrides(task)
    return [f"task={task}", f"architecture={architecture}", *TINY, *short, *few, *narrow, *file, *overrides]
