"""Settings of one training run: the `training` group of the config."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, cast

import jax.numpy as jnp

from seqlab.checks import require_bool, require_choice, require_count, require_number, require_positive
from seqlab.near_misses import near_miss
from seqlab.recurrence import Backward, GradientControl, Truncation

RESUMABLE = {"resumable": True}
"""The mark of a field that a resumed run may change. It changes the number of steps or what is logged."""

HOST = {**RESUMABLE, "host": True}
"""The mark of a field that no compiled function depends on, unless by the placement of its runs."""

SOLVED = "solved"
"""The value of `stop_at` for the value at which a task counts as solved."""


@dataclasses.dataclass(frozen=True)
class Training:
    """The settings of one training run.

    Attributes:
        steps: the optimiser updates in all.
        batch_size: B, the examples of an update.
        clip_value: the limit on the magnitude of each element of the gradient; null for none. It acts before
            `clip_norm`, so that both limits hold in the end.
        clip_norm: the limit on the global norm of the gradient; null for none.
        clip_recurrent: the limit on the norm of each sequence's ∂L/∂s_t, the cotangent of the carry, at every
            step of the backward pass; null for none. L is the batch-mean loss.
        omega: the factor on Pascanu et al.'s regulariser Ω, its mean over sequences; null or 0 for none.
        accumulate: the number of microbatches of equal size whose gradients are added up to that of a batch,
            so that the batch needs less memory. Each draws masks of dropout of its own.
        gradient_noise: η of the noise N(0, η / (1 + t)^γ) on every element of the clipped gradient, t being
            the updates made; null for none.
        gradient_noise_decay: γ.
        rate_factors: the factor on the updates of the parameters whose path fits a glob pattern, for each
            pattern; the last that fits counts. Null for the same rate everywhere.
        ema_decay: the decay of the exponential moving average of the parameters that is evaluated beside
            them; null for none.
        swa_start: the step from which parameters are averaged with equal weights (SWA) and evaluated beside
            those of the run; null for never.
        swa_every: the steps between the parameters that are averaged so.
        precision: "float32", or "bfloat16" for updates whose matrix products have operands rounded to
            bfloat16. Their sums, and all parameters, carries, losses and evaluations, stay in float32. With
            `JAX_ENABLE_X64=1` in the environment, "float32" is float64 throughout.
        distinct_batches: the number of batches after which the first one returns; null for ever new ones.
        log_every: the steps between rows of `metrics.jsonl`.
        eval_every: the steps between evaluations on the validation split; the last step always has one.
        patience: the run ends after so many evaluations without a better one; null for never.
        stop_at: the run ends as soon as the deciding metric reaches this value on the validation split;
            "solved" for the value at which the task counts as solved, null for never.
        seconds: the run ends, with all that belongs to its end, once it has taken so many seconds of wall
            time, compilation included; runs that are trained together have equal shares of the time. Null
            for any.
        checkpoint_every: the steps between checkpoints of the latest state; the last step always has one.
        steps_per_call: the most steps of one dispatch to the devices; a dispatch ends at a row at the latest.
        evaluation_batch_size: the examples of a batch in evaluation.
        sample_length: the outputs that are generated for the summary at the end; 0 for none.
        num_examples: the examples of the test split whose answers are written into `examples.json` at the
            end, for the report; 0 for none.
        devices: the number of devices that the rows of a batch are spread over; null to choose it by the
            shapes.
        feature_devices: the number of these devices that share the parameters, H being spread over them, and
            compute together with the same rows; 1 for whole parameters on every device.
        bptt_window: the most steps that the gradient of a loss passes through; null for all steps of a batch.
            The gradient of an early loss of a window passes through fewer: see `Truncation`.
        bptt_stride: the steps after which a window ends and its losses are differentiated; null for
            `bptt_window`, so that windows do not overlap.
        on_nonfinite: what happens at a step whose loss or gradient is not finite: "stop" ends the run; "skip"
            leaves out the update and goes on; "restore" goes back to the checkpoint before, with half the
            learning rate, a few times (`seqlab.runs.restores`).
        compilation_cache: whether to save compiled programs in the user's cache folder, for later processes.

    Raises:
        ValueError: a value out of its range.
    """

    steps: int = dataclasses.field(default=1000, metadata=RESUMABLE)
    batch_size: int = 32
    clip_value: float | None = dataclasses.field(default=None, metadata={"traced": "always"})
    clip_norm: float | None = dataclasses.field(default=1.0, metadata={"traced": "always"})
    clip_recurrent: float | None = None
    omega: float | None = None
    accumulate: int = 1
    gradient_noise: float | None = dataclasses.field(default=None, metadata={"traced": "always"})
    gradient_noise_decay: float = dataclasses.field(default=0.55, metadata={"traced": "always"})
    rate_factors: Mapping[str, float] | None = None
    ema_decay: float | None = dataclasses.field(default=None, metadata={"traced": "always"})
    swa_start: int | None = None
    swa_every: int = 1
    precision: str = "float32"
    distinct_batches: int | None = None
    log_every: int = dataclasses.field(default=50, metadata=HOST)
    eval_every: int = dataclasses.field(default=500, metadata=HOST)
    patience: int | None = dataclasses.field(default=None, metadata=HOST)
    stop_at: float | str | None = dataclasses.field(default=None, metadata=HOST)
    seconds: float | None = dataclasses.field(default=None, metadata=HOST)
    checkpoint_every: int = dataclasses.field(default=500, metadata=HOST)
    steps_per_call: int = dataclasses.field(default=50, metadata=RESUMABLE)
    evaluation_batch_size: int = 256
    sample_length: int = dataclasses.field(default=0, metadata=HOST)
    num_examples: int = dataclasses.field(default=4, metadata=HOST)
    devices: int | None = dataclasses.field(default=None, metadata=HOST)
    feature_devices: int = dataclasses.field(default=1, metadata=HOST)
    bptt_window: int | None = None
    bptt_stride: int | None = None
    on_nonfinite: str = dataclasses.field(default="stop", metadata=RESUMABLE)
    compilation_cache: bool = dataclasses.field(default=True, metadata=HOST)

    def __post_init__(self) -> None:
        require_count(self, "steps", "sample_length", "num_examples")
        require_bool(self, "compilation_cache")
        require_choice(self, "on_nonfinite", ("stop", "skip", "restore"))
        require_positive(
            self,
            *("batch_size", "log_every", "eval_every", "checkpoint_every"),
            *("steps_per_call", "evaluation_batch_size", "accumulate", "swa_every", "feature_devices"),
        )
        for name in ("patience", "devices", "distinct_batches", "swa_start"):
            if getattr(self, name) is not None:
                require_positive(self, name)
        if (self.devices or self.feature_devices) % self.feature_devices:
            raise ValueError(
                f"feature_devices must divide devices={self.devices}, got {self.feature_devices}"
            )
        if self.batch_size % self.row_devices or self.evaluation_batch_size % self.row_devices:
            each = f" / feature_devices={self.feature_devices}" if self.feature_devices > 1 else ""
            raise ValueError(
                f"devices{each} must divide batch_size={self.batch_size} and "
                f"evaluation_batch_size={self.evaluation_batch_size}, got {self.devices}"
            )
        for limit in ("clip_value", "clip_norm", "clip_recurrent"):
            if getattr(self, limit) is not None:
                require_number(self, limit, 1e-38)
        self._check_updates()
        if self.bptt_window is not None:
            require_positive(self, "bptt_window")
        if self.bptt_stride is not None:
            require_positive(self, "bptt_stride")
            if self.bptt_window is None or self.bptt_stride > self.bptt_window:
                raise ValueError(
                    f"bptt_stride must be at most bptt_window={self.bptt_window}, or null, "
                    f"got {self.bptt_stride}"
                )

    def _check_updates(self) -> None:
        """Raise ValueError where a value that concerns the updates themselves is not legal."""
        if self.precision == "float64":
            raise ValueError("precision=float64 is refused: set JAX_ENABLE_X64=1 in the environment instead")
        require_choice(self, "precision", ("float32", "bfloat16"))
        if self.precision == "bfloat16" and jnp.result_type(float) == jnp.float64:
            raise ValueError("precision=bfloat16 does not fit JAX_ENABLE_X64=1: legal value is float32")
        if self.batch_size % (self.accumulate * self.row_devices):
            raise ValueError(
                f"accumulate={self.accumulate} times devices={self.row_devices} must divide "
                f"batch_size={self.batch_size}"
            )
        for name in ("omega", "gradient_noise"):
            if getattr(self, name) is not None:
                require_number(self, name, 0.0)
        require_number(self, "gradient_noise_decay", 0.0)
        if self.seconds is not None:
            require_number(self, "seconds", 1e-3)
        if isinstance(self.stop_at, str) and self.stop_at != SOLVED:
            hint = near_miss(self.stop_at, ["null", SOLVED])
            raise ValueError(f"stop_at must be one of null, a number, {SOLVED}, got {self.stop_at!r}{hint}")
        if not isinstance(self.stop_at, str) and self.stop_at is not None:
            require_number(self, "stop_at")
        if self.ema_decay is not None:
            require_number(self, "ema_decay", 0.0, 1.0)
            if self.swa_start is not None:
                raise ValueError("ema_decay and swa_start are two averages: one of them must be null")
        if self.swa_start is not None and self.swa_start > self.steps:
            raise ValueError(f"swa_start must be at most steps={self.steps}, or null, got {self.swa_start}")
        _require_factors(self.rate_factors)

    @property
    def row_devices(self) -> int:
        """The number of equal shares of the rows of a batch, as far as it is given; 1 if it is not."""
        return 1 if self.devices is None else self.devices // self.feature_devices

    @property
    def backward(self) -> Backward:
        """The options of the backward pass through time; each sequence bears its share of Ω."""
        clip = None if self.clip_recurrent is None else float(self.clip_recurrent)  # it is differentiated by
        control = GradientControl(clip, self.omega / self.batch_size if self.omega else None)
        if self.bptt_window is None:
            return Backward(control)
        return Backward(control, Truncation(self.bptt_window, self.bptt_stride or self.bptt_window))

    def average_at(self, step: int) -> str | None:
        """Return the name of the average that is evaluated at a step, "ema" or "swa"; None for none."""
        if self.ema_decay is not None:
            return "ema"
        return None if self.swa_start is None or step < self.swa_start else "swa"

    def next_stop(self, step: int) -> int:
        """Return the first step after `step` at which a dispatch ends: at a row, evaluation or checkpoint."""
        cadences = (self.log_every, self.eval_every, self.checkpoint_every)
        return min(self.steps, step + self.steps_per_call, *(step + n - step % n for n in cadences))


def _require_factors(factors: object) -> None:
    """Raise ValueError where factors are no mapping of patterns to numbers of at least 0."""

    def is_factor(value: object) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf

    if factors is None:
        return
    if not isinstance(factors, Mapping):
        raise ValueError(f"rate_factors must be null or a factor for each pattern, got {factors!r}")
    pairs: list[tuple[Any, Any]] = list(cast("Mapping[Any, Any]", factors).items())
    for pattern, factor in pairs:
        if not is_factor(factor):
            raise ValueError(f"rate_factors.{pattern} must be a number of at least 0, got {factor!r}")
