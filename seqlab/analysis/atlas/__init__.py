"""Which recurrence learns which problem? The atlas of models and problems, from the folders of its sweeps."""

from seqlab.analysis.atlas.measures import Judgement
from seqlab.analysis.atlas.written import write_atlas

__all__ = ["Judgement", "write_atlas"]
