"""Search for the operation that first gave a value which is not finite: `debug=nans`."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.runs.objects import Run
from seqlab.training import Checkpoints, Program, TrainState

_PACKAGE = Path(__file__).parents[1]


def find_operation(run: Run) -> str | None:
    """Return the operation and the line of code of the first value that is not finite in a diverged update.

    The update after the latest state is made again without compilation, operation by operation, with JAX's
    own check of each result: for NaN first, then for infinities, which may be harmless, as in a mask.

    Args:
        run: a run that has diverged. Its latest checkpoint is the state before the divergence.
    """
    numbers = {key: value for key, value in run.hyperparameters.items() if key not in run.family.init_only}
    program = run.family.at(numbers)
    state = Checkpoints(run.info.folder).restore_latest(run.program.shapes).state
    state = jax.tree.map(jnp.asarray, state)
    for check in (jax.debug_nans, jax.debug_infs):
        with jax.disable_jit(), check(True):
            if (found := _failure(program, state)) is not None:
                return found
    return None


def _failure(program: Program, state: TrainState) -> str | None:
    try:
        batch: Any = program.batch(state.seed, state.step, program.task.data)
        program.step(state, batch)
    except FloatingPointError as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
        last = ours[-1] if ours else frames[-1]
        return f"{str(error).splitlines()[0]} ({last.filename}:{last.lineno}, {last.name})"
    return None
