"""seqlab: experiments on recurrent sequence models in JAX.

Axis letters used in every docstring: `B` batch, `T` time, `F` input features, `H` hidden features,
`O` outputs, `R` replicas, `G` gates. Arrays are batch-major unless the name says otherwise
(`inputs_TBF` is time-major).
"""

from __future__ import annotations

__version__ = "0.1.0"


def run(overrides: list[str] | None = None) -> dict:
    """Train one model as `python -m seqlab.train` would and return its summary.

    Args:
        overrides: Hydra overrides, such as `["cell=gru", "task=adding", "training.steps=100"]`.

    Returns:
        The content of the run's `summary.json`.

    Raises:
        seqlab.types.ConfigError: a key, a value or a combination that does not fit.
    """
    from seqlab.train import run as run_training  # the commands are heavy: import on first use

    return run_training(overrides or [])
