"""Width of the layers for a number of parameters or for a size of the state."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.architectures import Network, Recurrent
from seqlab.registry import blame
from seqlab.runs.hyperparameters import replaced
from seqlab.runs.objects import make_network, make_task
from seqlab.runs.request import Request, resolve
from seqlab.runs.sizes import num_params, state_size, state_size_of
from seqlab.tasks.source_stamp import source_stamp
from seqlab.training import Program
from seqlab.types import Batch, ConfigError, IncompatibleError, Spec, Tokens, Vectors

NUM_PARAMS, STATE_SIZE = KEYS = ("architecture.num_params", "architecture.target_state_size")
"""The keys that choose a width; at most one is given."""
FEATURES = "cell.features"
MOST_OF_A_UNIT = 256
"""The smallest legal width of a cell is looked for up to this one."""
MOST_FEATURES = 2**16


class Wanted(NamedTuple):
    """What a width is chosen for.

    Attributes:
        key: one of `KEYS`.
        number: the number of parameters or the size of the state.
    """

    key: str
    number: int


def with_chosen_width(request: Request) -> Request:
    """Return a request whose config has the width that one of `KEYS` asks for.

    Raises:
        ConfigError: the command gives `cell.features` too, or both keys, or no width is legal.
        IncompatibleError: the state has the same size at every width.
    """
    given = [one for one in request.overrides if one.lstrip("+").startswith(f"{FEATURES}=")]
    if (wanted := _wanted(config := resolve(request.config))) is None:
        return request
    if given:
        raise ConfigError(
            f"{given[0]} does not fit {wanted.key}={wanted.number}, which chooses it: legal is one of the two"
        )
    changed = copy.deepcopy(request.config)
    for key, value in _choose(config, wanted).items():
        group, name = key.split(".")
        changed[group][name] = value
    return Request(changed, request.choices, request.folder, request.hydra, request.overrides)


def sized(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resolved config with the width that one of `KEYS` asks for."""
    wanted = _wanted(config)
    return dict(config) if wanted is None else replaced(config, _choose(config, wanted))


def width_note(program: Program) -> tuple[str, ...]:
    """Return a sentence about the width that was chosen; none where none was."""
    network = program.network
    features = network.cell.features
    notes = {
        NUM_PARAMS: f"gives {num_params(program):,} parameters",
        STATE_SIZE: f"gives a state of {state_size(program):,} numbers",
    }
    return tuple(
        f"{FEATURES}={features} {gives}, the nearest to {key}={wanted:,}"
        for key, gives in notes.items()
        if (wanted := getattr(network, key.partition(".")[2], None)) is not None
    )


def nearest_width(count: Callable[[int], int], wanted: int) -> int:
    """Return the width whose count is the nearest to a wanted one, by bisection; the smaller of two.

    The legal widths of a cell are the multiples of its smallest one, such as the number of its heads.

    Args:
        count: the number of parameters, or the size of the state, at a width; it grows with the width, and
            raises ConfigError where a width is not legal.
        wanted: the number that is wanted.

    Raises:
        ConfigError: what `count` raises, where it does so at every width.
        IncompatibleError: the count is the same at every width.
    """
    unit = next((width for width in range(1, MOST_OF_A_UNIT) if _is_legal(count, width)), MOST_OF_A_UNIT)
    if (same := count(unit)) == count(MOST_OF_A_UNIT * unit):
        raise IncompatibleError(
            f"{FEATURES} does not change the count {same:,}, so that no width gives {wanted:,}"
        )
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


def _wanted(config: Mapping[str, Any]) -> Wanted | None:
    """Return the key that chooses a width with its number; raise ConfigError where both keys have one."""
    node = config["architecture"]
    settings: Mapping[str, Any] = node if isinstance(node, Mapping) else {}
    found = [
        Wanted(key, settings[name]) for key in KEYS if settings.get(name := key.partition(".")[2]) is not None
    ]
    if len(found) > 1:
        first, second = (f"{one.key}={one.number}" for one in found)
        raise ConfigError(f"{second} does not fit {first}: legal is one of the two")
    return found[0] if found else None


def _choose(config: Mapping[str, Any], wanted: Wanted) -> Mapping[str, int]:
    """Return the values of the keys of the width: `cell.features`, and that of a tied embedding."""
    parts = {group: config[group] for group in ("cell", "architecture", "task")}
    with blame(""):
        return _chosen(json.dumps(parts, sort_keys=True), source_stamp(make_task(config)), wanted)


@functools.lru_cache(maxsize=4096)
def _chosen(parts: str, source: Hashable, wanted: Wanted) -> Mapping[str, int]:
    """Return what `_choose` does; a sweep asks for it again for each seed and learning rate.

    Args:
        parts: the cell, architecture and task of a config, as JSON.
        source: what `source_stamp` returns, so that a file that was written again is read again.
        wanted: what the width is chosen for.
    """
    config = json.loads(parts)
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
        network = make_network(replaced(config, keys_at(features)), task)
        return _count(network) if wanted.key == NUM_PARAMS else state_size_of(network)

    return keys_at(nearest_width(count, wanted.number))


def _count(network: Network) -> int:
    """Return the number of parameters of a network."""
    batch = Batch(_one(network.inputs), _one(network.outputs), _one(Vectors(1)))
    shapes = jax.eval_shape(network.init, jax.random.key(0), batch)
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def _one(spec: Spec) -> Any:
    """Return the shape of one step of one sequence."""
    return jax.ShapeDtypeStruct((1, 1, *spec.shape), jnp.int32 if isinstance(spec, Tokens) else float)
