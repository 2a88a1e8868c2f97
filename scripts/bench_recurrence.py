"""How fast is a training step, next to what a user would pick instead?

    python scripts/bench_recurrence.py [--cells lstm …] [--shapes 32,100,64,128 …] [--peers torch …]

One full training step (forward, backward, Adam, float32, two cores) of one recurrent layer, loss mean(w ⊙ y),
in each library. Each library has a process of its own for each cell and shape; the processes take turns,
round by round, so that a ratio compares neighbours in time. Written to `experiments/recurrence_speed/`:
`results.json`, and the table between the markers of `README.md`. A subset of cells and shapes replaces its
own rows only.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CELLS = ("elman", "lstm", "gru")
SHAPES = (
    "32,100,64,128",
    "128,50,32,64",
    "32,256,128,256",
    "16,1024,32,128",
    "64,128,256,512",
    "1,100,64,128",
)
GATES = {"elman": 1, "lstm": 4, "gru": 3}
OURS = "seqlab"
PRODUCTS = ("product_jax", "product_torch")
PEERS = {
    OURS: "seqlab, on as many devices as its trainer chooses",
    "seqlab_1": "seqlab, one device",
    "seqlab_2": "seqlab, two devices where B allows",
    "seqlab_cudnn": "seqlab, LSTM by cuDNN, on a GPU of NVIDIA",
    "seqlab_native": "seqlab, LSTM by its kernel in C++, on as many devices as its trainer chooses",
    "torch": "PyTorch, eager",
    "torch_compile": "PyTorch, torch.compile",
    "linen": "Flax Linen nn.RNN",
    "linen_2": "Flax Linen nn.RNN, two devices",
    "nnx": "Flax NNX nnx.RNN",
    "keras": "Keras 3 on JAX",
    "plain": "plain lax.scan, one device",
    "plain_2": "plain lax.scan, two devices",
}
ON_CPU = [peer for peer in PEERS if peer not in ("seqlab_cudnn", "seqlab_native")]  # of every cell
FOLDER = Path(__file__).parents[1] / "experiments" / "recurrence_speed"
SECONDS_PER_TURN = 0.15


# Workers: each builds a step, runs it once, and then runs it as often as its standard input says.


def jax_step(loss: Callable, params: dict, x: object, w: object, devices: int) -> Callable:
    """Return a compiled training step of a pure loss, the batch split over the devices."""
    import jax
    import optax
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    mesh = jax.make_mesh((devices,), ("batch",), (AxisType.Auto,), devices=jax.devices()[:devices])
    whole, split = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("batch"))
    adam = optax.adam(1e-3)

    def gradient(params: dict, x: jax.Array, w: jax.Array) -> tuple:
        return jax.lax.pmean(jax.value_and_grad(loss)(params, x, w), "batch")

    specs = {"in_specs": (whole.spec, split.spec, split.spec), "out_specs": whole.spec}
    sharded = jax.shard_map(gradient, mesh=mesh, check_vma=False, **specs)  # Linen's zeros do not vary

    def step(params: dict, moments: object, x: jax.Array, w: jax.Array) -> tuple:
        value, gradients = sharded(params, x, w) if devices > 1 else jax.value_and_grad(loss)(params, x, w)
        updates, moments = adam.update(gradients, moments)
        return optax.apply_updates(params, updates), moments, value

    compiled = jax.jit(step, donate_argnums=(0, 1), out_shardings=whole)
    held = [*jax.device_put((params, adam.init(params)), whole)]
    x, w = jax.device_put((x, w), split)

    def run() -> None:
        *held[:], value = compiled(*held, x, w)
        jax.block_until_ready((held, value))

    return run


def build_scan(peer: str, cell_name: str, shape: tuple[int, ...]) -> Callable:
    """Return the step of seqlab's cell, by its own backward pass or by the plain scan's."""
    import jax

    jax.config.update("jax_num_cpu_devices", 2)
    from seqlab import cells
    from seqlab.recurrence import unroll
    from seqlab.training.devices import choose

    B, T, F, H = shape
    alone = dict.fromkeys(("seqlab_1", "seqlab_cudnn", "plain"), 1)
    devices = {OURS: choose(B), "seqlab_native": choose(B), **alone}.get(peer, 2 if B % 2 == 0 else 1)
    cell = {"elman": cells.Elman, "lstm": cells.LSTM, "gru": cells.GRU}[cell_name](H)
    x, w = (jax.random.normal(jax.random.key(i), (B, T, size)) for i, size in enumerate((F, H)))
    params = cell.init(jax.random.key(2), cell.initialize_carry(jax.random.key(0), (B, F)), x[:, 0])["params"]
    vjp = "autodiff" if peer.startswith("plain") else "fused"
    backend = {"seqlab_cudnn": "cudnn", "seqlab_native": "native"}.get(peer, "scan")

    def loss(params: dict, x: jax.Array, w: jax.Array) -> jax.Array:
        return (w * unroll(cell, params, x, vjp=vjp, backend=backend)[1]).mean()

    return jax_step(loss, params, x, w, devices)


def build_linen(peer: str, cell_name: str, shape: tuple[int, ...]) -> Callable:
    """Return the step of Flax Linen's `nn.RNN` with its own cells."""
    import jax

    jax.config.update("jax_num_cpu_devices", 2)
    import flax.linen as nn

    B, T, F, H = shape
    cell = {"elman": nn.SimpleCell, "lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell}[cell_name](H)
    layer = nn.RNN(cell)
    x, w = (jax.random.normal(jax.random.key(i), (B, T, size)) for i, size in enumerate((F, H)))
    params = layer.init(jax.random.key(2), x)

    def loss(params: dict, x: jax.Array, w: jax.Array) -> jax.Array:
        return (w * layer.apply(params, x)).mean()

    return jax_step(loss, params, x, w, devices=2 if peer == "linen_2" and B % 2 == 0 else 1)


def build_nnx(peer: str, cell_name: str, shape: tuple[int, ...]) -> Callable:
    """Return the step of Flax NNX's `nnx.RNN`, as its guides write it."""
    import jax
    import optax
    from flax import nnx

    B, T, F, H = shape
    cell = {"elman": nnx.SimpleCell, "lstm": nnx.OptimizedLSTMCell, "gru": nnx.GRUCell}[cell_name]
    model = nnx.RNN(cell(F, H, rngs=nnx.Rngs(0)), rngs=nnx.Rngs(1))
    optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
    x, w = (jax.random.normal(jax.random.key(i), (B, T, size)) for i, size in enumerate((F, H)))

    @nnx.jit
    def step(model: nnx.RNN, optimizer: nnx.Optimizer, x: jax.Array, w: jax.Array) -> jax.Array:
        value, gradients = nnx.value_and_grad(lambda model: (w * model(x)).mean())(model)
        optimizer.update(model, gradients)
        return value

    def run() -> None:
        jax.block_until_ready((step(model, optimizer, x, w), nnx.state(model)))

    return run


def build_keras(peer: str, cell_name: str, shape: tuple[int, ...]) -> Callable:
    """Return the step of a Keras 3 layer on JAX, stateless and jitted, after its guide to custom loops."""
    os.environ["KERAS_BACKEND"] = "jax"
    import jax
    import keras

    B, T, F, H = shape
    layer = {"elman": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell_name]
    model = keras.Sequential([keras.Input((T, F)), layer(H, return_sequences=True)])
    adam = keras.optimizers.Adam(1e-3)
    adam.build(model.trainable_variables)
    x, w = (jax.random.normal(jax.random.key(i), (B, T, size)) for i, size in enumerate((F, H)))

    def loss(trained: list, rest: list) -> tuple:
        y, rest = model.stateless_call(trained, rest, x)
        return (w * y).mean(), rest

    def step(trained: list, rest: list, moments: list) -> tuple:
        (value, rest), gradients = jax.value_and_grad(loss, has_aux=True)(trained, rest)
        trained, moments = adam.stateless_apply(moments, gradients, trained)
        return trained, rest, moments, value

    compiled = jax.jit(step, donate_argnums=(0, 1, 2))
    held = [
        [jax.numpy.array(v.value) for v in group]
        for group in (model.trainable_variables, model.non_trainable_variables, adam.variables)
    ]

    def run() -> None:
        *held[:], value = compiled(*held)
        jax.block_until_ready((held, value))

    return run


def build_torch(peer: str, cell_name: str, shape: tuple[int, ...]) -> Callable:
    """Return the step of `torch.nn.RNN`, `LSTM` or `GRU`, on a GPU where there is one, or on two threads."""
    import torch

    torch.set_num_threads(2)
    B, T, F, H = shape
    kind = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell_name]
    has_gpu = torch.cuda.is_available()
    device = "cuda" if has_gpu else "cpu"
    layer = kind(F, H, batch_first=True).to(device)
    adam = torch.optim.Adam(layer.parameters(), 1e-3)
    x, w = torch.randn(B, T, F, device=device), torch.randn(B, T, H, device=device)
    forward = torch.compile(layer) if peer == "torch_compile" else layer

    def run() -> None:
        adam.zero_grad()
        (w * forward(x)[0]).mean().backward()
        adam.step()
        if has_gpu:
            torch.cuda.synchronize()

    return run


def build_product(peer: str, cell_name: str, shape: tuple[int, ...]) -> Callable:
    """Return the matrix product `(B·T, H) · (H, G·H)` on two cores, the yardstick of the step's rate."""
    B, T, _, H = shape
    if peer == "product_torch":
        import torch

        torch.set_num_threads(2)
        left, right = torch.randn(B * T, H), torch.randn(H, GATES[cell_name] * H)
        out = torch.empty(B * T, GATES[cell_name] * H)
        return lambda: torch.mm(left, right, out=out)
    import jax

    left = jax.random.normal(jax.random.key(0), (B * T, H))
    right = jax.random.normal(jax.random.key(1), (H, GATES[cell_name] * H))
    product = jax.jit(jax.numpy.matmul)
    return lambda: product(left, right).block_until_ready()


BUILDERS = {
    **dict.fromkeys(
        (OURS, "seqlab_1", "seqlab_2", "seqlab_cudnn", "seqlab_native", "plain", "plain_2"), build_scan
    ),
    **dict.fromkeys(("linen", "linen_2"), build_linen),
    **dict.fromkeys(("torch", "torch_compile"), build_torch),
    **dict.fromkeys(PRODUCTS, build_product),
    "nnx": build_nnx,
    "keras": build_keras,
}


def resident(field: str) -> int:
    """Return a field of this process's memory status, in bytes: VmRSS now, or VmHWM at its highest."""
    return 1024 * int(re.search(rf"{field}:\s+(\d+)", Path("/proc/self/status").read_text()).group(1))


def work(peer: str, cell_name: str, shape: tuple[int, ...]) -> None:
    """Serve one library's step over standard input and output."""
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not speak in our protocol
    run = BUILDERS[peer](peer, cell_name, shape)
    before, start = resident("VmRSS"), time.perf_counter()
    run()
    first = time.perf_counter() - start
    for _ in range(3):
        run()
    print(json.dumps({"first_step": first, "bytes": resident("VmHWM") - before}), file=reply, flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        print(json.dumps(statistics.median(times)), file=reply, flush=True)


# The conductor


def _last_error(text: str) -> str:
    """Return the last line of an error output that names an exception, or else its last line."""
    lines = text.strip().splitlines()
    return next((line for line in reversed(lines) if re.match(r"[\w.]*(Error|Exception): ", line)), lines[-1])


class Worker:
    """A library's process, started and asked over pipes."""

    def __init__(self, peer: str, cell_name: str, shape: str):
        command = [sys.executable, __file__, "--work", peer, cell_name, shape]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(_last_error(self.process.communicate()[1]))
        self.start = json.loads(line)
        self.num_steps = 1
        self.num_steps = max(3, round(SECONDS_PER_TURN / self.seconds_per_step()))

    def seconds_per_step(self) -> float:
        """Run one turn and return the median seconds of a step."""
        self.process.stdin.write(f"{self.num_steps}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def measure(cell_name: str, shape: str, peers: list[str], rounds: int) -> dict:
    """Time all libraries at one cell and shape, in turns, and return what was measured."""
    workers, failures = {}, {}
    for peer in [*peers, *PRODUCTS]:
        try:
            workers[peer] = Worker(peer, cell_name, shape)
        except RuntimeError as error:
            failures[peer] = str(error)
    times: dict[str, list[float]] = {peer: [] for peer in workers}
    for _ in range(rounds):
        for peer, worker in workers.items():
            times[peer].append(worker.seconds_per_step())
            time.sleep(0.02)  # let the thread pool of this library fall asleep before the next one's turn
    for worker in workers.values():
        worker.close()

    B, T, F, H = map(int, shape.split(","))
    width = GATES[cell_name] * H
    rows = {
        peer: {
            "milliseconds": 1e3 * statistics.median(times[peer]),
            "ratio": statistics.median(t / ours for t, ours in zip(times[peer], times[OURS], strict=True)),
            "gflops": 2 * B * T * width * (2 * F + 3 * H) / statistics.median(times[peer]) / 1e9,
            "first_step_seconds": workers[peer].start["first_step"],
            "peak_megabytes": workers[peer].start["bytes"] / 1e6,
            "seconds": times[peer],
        }
        for peer in times
        if peer not in PRODUCTS
    }
    best = max(
        2 * B * T * H * width / statistics.median(times[name]) / 1e9 for name in PRODUCTS if name in times
    )
    return {"cell": cell_name, "shape": shape, "product_gflops": best, "peers": rows, "failures": failures}


# The report


def machine() -> dict:
    """Describe the machine and the libraries."""
    text = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
    fields = dict(re.findall(r"^\s*([^:]+):\s+(.*)$", text, re.MULTILINE))
    installed = {found.metadata["Name"].lower() for found in importlib.metadata.distributions()}
    names = [name for name in ("jax", "jaxlib", "flax", "optax", "torch", "keras") if name in installed]
    return {
        "processor": fields["Model name"]
        + f", {os.cpu_count()} cores, L2 {fields['L2 cache']}, L3 {fields['L3 cache']}",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "libraries": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names),
        "load": f"{os.getloadavg()[0]:.1f} at the end",
        "date": datetime.date.today().isoformat(),
    }


def table(results: dict) -> str:
    """Return the results as Markdown."""
    lines = [f"- {key}: {value}" for key, value in results["machine"].items()]
    for cell_name in CELLS:
        cases = [case for case in results["cases"] if case["cell"] == cell_name]
        if not cases:
            continue
        peers = [peer for peer in PEERS if any(peer in case["peers"] for case in cases)]
        lines += ["", f"### {cell_name}: ratio to `{OURS}` (milliseconds a step)", ""]
        lines += ["| (B, T, F, H) | " + " | ".join(peers) + " |", "|---" * (len(peers) + 1) + "|"]
        for case in cases:
            found = [case["peers"].get(peer) for peer in peers]
            texts = [f"{row['ratio']:.2f} ({row['milliseconds']:.2f})" if row else "—" for row in found]
            lines.append(f"| ({case['shape'].replace(',', ', ')}) | " + " | ".join(texts) + " |")
        means = [
            geometric_mean([case["peers"][peer]["ratio"] for case in cases if peer in case["peers"]])
            for peer in peers
        ]
        lines.append("| geometric mean | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
        lines += [
            "",
            "| (B, T, F, H) | GFLOP/s | best product's | share | first step s: seqlab, plain, torch | ",
        ]
        lines[-1] += "peak MB: seqlab, plain, torch |"
        lines.append("|---" * 6 + "|")
        for case in cases:
            rows = [case["peers"].get(peer, {}) for peer in (OURS, "plain", "torch")]
            ours, best = rows[0]["gflops"], case["product_gflops"]
            first = ", ".join(f"{row.get('first_step_seconds', math.nan):.2f}" for row in rows)
            peak = ", ".join(f"{row.get('peak_megabytes', math.nan):.0f}" for row in rows)
            row = (
                f"({case['shape'].replace(',', ', ')})",
                f"{ours:.0f}",
                f"{best:.0f}",
                f"{ours / best:.0%}",
            )
            lines.append("| " + " | ".join((*row, first, peak)) + " |")
    failures = {(peer, text) for case in results["cases"] for peer, text in case["failures"].items()}
    return "\n".join([*lines, *(f"\n{peer} did not run: {text}" for peer, text in sorted(failures))])


def geometric_mean(ratios: list[float]) -> float:
    """Return the geometric mean."""
    return math.exp(statistics.fmean(map(math.log, ratios)))


def write(results: dict) -> None:
    """Write `results.json`, and the table between the markers of the study's README."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    from seqlab.analysis.studies.markers import (
        write_between_markers,  # not in the workers, which it would load with much else
    )

    write_between_markers(FOLDER / "README.md", "bench", table(results))


def main() -> None:
    """Read the line, measure every cell and shape, write after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=CELLS, choices=CELLS)
    parser.add_argument("--shapes", nargs="+", default=SHAPES, help="B,T,F,H")
    parser.add_argument("--peers", nargs="+", default=ON_CPU, choices=PEERS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--work", nargs=3, metavar=("PEER", "CELL", "SHAPE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        peer, cell_name, shape = options.work
        work(peer, cell_name, tuple(map(int, shape.split(","))))
        return
    peers = [OURS, *(peer for peer in options.peers if peer != OURS)]
    path = FOLDER / "results.json"
    cases = json.loads(path.read_text())["cases"] if path.exists() else []
    cases = {(case["cell"], case["shape"]): case for case in cases}
    for cell_name in options.cells:
        for shape in options.shapes:
            case = cases[cell_name, shape] = measure(cell_name, shape, peers, options.rounds)
            ratios = "  ".join(f"{peer} {row['ratio']:.2f}" for peer, row in case["peers"].items())
            print(f"{cell_name} ({shape}) {case['peers'][OURS]['milliseconds']:.2f} ms  {ratios}", flush=True)
            write({"machine": machine(), "cases": [*cases.values()]})


if __name__ == "__main__":
    main()
