"""How far is seqlab from the frozen vectors of other engines? The command writes it into tests/README.md.

python tests/weights/vectors.py
"""

from __future__ import annotations

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from seqlab import weights
from seqlab.cells import GRU, LSTM, Elman
from seqlab.recurrence import Stack, unroll

TESTS = Path(__file__).parents[1]
ENGINES = ("onnxruntime", "torch", "keras")
DTYPES = {"onnxruntime": ("float32",), "torch": ("float32", "float64"), "keras": ("float32", "float64")}
"""onnxruntime computes in float32, so float64 would compare nothing more."""
LIMITS = {("float32", "outputs"): 2e-6, ("float64", "outputs"): 1e-10}
LIMITS |= {("float32", "gradients"): 5e-5, ("float64", "gradients"): 1e-9}
CELLS = {
    "rnn_tanh": Elman,
    "rnn_relu": functools.partial(Elman, activation="relu"),
    "rnn_identity": functools.partial(Elman, activation="identity"),
    "lstm": LSTM,
    "gru_after": GRU,
    "gru_before": functools.partial(GRU, reset_after=False),
}


@functools.cache
def cases(engine):
    """Return `{case: {array name: array}}` of an engine."""
    found = {}
    with np.load(TESTS / "vectors" / f"{engine}.npz") as arrays:
        for path in arrays.files:
            case, _, name = path.partition("/")
            found.setdefault(case, {})[name] = arrays[path]
    return found


def read_params(engine, cell, arrays, directions, prefix=""):
    """Return the parameters `{direction: …}` that an engine's weights are."""
    if engine == "onnxruntime":
        params = weights.from_onnx(cell, arrays["W"], arrays["R"], arrays["B"])
        return params if len(directions) == 2 else {directions[0]: params}
    if engine == "torch":
        names = [name for name in arrays if name.startswith((f"{prefix}weight", f"{prefix}bias"))]
        state_dict = {name.removeprefix(prefix): arrays[name] for name in names}
        sides = ("forward", "backward")[
            : len(directions)
        ]  # one direction read in reverse is a forward module
        found = [weights.from_torch(cell, state_dict, direction=side) for side in sides]
    else:
        flat = [arrays[f"weight_{i}"] for i in range(3 * len(directions))]
        found = [weights.from_keras(cell, flat[3 * d : 3 * d + 3]) for d in range(len(directions))]
    return dict(zip(directions, found, strict=True))


def errors(engine, case, dtype):
    """Return the largest error of a case's outputs, and of its gradients where the engine has them."""
    with jax.enable_x64(dtype == "float64"):
        network, direction, lengths = case.split("-")
        arrays = cases(engine)[case]
        cell = CELLS[network](arrays["h0"].shape[-1], param_dtype=jnp.dtype(dtype))
        directions = ("forward", "backward") if direction == "bidirectional" else (direction,)
        firsts = {name: arrays[name] for name in ("c0", "h0") if name in arrays}
        # In float32, to compile less, full lengths are given too.
        given = None if lengths == "full" and dtype == "float64" else jnp.asarray(arrays["lengths"])
        params = read_params(engine, cell, arrays, directions)
        arguments = *cast((params, arrays["x"], firsts), dtype), given
        if engine != "torch":
            results, gradients, expected = run(cell, directions, *arguments), None, None
        else:
            weighing = cast({name[0]: arrays[f"d{name[0]}"] for name in firsts} | {"y": arrays["dy"]}, dtype)
            gradients, results = slopes(cell, directions, *arguments, weighing)
            expected = (
                read_params(engine, cell, without_doubles(cell, arrays), directions, "d"),
                arrays["dx"],
                {name: arrays[f"d{name}"] for name in firsts},
            )
        found = {"outputs": largest(results, {name: arrays[name] for name in results})}
        return found if gradients is None else found | {"gradients": largest(gradients, expected)}


@functools.partial(jax.jit, static_argnums=(0, 1))
def run(cell, directions, params, x, firsts, lengths):
    """Return y `(B, T, D·H)` and the final h and c `(D, B, H)`, given the first ones."""
    states = list(firsts)
    carries = {
        name: tuple(firsts[s][d] for s in states) if len(states) == 2 else firsts["h0"][d]
        for d, name in enumerate(directions)
    }
    if len(directions) == 2:
        stack = Stack(cell, bidirectional=True)
        finals, y = stack.apply({"layer_0": params}, x, lengths, {"layer_0": carries})
        finals = [finals["layer_0"][name] for name in directions]
    else:
        (name,) = directions
        final, y = unroll(cell, params[name], x, lengths, carries[name], reverse=name == "reverse")
        finals = [final]
    stacked = [jnp.stack(leaves) for leaves in zip(*map(jax.tree.leaves, finals), strict=True)]
    return {"y": y, **{name[0]: leaf for name, leaf in zip(states, stacked, strict=True)}}


@functools.partial(jax.jit, static_argnums=(0, 1))
def slopes(cell, directions, params, x, firsts, lengths, weighing):
    """Return the gradients of the weighed sum of the results, and the results."""

    def total(params, x, firsts):
        results = run(cell, directions, params, x, firsts, lengths)
        return sum(jnp.sum(value * weighing[name]) for name, value in results.items()), results

    return jax.grad(total, (0, 1, 2), has_aux=True)(params, x, firsts)


def without_doubles(cell, arrays):
    """Return the arrays with ∂L/∂bias_hh, which equals ∂L/∂bias_ih, zeroed where seqlab holds one bias."""
    kept = 2 * cell.features if isinstance(cell, GRU) else len(cell.gates) * cell.features
    changed = dict(arrays)
    for name in [name for name in arrays if name.startswith("dbias_hh")]:
        np.testing.assert_allclose(arrays[name][:kept], arrays[name.replace("hh", "ih")][:kept], atol=1e-12)
        changed[name] = np.concatenate([np.zeros(kept), arrays[name][kept:]])
    return changed


def cast(tree, dtype):
    """Return a tree as arrays of a dtype."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)


def largest(found, expected):
    """Return the largest absolute error, relative to 1 or the expected value if that is larger."""
    gaps = jax.tree.map(
        lambda a, b: float(np.max(np.abs(np.asarray(a, float) - b) / np.maximum(1, np.abs(b)))),
        found,
        expected,
    )
    return max(jax.tree.leaves(gaps))


def table():
    """Return the Markdown table of every engine's number of cases and largest error."""
    rows = ["| engine | dtype | cases | compared | largest error | limit |", "|---|---|---|---|---|---|"]
    for engine in ENGINES:
        for dtype in DTYPES[engine]:
            found = [errors(engine, case, dtype) for case in cases(engine)]
            for what in found[0]:
                worst = max(error[what] for error in found)
                limit = LIMITS[dtype, what]
                rows.append(f"| {engine} | {dtype} | {len(found)} | {what} | {worst:.1e} | {limit:.0e} |")
    return "\n".join(rows)


def main():
    """Write the table between its marks in tests/README.md."""
    readme = TESTS / "README.md"
    before, begin, rest = readme.read_text().partition("<!-- vectors: begin -->\n")
    _, end, after = rest.partition("<!-- vectors: end -->")
    rows = table()
    readme.write_text(f"{before}{begin}{rows}\n{end}{after}")
    print(rows)


if __name__ == "__main__":
    main()
