"""Metrics by length: each length is compared with the baseline of its own."""

import math

import numpy as np
import pytest
from tiny_runs import tiny

from seqlab.runs import build, compose_request
from seqlab.runs.by_length import MOST_REFERENCES, evaluate_lengths


@pytest.fixture(scope="module")
def found():
    program = build(compose_request(tiny("copy_memory", "many_to_many", "task.curriculum=uniform"))).program
    params = program.init(0, program.task.data).params
    return evaluate_lengths(program, params, range(2, 14), "test")


def test_some_lengths_have_the_baseline_of_their_own(found):
    lengths, baselines = found.baselines
    assert (lengths[0], lengths[-1], len(lengths)) == (2, 13, MOST_REFERENCES)
    np.testing.assert_allclose(baselines, 10 * math.log(8) / (lengths + 20), rtol=0.01)


def test_a_baseline_that_does_not_depend_on_the_length_is_the_same_at_each():
    program = build(compose_request(tiny("adding", "many_to_one"))).program
    params = program.init(0, program.task.data).params
    references = evaluate_lengths(program, params, [5, 9], "test").references
    assert {round(one.baseline, 1) for one in references.values()} == {0.2}
