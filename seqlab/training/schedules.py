"""Learning-rate schedules that optax lacks."""

from __future__ import annotations

import optax


def warmup_cosine(warmup_steps: float, decay_steps: int, end_value: float = 0.0) -> optax.Schedule:
    """Return a factor on the learning rate that rises linearly and then falls as half a cosine.

        f(s) = (s + 1) / w                                   s < w
        f(s) = e + (1 − e) (1 + cos(π (s − w) / (d − w))) / 2    s ≥ w

    So the first update has the factor 1/w, not 0.

    Args:
        warmup_steps: w, the updates of the rise; 0 for none; a number below 1 is a share of `decay_steps`.
        decay_steps: d, the updates of the whole run.
        end_value: e, the factor at its end.

    Raises:
        ValueError: a number that is negative, or w is above 1 and not whole, or not below d.
    """
    if warmup_steps < 0 or (warmup_steps > 1 and warmup_steps != int(warmup_steps)):
        raise ValueError(f"warmup_steps must be a whole number or a share from 0 to 1, got {warmup_steps}")
    warmup_steps = round(warmup_steps * decay_steps) if warmup_steps < 1 else int(warmup_steps)
    if warmup_steps >= decay_steps:
        raise ValueError(f"warmup_steps={warmup_steps} must be below training.steps={decay_steps}")
    fall = optax.cosine_decay_schedule(1.0, decay_steps - warmup_steps, end_value)
    if warmup_steps == 0:
        return fall
    rise = optax.linear_schedule(1 / warmup_steps, 1.0, max(warmup_steps - 1, 1))
    return optax.join_schedules([rise, fall], [warmup_steps])
