"""How wrong is a prediction?"""

from seqlab.metrics.exact import METRICS, metric
from seqlab.metrics.losses import loss
from seqlab.metrics.mean import Mean
from seqlab.metrics.measures import Measures, optax_loss
from seqlab.metrics.smoothing import smoothed_cross_entropy

__all__ = ["METRICS", "Mean", "Measures", "loss", "metric", "optax_loss", "smoothed_cross_entropy"]
