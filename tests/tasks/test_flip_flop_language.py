"""The flip-flop language in plain Python."""

import jax
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import load_task


def test_a_bit_that_is_read_is_the_one_that_was_written_last():
    task = load_task("flip_flop_language", length=12, curriculum="uniform", ignore_probability=0.5)
    batch = jax.device_get(batch_of(task, jax.random.key(0), 64))
    kinds = []
    for read, targets, mask, length in zip(
        batch.inputs, batch.targets, batch.mask, batch.lengths, strict=True
    ):
        instructions, bits = read[:length:2], read[1:length:2] - 3
        assert (instructions[0], instructions[-1]) == (0, 1)
        assert set(bits) <= {0, 1}
        kinds += instructions[1:-1].tolist()
        assert np.flatnonzero(mask).tolist() == [2 * place for place in np.flatnonzero(instructions == 1)]
        written = None
        for place, instruction in enumerate(instructions):
            if instruction == 1:
                assert targets[2 * place] == written
            if instruction == 0 or (instruction == 1 and place < len(bits)):
                assert instruction == 0 or bits[place] == written
                written = bits[place]
    shares = np.bincount(kinds, minlength=3) / len(kinds)
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=4 * np.sqrt(0.25 / len(kinds)))
