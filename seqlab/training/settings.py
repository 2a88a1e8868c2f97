"""Settings of one training run: the `training` group of the config."""

from __future__ import annotations

import dataclasses

from seqlab.checks import require_bool, require_choice, require_count, require_number, require_positive
from seqlab.recurrence import Backward, GradientControl, Truncation

RESUMABLE = {"resumable": True}
"""The mark of a field that a resumed run may change. It changes the number of steps or what is logged."""


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
        distinct_batches: the number of batches after which the first one returns; null for ever new ones.
        log_every: the steps between rows of `metrics.jsonl`.
        eval_every: the steps between evaluations on the validation split; the last step always has one.
        patience: the run ends after so many evaluations without a better one; null for never.
        checkpoint_every: the steps between checkpoints of the latest state; the last step always has one.
        steps_per_call: the most steps of one dispatch to the devices; a dispatch ends at a row at the latest.
        evaluation_batch_size: the examples of a batch in evaluation.
        sample_length: the outputs that are generated for the summary at the end; 0 for none.
        num_examples: the examples of the test split whose answers are written into `examples.json` at the
            end, for the report; 0 for none.
        devices: the number of devices that the rows of a batch are spread over; null to choose it by the
            shapes.
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
    distinct_batches: int | None = None
    log_every: int = dataclasses.field(default=50, metadata=RESUMABLE)
    eval_every: int = dataclasses.field(default=500, metadata=RESUMABLE)
    patience: int | None = dataclasses.field(default=None, metadata=RESUMABLE)
    checkpoint_every: int = dataclasses.field(default=500, metadata=RESUMABLE)
    steps_per_call: int = dataclasses.field(default=50, metadata=RESUMABLE)
    evaluation_batch_size: int = 256
    sample_length: int = dataclasses.field(default=0, metadata=RESUMABLE)
    num_examples: int = dataclasses.field(default=4, metadata=RESUMABLE)
    devices: int | None = dataclasses.field(default=None, metadata=RESUMABLE)
    bptt_window: int | None = None
    bptt_stride: int | None = None
    on_nonfinite: str = dataclasses.field(default="stop", metadata=RESUMABLE)
    compilation_cache: bool = dataclasses.field(default=True, metadata=RESUMABLE)

    def __post_init__(self) -> None:
        require_count(self, "steps", "sample_length", "num_examples")
        require_bool(self, "compilation_cache")
        require_choice(self, "on_nonfinite", ("stop", "skip", "restore"))
        require_positive(
            self,
            *("batch_size", "log_every", "eval_every", "checkpoint_every"),
            *("steps_per_call", "evaluation_batch_size"),
        )
        for name in ("patience", "devices", "distinct_batches"):
            if getattr(self, name) is not None:
                require_positive(self, name)
        devices = self.devices or 1
        if self.batch_size % devices or self.evaluation_batch_size % devices:
            raise ValueError(
                f"devices must divide batch_size={self.batch_size} and "
                f"evaluation_batch_size={self.evaluation_batch_size}, got {devices}"
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
        """Return the first step after `step` at which a dispatch ends: at a row, evaluation or checkpoint."""
        cadences = (self.log_every, self.eval_every, self.checkpoint_every)
        return min(self.steps, step + self.steps_per_call, *(step + n - step % n for n in cadences))
