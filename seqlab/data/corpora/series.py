"""Corpora of series with a class each: vowels by their speaker, curves by the digit that they draw."""

from __future__ import annotations

import functools
import random
from typing import Any

import numpy as np

from seqlab.data.corpora.wheel import Wheel
from seqlab.data.readers.ts import read_ts
from seqlab.registry import import_extra

_VOWELS = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_{}.ts"
JAPANESE_VOWELS = Wheel(
    "aeon",
    "1.6.0",
    {
        _VOWELS.format("TRAIN"): "68a430eabd919cc77f40b1f5f3bc0dcafacc1486bca9260785aeb7d262cc78cd",
        _VOWELS.format("TEST"): "b3d41d6a0ca3bcad3afb9ca7d4365382aa51341e2e58bae2a574babdda5b9462",
    },
)
"""The wheel of `japanese_vowels`."""


def japanese_vowels(split: str) -> dict[str, list[Any]]:
    """Read "train" or "test": the vowels a and e by 9 men, 12 cepstra a step, 7 to 29 steps.

    Source: M. Kudo, J. Toyama & M. Shimbo, "Multidimensional curve classification using passing-through
        regions", Pattern Recognition Letters 20, 1999; UCI Machine Learning Repository,
        doi:10.24432/C5NS47, as the aeon package has it.
    """
    table = read_ts(JAPANESE_VOWELS.path(_VOWELS.format(split.upper()), "japanese_vowels"))
    return {"series": list(table.columns["series"]), "label": table.labels("label")}


def mnist1d(split: str) -> dict[str, list[Any]]:
    """Generate "train" or "test": ten curves of 40 values, stretched, sheared, moved and made noisy.

    Source: S. Greydanus & D. Kobak, "Scaling down deep learning with MNIST-1D", ICML 2024,
        arXiv:2011.14439, by their package.
    """
    suffix = "_test" if split == "test" else ""
    arrays = _mnist1d()
    return {"series": list(arrays[f"x{suffix}"]), "label": arrays[f"y{suffix}"].tolist()}


@functools.cache
def _mnist1d() -> dict[str, np.ndarray]:
    """Generate both splits, and restore the global random states that the package sets."""
    before = random.getstate(), np.random.get_state()
    try:
        return import_extra("mnist1d.data").make_dataset()
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
