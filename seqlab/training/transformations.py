"""Transformations of optax that a run adds to its optimiser: noise, rates by parameter, averaged parameters.

What they need beside the gradient is given to every update by keyword, as optax does.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from seqlab.near_misses import near_miss
from seqlab.training.plateau import Plateau
from seqlab.training.settings import Training
from seqlab.training.state import stream
from seqlab.types import ConfigError, Params


class Average(NamedTuple):
    """The state of `averaged`.

    Attributes:
        updates: int32 scalar, the number of updates seen.
        params: the average of the parameters; those of the start before the first that counts.
    """

    updates: jax.Array
    params: Params


def with_transformations(
    optimizer: optax.GradientTransformation, training: Training, plateau: Plateau | None = None
) -> optax.GradientTransformationExtraArgs:
    """Return an optimiser with what the settings of a run add to it, in the order in which it acts.

    An optimiser to which nothing is added stays as it is, with the same state.

    Raises:
        ConfigError: no evaluation is due that the plateau could follow.
    """
    before: list[optax.GradientTransformation] = []
    after: list[optax.GradientTransformation] = []
    if training.gradient_noise is not None:
        before.append(gradient_noise(training.gradient_noise, training.gradient_noise_decay))
    if plateau is not None:
        plateau.require_evaluations(training)
        after.append(plateau.transformation())
    if training.rate_factors:
        after.append(scaled_by_path(training.rate_factors))
    if training.ema_decay is not None:
        after.append(averaged(ema_weight(training.ema_decay)))
    if training.swa_start is not None:
        after.append(averaged(swa_weight(training.swa_start, training.swa_every)))
    if not before and not after:
        return optax.with_extra_args_support(optimizer)
    return optax.chain(*before, optimizer, *after)


def gradient_noise(
    variance: float | jax.Array, decay: float | jax.Array
) -> optax.GradientTransformationExtraArgs:
    """Return the addition of N(0, η / (1 + t)^γ) to every element of the gradient at step t, from 0 on.

    The noise is a function of the run's seed and the step, so it has no state.

    Args:
        variance: η.
        decay: γ.

    Source: A. Neelakantan et al., "Adding Gradient Noise Improves Learning for Very Deep Networks", 2015.
    """

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> tuple[Any, Any]:
        key = jax.random.fold_in(stream(extra["seed"], "noise"), extra["step"])
        one = optax.AddNoiseState(count=extra["step"], rng_key=key)
        return optax.add_noise(variance, decay, key).update(updates, one)[0], state

    return optax.GradientTransformationExtraArgs(_no_state, update)


def scaled_by_path(factors: Mapping[str, float]) -> optax.GradientTransformation:
    """Return the multiplication of updates by a factor for each parameter.

    Args:
        factors: a factor for each glob pattern of parameter paths. The last pattern that fits counts; a
            parameter that none fits has the factor 1.

    Raises:
        ConfigError: in `init`, where a pattern fits no parameter.
    """

    def init(params: Any) -> optax.EmptyState:
        require_matches("training.rate_factors", factors, params)
        return optax.EmptyState()

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        def scaled(path: Any, leaf: jax.Array) -> jax.Array:
            fitting = [factor for pattern, factor in factors.items() if matches(path, pattern)]
            return leaf * fitting[-1] if fitting else leaf

        return jax.tree_util.tree_map_with_path(scaled, updates), state

    return optax.GradientTransformation(init, update)


def averaged(weight: Callable[[jax.Array], jax.Array]) -> optax.GradientTransformation:
    """Return a transformation that changes no update and keeps an average of the parameters after each.

        average ← average + w_t (θ_t − average)

    It is the last of a chain, so that it sees the update that is made.

    Args:
        weight: w_t as a function of t, the number of updates made, int32 scalar from 1 on.
    """

    def init(params: Any) -> Average:
        return Average(jnp.int32(0), jax.tree.map(jnp.array, params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Average]:
        after, count = optax.apply_updates(params, updates), state.updates + 1
        share = weight(count)
        average = jax.tree.map(
            lambda old, new: old + share.astype(old.dtype) * (new - old), state.params, after
        )
        return updates, Average(count, average)

    return optax.GradientTransformation(init, update)


def ema_weight(decay: float | jax.Array) -> Callable[[jax.Array], jax.Array]:
    """Return w_t = (1 − d) / (1 − d^t): an exponential moving average without a bias towards its start.

    It equals `optax.ema(d, debias=True)` of the parameters after each update.

    Source: D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", 2015, section 3.
    """

    def weight(count: jax.Array) -> jax.Array:
        return (1 - decay) / (1 - jnp.asarray(decay, float) ** count)

    return weight


def swa_weight(start: int, every: int) -> Callable[[jax.Array], jax.Array]:
    """Return w_t = 1 / n at the n-th of the steps start, start + every, …, and 0 elsewhere; 1 before them.

    So the average is the mean of the parameters after these updates, and those of the run before.

    Source: P. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018.
    """

    def weight(count: jax.Array) -> jax.Array:
        since = count - start
        mean = jnp.where(since % every == 0, 1.0 / (since // every + 1), 0.0)
        return jnp.where(since < 0, 1.0, mean)

    return weight


def average_of(optimizer_state: optax.OptState) -> Params | None:
    """Return the averaged parameters in the state of an optimiser; None where it keeps none."""
    leaves = jax.tree.leaves(optimizer_state, is_leaf=lambda node: isinstance(node, Average))
    return next((leaf.params for leaf in leaves if isinstance(leaf, Average)), None)


def evaluates_loss(optimizer: optax.GradientTransformationExtraArgs, params: Params) -> bool:
    """Return whether an optimiser calls the loss, as line searches and Sophia do; nothing is computed.

    Such an optimiser must run on one device. The sums over devices in a search wait for each other forever,
    and the gradient of such a sum is that of each device times the number of devices.

    Args:
        optimizer: the optimiser.
        params: the parameters, or their shapes.
    """
    calls: list[Params] = []

    def value_fn(params: Params, obj_fn: Any = 0, grad_fn: Any = 0, seed: Any = 0, step: Any = 0) -> Any:
        calls.append(params)
        return optax.tree.norm(params, squared=True)

    def update(params: Params) -> Any:
        more = {"value_fn": value_fn, "obj_fn": value_fn, "grad_fn": lambda params, *_: params}
        more |= {"value": optax.tree.norm(params), "seed": jnp.uint32(0), "step": jnp.int32(0)}
        return optimizer.update(params, optimizer.init(params), params, grad=params, **more)[0]

    jax.eval_shape(update, params)
    return bool(calls)


def matches(path: Any, pattern: str) -> bool:
    """Return whether a glob pattern fits the path of a parameter, its names joined by slashes."""
    return fnmatch.fnmatchcase(jax.tree_util.keystr(path, simple=True, separator="/"), pattern)


def require_matches(key: str, patterns: Any, params: Params) -> None:
    """Raise ConfigError where a pattern fits none of some parameters; it names their paths."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    names = [jax.tree_util.keystr(path, simple=True, separator="/") for path in paths]
    for pattern in patterns:
        if not any(matches(path, pattern) for path in paths):
            hint = near_miss(pattern, names)
            raise ConfigError(f"{key}: {pattern} fits no parameter{hint}: their paths are {', '.join(names)}")


def _no_state(params: Any) -> optax.EmptyState:
    return optax.EmptyState()
