"""Verdict on a run: what was learnt, compared with what, and how sure; and the commands to go on with."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqlab.tracking.lines import number
from seqlab.types import Goal, Reference

_QUANTILE = 1.96
"""The standard normal quantile of a 95 % interval."""

Summary = Mapping[str, Any]
"""The content of a `summary.json`. Every key but `status` may be missing."""


def verdict(summary: Summary) -> str:
    """Return one or two sentences that say what a run has learnt, or why it ended without.

    They name the score, the baseline and the threshold. Where every example counts once as right or wrong,
    they name the 95 % interval of the score, and a score whose interval holds the baseline counts as no
    better.

    Args:
        summary: the summary of a run, whichever its status.
    """
    return " ".join(_sentences(summary).split())


def _sentences(summary: Summary) -> str:
    status, reason = str(summary["status"]), _reason(summary)
    if status == "finished":
        return f"{_learnt(summary)}{_early_end(summary, reason)}"
    because = f": {reason}" if reason else ""
    if status == "diverged":
        advice = "Lower optimizer.learning_rate, or set training.clip_norm lower."
        return f"Diverged{because}. {advice}{_best_so_far(summary)}"
    if status == "pruned":
        return f"Pruned{_at_step(summary)}{because}.{_best_so_far(summary)}"
    if status == "interrupted":
        return f"Stopped{_at_step(summary)}{because}.{_best_so_far(summary)}"
    if status == "incompatible":
        return f"Not run{because}."
    return f"{status.capitalize()}{because}."


def with_verdict(summary: Summary) -> dict[str, Any]:
    """Return a summary with its verdict."""
    return {**summary, "verdict": verdict(summary)}


def next_commands(folder: Path | str, summary: Summary) -> list[str]:
    """Return commands that go on with a run, as a shell reads them; none for a run that never started.

    They are its report, its evaluation, and what its task allows: answers to the rows of a file, a sample, or
    the figure of its gradient through time. FILE and PROMPT stand for what the user has.

    Args:
        folder: the run folder.
        summary: its summary.
    """
    if summary["status"] in ("incompatible", "failed"):
        return []
    usage = [["report"]]
    if "best" in summary:
        usage += [["evaluate"], *([found] if (found := list(summary.get("usage", []))) else [])]
    return [
        " ".join(["python -m", f"seqlab.{name}", shlex.quote(str(folder)), *words]) for name, *words in usage
    ]


def interval_of_share(share: float, count: int) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a share that was observed over `count` independent examples.

        (p + z²/2n ± z √(p (1 − p) / n + z²/4n²)) / (1 + z²/n)

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    z = _QUANTILE**2 / count
    half = math.sqrt(share * (1 - share) * z + z * z / 4)
    ends = [(share + z / 2 + sign * half) / (1 + z) for sign in (-1, 1)]
    # Rounding leaves the ends of a share of 0 or 1 a unit in the last place outside of [0, 1].
    return max(min(ends[0], share), 0.0), min(max(ends[1], share), 1.0)


def _learnt(summary: Summary) -> str:
    """Return the sentence about a run that made all its steps."""
    score = _score(summary, "test", "test")
    if score is None:
        return f"Finished{_at_step(summary)} without an evaluation."
    reference, goal = _reference(summary, summary), _goal(summary)
    ends = _interval(summary, score) or (score, score)
    worst, best = ends if goal.higher_is_better else ends[::-1]
    if reference is None:
        word = "Finished"
    elif reference.is_solved(worst, goal.higher_is_better):
        word = "Learnt"
    elif reference.is_solved(score, goal.higher_is_better):
        word = "Learnt, but not clearly"
    elif goal.improves(worst, reference.baseline):
        near = reference.is_solved(best, goal.higher_is_better)
        word = f"Better than the baseline, but not{' clearly' if near else ''} solved"
    else:
        better = goal.improves(score, reference.baseline)
        word = f"Not learnt, as it is not{' clearly' if better else ''} better than the baseline"
    return f"{word}: {_compared(summary, score, 'test', reference)}.{_more_steps(summary)}"


def _compared(summary: Summary, score: float, split: str, reference: Reference | None) -> str:
    """Return a score of a split beside what it is compared with."""
    goal = _goal(summary)
    name = goal.metric.rpartition("/")[2].replace("_", " ")
    how = " of what it generates" if goal.metric.startswith("free_running/") else ""
    text = f"{split} {name}{how} {number(score)}{_how_sure(summary, score) if split == 'test' else ''}"
    if reference is None:
        return text
    baseline = f"the baseline ({reference.description})" if reference.description else "the baseline"
    side = "above" if goal.higher_is_better else "below"
    return (
        f"{text}, where {baseline} has {number(reference.baseline)}; "
        f"the task counts as solved at {number(reference.threshold)} or {side}"
    )


def _how_sure(summary: Summary, score: float) -> str:
    """Return the number of test examples, with the interval where it is known."""
    if not (count := summary.get("test_examples")):
        return ""
    examples = f"{count:,} example{'' if count == 1 else 's'}"
    if (ends := _interval(summary, score)) is None:
        return f" over {examples}"
    low, high = (number(end, 3) for end in ends)
    return f" (95 % interval {low} to {high} over {examples})"


def _interval(summary: Summary, score: float) -> tuple[float, float] | None:
    """Return the 95 % interval of a test score; None where the examples are not right or wrong as wholes."""
    metric, count = str(summary.get("metric")), summary.get("test_examples")
    one_answer = str(summary.get("architecture")).endswith("_to_one")
    whole = metric.endswith("sequence_accuracy") or (metric == "accuracy" and one_answer)
    if not whole or not count or not 0 <= score <= 1:
        return None
    return interval_of_share(score, count)


def _best_so_far(summary: Summary) -> str:
    """Return a sentence about the best evaluation of a run that did not finish; empty without one."""
    score = _score(summary, "best", "eval")
    if score is None:
        return ""
    reference = _reference(summary, summary.get("validation", {}))
    at = f", at step {summary['best']['step']:,}" if "step" in summary["best"] else ""
    return f" The best so far{at}: {_compared(summary, score, 'validation', reference)}."


def _score(summary: Summary, part: str, prefix: str) -> float | None:
    return summary.get(part, {}).get(f"{prefix}/{summary.get('metric')}")


def _goal(summary: Summary) -> Goal:
    return Goal(str(summary["metric"]), bool(summary.get("higher_is_better")))


def _reference(summary: Summary, values: Summary) -> Reference | None:
    """Return what a split's scores are compared with, its baseline described by its first words."""
    if values.get("chance") is None or values.get("solved_at") is None:
        return None
    description = str(summary.get("baseline") or "").partition(";")[0]
    return Reference(values["chance"], description, values["solved_at"])


def _at_step(summary: Summary) -> str:
    """Return at which step of how many a run ended, as far as its summary says."""
    if summary.get("steps") is None:
        return ""
    total = summary.get("total_steps")
    return f" at step {summary['steps']:,}" + (f" of {total:,}" if total is not None else "")


def _early_end(summary: Summary, reason: str) -> str:
    """Return a sentence about a run that finished before its last step; empty for any other."""
    return f" It ended{_at_step(summary)}, because {reason}." if reason else ""


def _more_steps(summary: Summary) -> str:
    """Return advice for a run that is not solved and was at its best at its last step."""
    at_its_best = summary.get("best", {}).get("step", -1) == summary.get("steps")
    if summary.get("solved") or not at_its_best:
        return ""
    return " It still improved at the end, so more training.steps may help."


def _reason(summary: Summary) -> str:
    return str(summary.get("reason") or "").strip().rstrip(".")
