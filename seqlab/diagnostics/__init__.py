"""What flowed back, what did the gates do, how is the state stretched?

Pure functions of arrays, and the diagnostics that put their results into a row.
"""

from seqlab.diagnostics.diagnostic import Diagnostic, Observation, Update, is_due
from seqlab.diagnostics.settings import GradientDiagnostics

__all__ = ["Diagnostic", "GradientDiagnostics", "Observation", "Update", "is_due"]
