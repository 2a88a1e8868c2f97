"""How long, how large, how often? The `training` group of the config."""

from __future__ import annotations

import dataclasses

from seqlab.checks import require_count, require_number, require_positive
from seqlab.recurrence import Backward, GradientControl, Truncation


@dataclasses.dataclass(frozen=True)
class Training:
    """The settings of one training run.

    Attributes:
        steps: optimiser updates in all.
        batch_size: B, examples an update.
        clip_value: the largest magnitude of a gradient's element that is let through; null for any. It acts
            before `clip_norm`, so that both limits hold in the end.
        clip_norm: the largest global gradient norm that is let through; null for any.
        clip_recurrent: the largest norm of a sequence's ∂L/∂s_t, the cotangent of the carry at every step of
            the backward pass, that is let through; null for any. L is the batch-mean loss.
        omega: the factor on Pascanu et al.'s regulariser Ω, its mean over sequences; null or 0 for none.
        log_every: steps between rows of `metrics.jsonl`.
        eval_every: steps between evaluations on the validation split; the last step always has one.
        patience: after how many evaluations without a better one a run ends; null for never.
        checkpoint_every: steps between checkpoints of the latest state; the last step always has one.
        steps_per_call: how many steps one dispatch to the device may run; it ends with a row at the latest.
        evaluation_batch_size: examples a batch in evaluation, which has no backward pass to hold.
        sample_length: how many outputs are written into the summary at the end, by a network that can; 0 for
            none.
        devices: over how many devices the rows of a batch are spread; null lets the shapes decide.
        bptt_window: how many steps back the gradient of a loss may go; null for all steps of a batch. A loss
            early in a window goes back less far: see `Truncation`.
        bptt_stride: after how many steps a window ends, through which their losses go back; null for the
            window itself, so that windows follow one another.

    Raises:
        ValueError: a value out of its range.
    """

    steps: int
    batch_size: int
    clip_value: float | None = dataclasses.field(metadata={"traced": "always"})
    clip_norm: float | None = dataclasses.field(metadata={"traced": "always"})
    clip_recurrent: float | None
    omega: float | None
    log_every: int
    eval_every: int
    patience: int | None
    checkpoint_every: int
    steps_per_call: int
    evaluation_batch_size: int
    sample_length: int
    devices: int | None
    bptt_window: int | None
    bptt_stride: int | None

    def __post_init__(self) -> None:
        require_count(self, "steps", "sample_length")
        require_positive(
            self,
            *("batch_size", "log_every", "eval_every", "checkpoint_every"),
            *("steps_per_call", "evaluation_batch_size"),
        )
        if self.patience is not None:
            require_positive(self, "patience")
        if self.devices is not None:
            require_positive(self, "devices")
            if self.batch_size % self.devices or self.evaluation_batch_size % self.devices:
                raise ValueError(
                    f"devices must divide batch_size={self.batch_size} and "
                    f"evaluation_batch_size={self.evaluation_batch_size}, got {self.devices}"
                )
        for limit in ("clip_value", "clip_norm", "clip_recurrent"):
            if getattr(self, limit) is not None:
                require_number(self, limit, 1e-38)
        if self.omega is not None:
            require_number(self, "omega", 0.0)
        if self.bptt_window is not None:
            require_positive(self, "bptt_window")
        if self.bptt_stride is not None:
            require_positive(self, "bptt_stride")
            if self.bptt_window is None or self.bptt_stride > self.bptt_window:
                raise ValueError(
                    f"bptt_stride must be at most bptt_window={self.bptt_window}, or null, "
                    f"got {self.bptt_stride}"
                )

    @property
    def backward(self) -> Backward:
        """The options of the backward pass through time; each sequence bears its share of Ω."""
        clip = None if self.clip_recurrent is None else float(self.clip_recurrent)  # it is differentiated by
        control = GradientControl(clip, self.omega / self.batch_size if self.omega else None)
        if self.bptt_window is None:
            return Backward(control)
        return Backward(control, Truncation(self.bptt_window, self.bptt_stride or self.bptt_window))

    def next_stop(self, step: int) -> int:
        """Return the first step after `step` at which the host has something to do."""
        cadences = (self.log_every, self.eval_every, self.checkpoint_every)
        return min(self.steps, step + self.steps_per_call, *(step + n - step % n for n in cadences))
