"""How does the state of a trained network move? Fixed points, their stability, and Lyapunov exponents."""

from seqlab.analysis.dynamics.analysis import Dynamics, analyse_dynamics
from seqlab.analysis.dynamics.fixed_points import FixedPoints, find_fixed_points
from seqlab.analysis.dynamics.lyapunov_spectrum import lyapunov_spectrum

__all__ = ["Dynamics", "FixedPoints", "analyse_dynamics", "find_fixed_points", "lyapunov_spectrum"]
