"""Speed of training on batches from buckets by length, compared with batches of all lengths: in turns.

    python scripts/bench_buckets.py [--rounds 5]

The lengths of the made texts have a long tail: they are log-normal, cut at 256 words. The table is written to
`experiments/recurrence_speed/buckets.md`.
"""

from __future__ import annotations

import argparse

import numpy as np
from bench_resident import in_turns, program_of, stopwatch, write_table

from seqlab.data.memory import hold
from seqlab.training import Program

NUM_ROWS, MOST_WORDS = 5_000, 256
BUCKETS = (2, 4, 8)


def source(draw: np.random.Generator) -> str:
    """Return the name of texts of log-normal length, with a median of 20 words."""
    lengths = np.clip(np.exp(draw.normal(3, 0.9, NUM_ROWS)), 1, MOST_WORDS).astype(int)
    texts = [" ".join(f"word{number}" for number in draw.integers(0, 2000, length)) for length in lengths]
    return hold({"text": texts, "label": [str(index % 2) for index in range(NUM_ROWS)]})


def padding(program: Program) -> float:
    """Return the share of the steps of training that are padding, in expectation."""
    arrays = program.task.encoded.arrays["train"]
    lengths, buckets = np.asarray(arrays["lengths"]), program.buckets
    if buckets is None:
        return 1 - lengths.mean() / arrays["tokens"].shape[1]
    return 1 - lengths.mean() / float(np.dot(buckets.shares, buckets.lengths))


def main() -> None:
    """Measure all numbers of buckets and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds, name = parser.parse_args().rounds, source(np.random.default_rng(0))
    head = ("buckets", "padded to", "padding", "step without buckets, ms", "with, ms", "speed")
    lines = [head, ["---"] * len(head)]
    settings = ["+experiment=text_classification", f"task.source={name}", f"task.length={MOST_WORDS}"]
    plain, one = stopwatch(settings), program_of(settings)
    lines.append(("1", f"{MOST_WORDS}", f"{padding(one):.0%}", "", "", ""))
    for count in BUCKETS:
        with_buckets = [*settings, f"task.length_buckets={count}"]
        program = program_of(with_buckets)
        before, after, speed = in_turns(plain, stopwatch(with_buckets), rounds)
        lengths, share = " ".join(map(str, program.buckets.lengths)), padding(program)
        lines.append((f"{count}", lengths, f"{share:.0%}", f"{before:.1f}", f"{after:.1f}", f"{speed:.1f}"))
        print(*lines[-1], sep=" | ", flush=True)
    write_table("buckets.md", "Batches from buckets by length, compared with batches of all lengths", lines)


if __name__ == "__main__":
    main()
