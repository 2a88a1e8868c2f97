"""Small files of the schema of every data set, which tasks read in tests as they read the data set."""

from __future__ import annotations

import csv
import functools
import io
import json
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import yaml
from PIL import Image

from seqlab.registry import CONF

_FOLDER = tempfile.TemporaryDirectory(prefix="seqlab-corpora-")


@functools.cache
def stand_in(task: str) -> Mapping[str, Any]:
    """Return the fields with which a task reads a small file; none for a task that reads no source."""
    config = yaml.safe_load((CONF / "task" / f"{task}.yaml").read_text())
    write = WRITERS.get(config["_target_"].rpartition(".")[2])
    return {"source": str(write(Path(_FOLDER.name) / task, config)), "config": None} if write else {}


def overrides(task: str) -> list[str]:
    """Return `stand_in` as a run takes it."""
    return [f"task.{key}={'null' if value is None else value}" for key, value in stand_in(task).items()]


def write_csv(path: Path, rows: list[Mapping[str, Any]]) -> Path:
    """Write a comma-separated file with a head."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[Mapping[str, Any]]) -> Path:
    """Write a JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_hub(path: Path, columns: Mapping[str, Any], features: Mapping[str, Any] | None = None) -> Path:
    """Write a parquet file as the hub holds them, with the types of its columns."""
    from datasets import Dataset, Features

    path = path.with_suffix(".parquet")
    rows = Dataset.from_dict(columns)
    (rows.cast(Features(features)) if features else rows).to_parquet(str(path))
    return path


def reviews(count: int = 80) -> tuple[list[str], list[int]]:
    """Make up texts of one to eight words that differ, and say of each whether it is good."""
    draw = random.Random(0)
    words = {0: ["bad", "dull", "slow", "worst"], 1: ["good", "fun", "fast", "best"]}
    labels = [index % 2 for index in range(count)]
    texts = [
        " ".join([*draw.choices(words[label], k=draw.randint(0, 6)), f"film {index // 10} {index % 10}"])
        for index, label in enumerate(labels)
    ]
    return texts, labels


def _classified(path: Path, config: Mapping[str, Any]) -> Path:
    texts, labels = reviews()
    if "/" in (config["source"] or ""):
        from datasets import ClassLabel, Value

        columns = {config["text"]: texts, config["label"]: labels}
        return write_hub(
            path,
            columns,
            {config["text"]: Value("string"), config["label"]: ClassLabel(names=["bad", "good"])},
        )
    rows = [
        {config["text"]: text, config["label"]: ("bad", "good")[label]}
        for text, label in zip(texts, labels, strict=True)
    ]
    return write_csv(path.with_suffix(".csv"), rows)


def labelled() -> tuple[list[list[list[float]]], list[str]]:
    """Return 120 series of 3 to 6 steps of 2 numbers, and their classes: which of the two is the larger."""
    draw = random.Random(0)
    labels = [("left", "right")[index % 2] for index in range(120)]
    series = [
        [
            [round(draw.random() + (label == name), 3) for name in ("left", "right")]
            for _ in range(draw.randint(3, 6))
        ]
        for label in labels
    ]
    return series, labels


def _labelled(path: Path, config: Mapping[str, Any]) -> Path:
    series, labels = labelled()
    rows = [
        {config["series"]: steps, config["label"]: label} for steps, label in zip(series, labels, strict=True)
    ]
    return write_jsonl(path.with_suffix(".jsonl"), rows)


def _text(path: Path, config: Mapping[str, Any]) -> Path:
    draw = random.Random(0)
    lines = [" ".join(draw.choices(["abc", "bca", "dad", "ebb"], k=8)) for _ in range(200)]
    if "/" in (config["source"] or ""):
        return write_hub(path, {config["text"]: lines})
    path.with_suffix(".txt").write_text("\n\n".join(lines))
    return path.with_suffix(".txt")


def _series(path: Path, config: Mapping[str, Any]) -> Path:
    draw = random.Random(0)
    values = [step % 4 + draw.random() for step in range(300)]
    if "/" in (config["source"] or ""):
        path.mkdir(exist_ok=True)
        for split, count in (("train", 200), ("validation", 250), ("test", 300)):
            write_hub(
                path / split, {"item_id": ["T1", "T2"], config["value"]: [values[:count], values[:count]]}
            )
        return path
    return write_csv(path.with_suffix(".csv"), [{config["value"]: value} for value in values])


def _tagged(path: Path, config: Mapping[str, Any]) -> Path:
    draw = random.Random(0)
    rows = []
    for index in range(120):
        words = [
            f"t{index // 10}",
            f"u{index % 10}",
            *draw.choices(["a", "b", "c"], k=draw.randint(0, 3)),
            ["the", "Mr"][index % 3 < 2],
            "Smith",
            "left",
        ]
        rows.append((words, [{"Smith": 1, "left": 2}.get(word, 0) * (index % 3 < 2) for word in words]))
    tags = ["O", "B-PER", "I-PER"]
    columns = {
        config["tokens"]: [words for words, _ in rows],
        config["tags"]: [numbers for _, numbers in rows],
    }
    if "/" in (config["source"] or ""):
        from datasets import ClassLabel, List, Value

        kinds = {config["tokens"]: List(Value("string")), config["tags"]: List(ClassLabel(names=tags))}
        return write_hub(path, columns, kinds)
    named = [
        {config["tokens"]: words, config["tags"]: [tags[number] for number in numbers]}
        for words, numbers in rows
    ]
    return write_jsonl(path.with_suffix(".jsonl"), named)


def _paired(path: Path, config: Mapping[str, Any]) -> Path:
    draw = random.Random(0)
    words = {"red": "rot", "green": "grün", "blue": "blau", "house": "Haus", "tree": "Baum"}
    texts = [" ".join(draw.choices(list(words), k=draw.randint(3, 6))) for _ in range(120)]
    answers = [" ".join(words[word] for word in text.split()) for text in texts]
    if config["text"] == config["target"]:
        dialogues = [list(pair) for pair in zip(texts, answers, strict=True)]
        return write_hub(path, {config["text"]: dialogues})
    if config["training"] != "train":
        path.mkdir(exist_ok=True)
        for split, part in ((config["training"], slice(100)), ("test", slice(100, None))):
            rights = [[answer, f"{answer}!"] for answer in answers[part]]
            write_hub(path / split, {config["text"]: texts[part], config["target"]: rights})
        return path
    rows = [
        {config["text"]: text, config["target"]: found} for text, found in zip(texts, answers, strict=True)
    ]
    return write_csv(path.with_suffix(".csv"), rows)


def _captioned(path: Path, config: Mapping[str, Any]) -> Path:
    draw = random.Random(0)
    colours = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
    names = [draw.choice(list(colours)) for _ in range(60)]
    path.mkdir(exist_ok=True)
    files = [path / f"{index}.png" for index in range(len(names))]
    for index, (file, name) in enumerate(zip(files, names, strict=True)):
        image = Image.new("RGB", (6, 6))
        image.paste(colours[name], (index % 6, index // 10, 6, 6))
        image.putpixel((0, 0), (index, index, index))
        image.save(file)
    if "/" in (config["source"] or ""):
        from datasets import Image as Kind
        from datasets import Value

        turns = [config["text"].replace("*", str(turn)) for turn in range(5)]
        rows = {turn: [f"{name} to {turn[-1]}" for name in names] for turn in turns}
        rows[config["image"]] = [{"bytes": file.read_bytes(), "path": None} for file in files]
        return write_hub(path, rows, {**dict.fromkeys(turns, Value("string")), config["image"]: Kind()})
    found = zip(files, names, strict=True)
    rows = [{"file_name": file.name, config["text"]: f"{name} to 0"} for file, name in found]
    write_csv(path / "metadata.csv", rows)
    return path


def write_clip(folder: Path, frames: np.ndarray) -> Path:
    """Write uint8 `(T, H, W)` or `(T, H, W, C)` as a folder of images."""
    from PIL import Image

    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number:04}.png")
    return folder


def _filmed(path: Path, config: Mapping[str, Any]) -> Path:
    draw = np.random.default_rng(0)
    for index in range(120):
        count, label = 2 + index % 3, ("fade", "rise")[index % 2]
        light = np.linspace(0, 200, count)[:: (-1, 1)[index % 2], None, None]
        frames = light + draw.integers(0, 50, (count, 4, 4))
        write_clip(path / label / str(index), frames.astype(np.uint8))
    return path


def tones(text: str, rate: int, draw: random.Random) -> np.ndarray:
    """Spell a text: a letter is a tone of its own pitch, for 40 to 60 ms, all of one loudness."""
    loudness, sounds = draw.uniform(0.1, 0.9), []
    for letter in text:
        time = np.arange(int(draw.uniform(0.04, 0.06) * rate)) / rate
        sounds.append(loudness * np.sin(2 * np.pi * 120 * (ord(letter) - 90) * time))
    return np.concatenate(sounds).astype(np.float32)


def _transcribed(path: Path, config: Mapping[str, Any]) -> Path:
    draw = random.Random(0)
    path.mkdir(exist_ok=True)
    rows = []
    for index in range(60):
        rows.append({"file_name": f"{index}.wav", config["text"]: draw.choice(["no", "yes", "oo", "a"])})
        text = rows[-1][config["text"]]
        soundfile.write(path / f"{index}.wav", tones(text, config["rate"], draw), config["rate"])
    if "/" not in (config["source"] or ""):
        write_csv(path / "metadata.csv", rows)
        return path
    from datasets import Audio, ClassLabel

    names, texts = ["a", "no", "oo", "yes"], [row[config["text"]] for row in rows]
    files = [{"bytes": (path / row["file_name"]).read_bytes(), "path": row["file_name"]} for row in rows]
    columns = {config["sound"]: files, config["text"]: list(map(names.index, texts))}
    kinds = {config["sound"]: Audio(decode=False), config["text"]: ClassLabel(names=names)}
    return write_hub(path, columns, kinds)


def _seen(path: Path, config: Mapping[str, Any]) -> Path:
    """Noise, the brighter on the side that the class names."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 100, (80, 4, 4), np.uint8)
    pixels[0::2, :, :2] += 100
    pixels[1::2, :, 2:] += 100
    files = [io.BytesIO() for _ in pixels]
    for image, file in zip(pixels, files, strict=True):
        Image.fromarray(image).save(file, "PNG")
    return _by_class(path, config, [file.getvalue() for file in files], ".png")


def _heard(path: Path, config: Mapping[str, Any]) -> Path:
    """Two letters, of `tones`."""
    draw = random.Random(0)
    files = [io.BytesIO() for _ in range(80)]
    for index, file in enumerate(files):
        soundfile.write(file, tones("az"[index % 2], config["rate"], draw), config["rate"], format="WAV")
    return _by_class(path, config, [file.getvalue() for file in files], ".wav")


def _by_class(path: Path, config: Mapping[str, Any], files: list[bytes], ending: str) -> Path:
    """Write files of the classes left and right in turn: folders, or a column as the hub holds them."""
    import datasets

    names = ["left", "right"]
    if "/" in (config["source"] or ""):
        kind = {".png": datasets.Image, ".wav": datasets.Audio}[ending](decode=False)
        held = [{"bytes": file, "path": f"{index}{ending}"} for index, file in enumerate(files)]
        columns = {config["series"]: held, config["label"]: [index % 2 for index in range(len(files))]}
        return write_hub(
            path, columns, {config["series"]: kind, config["label"]: datasets.ClassLabel(names=names)}
        )
    for index, file in enumerate(files):
        (path / names[index % 2]).mkdir(parents=True, exist_ok=True)
        (path / names[index % 2] / f"{index}{ending}").write_bytes(file)
    return path


def _played(path: Path, config: Mapping[str, Any]) -> Path:
    draw = random.Random(0)
    pieces = [[[60 + draw.randint(0, 3), 72] for _ in range(draw.randint(3, 9))] for _ in range(60)]
    lines = [json.dumps({config["notes"]: piece}) for piece in pieces]
    path.with_suffix(".jsonl").write_text("\n".join(lines))
    return path.with_suffix(".jsonl")


WRITERS = {
    "PianoRoll": _played,
    "Captions": _captioned,
    "LabelledImages": _seen,
    "LabelledSounds": _heard,
    "Frames": _filmed,
    "LabelledSeries": _labelled,
    "Transcription": _transcribed,
    "TextPairs": _paired,
    "Tagging": _tagged,
    "Series": _series,
    "TextClassification": _classified,
    "TextCorpus": _text,
}
