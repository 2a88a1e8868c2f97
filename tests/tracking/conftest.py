"""Plain data of a run, for trackers."""

import pytest

from seqlab.tracking import RunInfo
from seqlab.types import Goal


@pytest.fixture
def info(tmp_path):
    return RunInfo(
        folder=tmp_path,
        config={"seed": 3, "cell": {"features": 8}},
        cell="gru",
        architecture="many_to_one",
        task="parity_check",
        seed=3,
        experiment="memory",
        steps=2000,
        tokens_per_step=640,
        num_params=12345,
        goal=Goal("accuracy", higher_is_better=True),
        resumed_from=None,
    )
