"""seqlab: experiments on recurrent sequence models in JAX.

Axis letters used in every docstring: `B` batch, `T` time, `F` input features, `H` hidden features,
`O` outputs, `R` replicas, `G` gates. Arrays are batch-major unless the name says otherwise
(`inputs_TBF` is time-major).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqlab.tracking import Callback

__version__ = "0.1.0"


def run(
    overrides: Sequence[str] = (),
    config_dir: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> dict[str, Any]:
    """Train one model as `python -m seqlab.train` would and return its summary.

    Args:
        overrides: Hydra overrides, such as `["cell=gru", "task=adding", "training.steps=100"]`.
        config_dir: a folder of further config groups, such as `experiment/`.
        callbacks: hooks that are called while the model is trained (`seqlab.tracking.Callback`).

    Returns:
        The content of the run's `summary.json`. `summary["folder"]` is the run folder.

    Raises:
        seqlab.types.ConfigError: a key, a value or a combination that is not legal.
    """
    from seqlab.runs import run as execute_run  # imports JAX, which takes a second

    return execute_run(overrides, config_dir, callbacks)
