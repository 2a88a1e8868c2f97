"""Command of the soak test: it prints a line for each fault that is not as it must be, and counts."""

from __future__ import annotations

import argparse
import collections
import json
import logging
import os
import random
import tempfile
import time
from pathlib import Path

os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", f"{tempfile.gettempdir()}/seqlab-soak-compiled")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

GOOD = ("equal", "refused in one line", "legal", "level", "noticed", "harmless", "trained")
"""What may be seen; everything else is a fault."""


def main() -> None:
    """Run the parts that are asked for, for a number of seconds at the most."""
    from soak import commands, damage, stops, surroundings
    from soak.kinds import KINDS

    parser = argparse.ArgumentParser(description=__doc__)
    counts = {"kills": 200, "corruptions": 60, "changes": 30, "disks": 8, "fuzz": 500, "endurance": 200}
    for name, count in counts.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--signals", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="runs to kill")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="when to stop")
    parser.add_argument("--root", type=Path, help="a folder that keeps the whole runs for the next time")
    options = parser.parse_args()
    logging.disable(logging.ERROR)
    draw, until = random.Random(options.seed), time.monotonic() + options.seconds
    seen: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    with tempfile.TemporaryDirectory(prefix="soak ") as place:
        root = options.root or Path(place)
        parts = [
            stops.kills(root / "kills", options.kills, draw, options.kinds),
            stops.signals(root / "signals", draw) if options.signals else iter(()),
            damage.corruptions(root / "damaged", options.corruptions, draw),
            commands.changes(root / "changed", options.changes, draw),
            surroundings.disks(root / "disks", options.disks, draw),
            commands.fuzzed(root / "fuzzed", options.fuzz, options.seed),
            surroundings.endurance(root / "endurance", options.endurance),
        ]
        for part in parts:
            for what, tried, result in part:
                seen[what][result if result in GOOD else "FAULT"] += 1
                if result not in GOOD:
                    print(f"{what}: {tried}: {result}", flush=True)
                if time.monotonic() > until:
                    break
    print(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()
