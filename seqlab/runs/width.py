"""Width of the layers for a number of parameters: `architecture.num_params`."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.architectures import Network, Recurrent
from seqlab.registry import blame
from seqlab.runs.hyperparameters import replaced
from seqlab.runs.objects import make_network, make_task
from seqlab.runs.request import Request, resolve
from seqlab.runs.sizes import num_params
from seqlab.training import Program
from seqlab.types import Batch, ConfigError, Spec, Tokens, Vectors

KEY = "architecture.num_params"
FEATURES = "cell.features"
MOST_OF_A_UNIT = 256
"""The smallest legal width of a cell is looked for up to this one."""
MOST_FEATURES = 2**16


def with_chosen_width(request: Request) -> Request:
    """Return a request whose config has the width that `architecture.num_params` asks for.

    Raises:
        ConfigError: the command gives `cell.features` too, or no width is legal.
    """
    given = [one for one in request.overrides if one.lstrip("+").startswith(f"{FEATURES}=")]
    if (wanted := _wanted(config := resolve(request.config))) is None:
        return request
    if given:
        raise ConfigError(
            f"{given[0]} does not fit {KEY}={wanted}, which chooses it: legal is one of the two"
        )
    changed = copy.deepcopy(request.config)
    for key, value in _choose(config, wanted).items():
        group, name = key.split(".")
        changed[group][name] = value
    return Request(changed, request.choices, request.folder, request.hydra, request.overrides)


def sized(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resolved config with the width that `architecture.num_params` asks for."""
    wanted = _wanted(config)
    return dict(config) if wanted is None else replaced(config, _choose(config, wanted))


def width_note(program: Program) -> tuple[str, ...]:
    """Return a sentence about the width that was chosen; none where none was."""
    wanted = getattr(program.network, "num_params", None)
    if wanted is None:
        return ()
    features = program.network.cell.features
    found = f"{FEATURES}={features} gives {num_params(program):,} parameters"
    return (f"{found}, the nearest to {KEY}={wanted:,}",)


def nearest_width(count: Callable[[int], int], wanted: int) -> int:
    """Return the width whose number of parameters is the nearest, by bisection; the smaller of two.

    The legal widths of a cell are the multiples of its smallest one, such as the number of its heads.

    Args:
        count: the number of parameters at a width, which grows with it; raises ConfigError where a width is
            not legal.
        wanted: the number that is wanted.

    Raises:
        ConfigError: what `count` raises, where it does so at every width.
    """
    unit = next((width for width in range(1, MOST_OF_A_UNIT) if _is_legal(count, width)), MOST_OF_A_UNIT)
    low, high = 1, 1
    while count(high * unit) < wanted and high * unit < MOST_FEATURES:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle * unit) < wanted else (low, middle)
    return unit * min((low, high), key=lambda multiple: abs(count(multiple * unit) - wanted))


def _is_legal(count: Callable[[int], int], width: int) -> bool:
    try:
        count(width)
    except ConfigError:
        return False
    return True


def _wanted(config: Mapping[str, Any]) -> int | None:
    architecture = config["architecture"]
    return architecture.get("num_params") if isinstance(architecture, Mapping) else None


def _choose(config: Mapping[str, Any], wanted: int) -> dict[str, int]:
    """Return the values of the keys of the width: `cell.features`, and that of a tied embedding."""
    with blame(""):
        task = make_task(config)

        def keys_at(features: int) -> dict[str, int]:
            keys = {FEATURES: features}
            if config["architecture"].get("tied") is True:
                network = make_network(replaced(config, {**keys, "architecture.tied": False}), task)
                if isinstance(network, Recurrent):
                    keys["architecture.embedding"] = network.readout_features
            return keys

        @functools.cache
        def count(features: int) -> int:
            return _count(make_network(replaced(config, keys_at(features)), task))

        return keys_at(nearest_width(count, wanted))


def _count(network: Network) -> int:
    """Return the number of parameters of a network."""
    batch = Batch(_one(network.inputs), _one(network.outputs), _one(Vectors(1)))
    shapes = jax.eval_shape(network.init, jax.random.key(0), batch)
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def _one(spec: Spec) -> Any:
    """Return the shape of one step of one sequence."""
    return jax.ShapeDtypeStruct((1, 1, *spec.shape), jnp.int32 if isinstance(spec, Tokens) else float)
