"""Learning rate that falls where evaluations stop to improve."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib

from seqlab.checks import require_choice, require_count, require_number, require_positive
from seqlab.training.settings import Training
from seqlab.types import ConfigError, Goal

FACTOR = "schedule/factor"
"""The key of the factor in the rows of evaluations."""

State = optax.contrib.ReduceLROnPlateauState


@dataclasses.dataclass(frozen=True)
class Plateau:
    """Factor on the learning rate, 1 at first, which is reduced after evaluations without a better one.

    It is `optax.contrib.reduce_on_plateau`, fed by the evaluations that `training.eval_every` makes due.

    Attributes:
        factor: what the factor is multiplied by.
        patience: the number of evaluations without a better one after which that happens.
        threshold: how much better a value must be than the best to count as better, in its own units.
        cooldown: the evaluations after a reduction that are not counted.
        min_factor: the least factor.
        monitor: the value that is compared: the "loss" on the validation split, or the deciding "metric".

    Raises:
        ValueError: a value out of its range.
    """

    factor: float = 0.5
    patience: int = 5
    threshold: float = 1e-4
    cooldown: int = 0
    min_factor: float = 0.0
    monitor: str = "loss"

    def __post_init__(self) -> None:
        require_number(self, "factor", 1e-6, 1.0)
        require_positive(self, "patience")
        require_number(self, "threshold", 1e-30)
        require_count(self, "cooldown")
        require_number(self, "min_factor", 0.0, 1.0)
        require_choice(self, "monitor", ("loss", "metric"))

    def require_evaluations(self, training: Training) -> None:
        """Raise ConfigError where no evaluation is due in a run, so that the factor could never fall."""
        if 0 < training.steps < training.eval_every:
            raise ConfigError(
                f"training.eval_every must be at most training.steps={training.steps} with a learning rate "
                f"that follows the evaluations (schedule=plateau), got {training.eval_every}"
            )

    def transformation(self) -> optax.GradientTransformation:
        """Return the multiplication of updates by the factor."""

        def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
            return jax.tree.map(lambda leaf: leaf * state.scale.astype(leaf.dtype), updates), state

        return optax.GradientTransformation(self._rule.init, update)

    def value_of(self, row: Any, goal: Goal) -> float:
        """Return the value of an evaluation's row that is compared; less is better."""
        if self.monitor == "loss":
            return row["eval/loss"]
        value = row[f"eval/{goal.metric}"]
        return -value if goal.higher_is_better else value

    def factor_of(self, optimizer_state: optax.OptState) -> jax.Array:
        """Return the factor in the state of an optimiser."""
        nodes = jax.tree.leaves(optimizer_state, is_leaf=lambda node: isinstance(node, State))
        return next(jnp.asarray(node.scale) for node in nodes if isinstance(node, State))

    def after(self, optimizer_state: optax.OptState, value: jax.Array) -> optax.OptState:
        """Return the state of an optimiser after an evaluation.

        Args:
            optimizer_state: a state that holds one of `transformation`.
            value: scalar, what `value_of` returns.
        """

        def seen(node: Any) -> Any:
            return self._rule.update({}, node, value=value)[1] if isinstance(node, State) else node

        return jax.tree.map(seen, optimizer_state, is_leaf=lambda node: isinstance(node, State))

    @property
    def _rule(self) -> optax.GradientTransformationExtraArgs:
        # a threshold relative to a negative value would be on its wrong side
        return optax.contrib.reduce_on_plateau(
            self.factor,
            self.patience,
            rtol=0.0,
            atol=self.threshold,
            cooldown=self.cooldown,
            min_scale=self.min_factor,
        )
