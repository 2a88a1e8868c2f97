"""Random shifts of images and clips of training."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from draws import batch_of
from PIL import Image
from small_corpora import write_csv

from seqlab.tasks import load_task

H, W = 3, 4
PIXELS = np.random.default_rng(0).integers(0, 256, (30, 3, H, W, 3), np.uint8)
SIZE = {"height": H, "width": W, "channels": 3}


def clips(folder, shift):
    np.savez(folder / "clips.npz", frames=PIXELS, label=np.array(["left", "right"] * 15))
    return load_task("frames", source=str(folder / "clips.npz"), length=5, shift=shift, **SIZE)


def captions(folder, shift):
    for index, clip in enumerate(PIXELS):
        Image.fromarray(clip[0]).save(folder / f"{index}.png")
    write_csv(folder / "metadata.csv", [{"file_name": f"{n}.png", "text": f"number {n}"} for n in range(30)])
    return load_task("captions", source=str(folder), shift=shift, **SIZE)


@pytest.mark.parametrize("task_of", [clips, captions])
def test_images_of_training_are_shifted_and_no_others(task_of, tmp_path):
    """Each image is one of the nine that a slow reference cuts out of it, and all nine are met."""
    plain, task = (task_of(tmp_path, shift) for shift in (0, 1))
    usual, moved = (batch_of(one, jax.random.key(0), 64) for one in (plain, task))
    met = set()
    for image, other in zip(np.asarray(usual.inputs), np.asarray(moved.inputs), strict=True):
        padded = np.pad(image, [*[(0, 0)] * (image.ndim - 3), (1, 1), (1, 1), (0, 0)], mode="edge")
        cuts = {(i, j): padded[..., i : i + H, j : j + W, :] for i in range(3) for j in range(3)}
        met |= {place for place, cut in cuts.items() if (cut == other).all()}
    assert met == {(i, j) for i in range(3) for j in range(3)}
    np.testing.assert_array_equal(usual.targets, moved.targets)
    for split in ("validation", "test"):
        both = (batch_of(one, jax.random.key(0), 8, split).inputs for one in (plain, task))
        np.testing.assert_array_equal(*both)
