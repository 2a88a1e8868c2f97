"""What does a search over runs minimise?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def cost(summary: Mapping[str, Any]) -> float:
    """Return the deciding metric at the best validation, negated where higher is better.

    So every task is minimised, whichever way its metric points. NaN where nothing was evaluated.

    Args:
        summary: the summary of a finished run.
    """
    value = summary.get("best", {}).get(f"eval/{summary['metric']}", math.nan)
    return -value if summary["higher_is_better"] else value
