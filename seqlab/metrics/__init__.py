"""How wrong is a prediction?"""

from seqlab.metrics.exact import METRICS, metric
from seqlab.metrics.losses import loss
from seqlab.metrics.mean import Mean

__all__ = ["METRICS", "Mean", "loss", "metric"]
