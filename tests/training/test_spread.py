"""Batches that are drawn on several devices: those of one device, of which each has its own rows."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_corpora import stand_in
from tiny_runs import tiny

from seqlab.runs import build, compose_request
from seqlab.tasks import load_task
from seqlab.tasks._host_rows import HostRows
from seqlab.training import Plan
from seqlab.training.advance import prefetch

B = 16
KINDS = {
    "generated": tiny("adding", "many_to_one", "task.length=50"),
    "rows": tiny("digits", "many_to_one"),
    "stream": tiny("python_docs", "many_to_many", "task.stream=true", "task.length=50"),
}


def compiled(program, plan, state):
    """Return the compiled draw of the next batches."""
    draw = functools.partial(prefetch, program, state)
    return (
        jax.jit(lambda data: plan.spread.draw(draw, data, leading=1))
        .lower(plan.abstract(program.task.data))
        .compile()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_each_device_draws_and_keeps_its_own_rows(kind):
    program = build(compose_request([*KINDS[kind], f"training.batch_size={B}"])).program
    state = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), program.shapes)
    plans = Plan(), Plan(devices=2)
    draws = [compiled(program, plan, state) for plan in plans]
    alone, spread = (draw(plan.place(program.task.data)) for draw, plan in zip(draws, plans, strict=True))
    jax.tree.map(np.testing.assert_array_equal, alone, spread)
    for leaf in jax.tree.leaves(spread):
        assert {shard.data.shape[1] for shard in leaf.addressable_shards} == {B // 2}
    whole, own = (draw.memory_analysis() for draw in draws)
    assert own.output_size_in_bytes < 0.6 * whole.output_size_in_bytes
    assert "all-gather" not in draws[1].as_text()


def test_each_device_reads_its_own_rows_from_the_host(monkeypatch):
    read, gather = [], HostRows._gather

    def noted(rows, indices):
        read.append(np.shape(indices))
        return gather(rows, indices)

    monkeypatch.setattr(HostRows, "_gather", noted)
    task, plan = load_task("tagging", **stand_in("tagging"), resident_bytes=0), Plan(devices=2)
    draw = functools.partial(task.batch, jax.random.key(0), B, "train", None)
    spread = jax.jit(lambda data: plan.spread.draw(draw, data))(task.data)
    jax.block_until_ready(spread)
    assert set(read) == {(B // 2,)}
    jax.tree.map(np.testing.assert_array_equal, draw(task.data), spread)
