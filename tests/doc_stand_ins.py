"""Small runs, sweeps and files that stand for the reader's own in what `make docs-check` runs."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path

import numpy as np
from PIL import Image

QUICK = ("cell.features=8", "training.steps=20", "training.log_every=5", "tracking.console.mode=off")
REVIEWS = ("task=text_classification", "task.source=my.csv", "task.text=review", "task.label=stars")
SALES = ("task=series", "task.source=sales.csv", "task.value=sold", "task.time=date", "task.group=shop")

RUNS = {
    "adding": ("task=adding", "task.length=20"),
    "text": ("task=python_docs",),
    "reviews": REVIEWS,
    "sales": (*SALES, "task.season=7", "task.length=6"),
    "series": ("task=labelled_series", "task.source=pairs.jsonl"),
    "reverse": ("+experiment=reverse_string", "task.length=8"),
    "captions": ("+experiment=captions", "task.source=FOLDER"),
}
"""The overrides of each run; `QUICK` follows them."""

SWEEPS = {
    "sweep": ("task=adding", "task.length=10", "cell=elman,gru", "seed=0,1", "hydra/launcher=vectorized")
}
"""The overrides of each sweep; `QUICK` follows them."""


def command(name: str, folder: Path) -> list[str]:
    """Return the words after `python -m` that make a run or a sweep in a folder."""
    if name in RUNS:
        return ["seqlab.train", *RUNS[name], *QUICK, f"hydra.run.dir={folder}"]
    return ["seqlab.train", "-m", *SWEEPS[name], *QUICK, f"hydra.sweep.dir={folder}"]


def write_files(folder: Path) -> None:
    """Write the files and the folder that the pages name."""
    kinds = (("good", 5), ("bad", 1))
    reviews = [(f"a {word} film, number {n}", stars) for n in range(60) for word, stars in kinds]
    first = datetime.date(2024, 1, 1)
    days = [first + datetime.timedelta(n) for n in range(200)]
    sales = [(day, shop, 20 + 5 * (day.weekday() == 5) + day.day % 3) for shop in "ab" for day in days]
    for name in ("my.csv", "new.csv"):
        _write(folder / name, ("review", "stars"), reviews)
    for name in ("sales.csv", "new_sales.csv"):
        _write(folder / name, ("date", "shop", "sold"), sales)
    pairs = [
        {"series": [[n % 7, mark], [n % 5, 2]], "label": f"of {mark}"} for n in range(60) for mark in (0, 1)
    ]
    (folder / "pairs.jsonl").write_text("".join(f"{json.dumps(pair)}\n" for pair in pairs))
    _write_images(folder / "FOLDER")
    _image(1).save(folder / "IMAGE.png")


def _write_images(folder: Path) -> None:
    """Write images of one brightness or another, and the table of their captions."""
    folder.mkdir()
    captions = [(f"{n}.png", ("a dark square", "a light square")[n % 2]) for n in range(40)]
    for n, (name, _) in enumerate(captions):
        _image(n % 2, n // 2).save(folder / name)
    _write(folder / "metadata.csv", ("file_name", "text"), captions)


def _image(light: int, shade: int = 0) -> Image.Image:
    """Return an image of one colour, whose red is one of several shades: equal rows would be duplicates."""
    colour = np.array([40 + 150 * light + shade, 40 + 150 * light, 40 + 150 * light], np.uint8)
    return Image.fromarray(np.broadcast_to(colour, (16, 16, 3)).copy())


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
