"""Which series have a class? Those that need no hub: vowels by their speaker, digits drawn along a line."""

from __future__ import annotations

import functools
import random
from typing import Any

import numpy as np

from seqlab.data.ts import read_ts
from seqlab.data.wheels import Wheel
from seqlab.registry import import_extra

_VOWELS = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_{}.ts"
VOWELS = Wheel(
    "aeon",
    "1.6.0",
    {
        _VOWELS.format("TRAIN"): "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        _VOWELS.format("TEST"): "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
    },
)
"""The wheel that has them."""


def japanese_vowels(part: str) -> dict[str, list[Any]]:
    """Read "train" or "test": 12 cepstra a step, 7 to 29 steps, of the vowels a and e by one of 9 men.

    Source: M. Kudo, J. Toyama & M. Shimbo, "Multidimensional curve classification using passing-through
        regions", Pattern Recognition Letters 20, 1999; UCI Machine Learning Repository,
        doi:10.24432/C5NS47, as the aeon package has it.
    """
    table = read_ts(VOWELS.path(_VOWELS.format(part.upper()), "japanese_vowels"))
    return {"series": list(table.columns["series"]), "label": table.labels("label")}


def mnist1d(part: str) -> dict[str, list[Any]]:
    """Generate "train" or "test": ten curves of 40 values, stretched, sheared, moved and made noisy.

    Source: S. Greydanus & D. Kobak, "Scaling down deep learning with MNIST-1D", ICML 2024,
        arXiv:2011.14439, by their package.
    """
    suffix = "_test" if part == "test" else ""
    made = _mnist1d()
    return {"series": list(made[f"x{suffix}"]), "label": made[f"y{suffix}"].tolist()}


@functools.cache
def _mnist1d() -> dict[str, np.ndarray]:
    """Make both parts, and leave the global random states, which the package sets, as they were."""
    before = random.getstate(), np.random.get_state()
    try:
        return import_extra("mnist1d.data").make_dataset()
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
