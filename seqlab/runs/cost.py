"""What does a search over runs minimise?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def cost(summary: Mapping[str, Any]) -> float:
    """Return the deciding metric at the best validation, negated where higher is better.

    So every task is minimised, whichever way its metric points. NaN where nothing was evaluated,
    or where the summary, an older one, does not say which way its metric points.

    Args:
        summary: the summary of a finished run.
    """
    value = summary.get("best", {}).get(f"eval/{summary['metric']}", math.nan)
    return value * {True: -1, False: 1}.get(summary.get("higher_is_better"), math.nan)
