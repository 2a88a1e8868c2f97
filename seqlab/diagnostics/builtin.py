"""Built-in diagnostics: norms of an update, gradients through time, gates, recurrent Jacobians."""

from __future__ import annotations

import dataclasses

from seqlab.architectures import Recurrent
from seqlab.diagnostics.diagnostic import Observation
from seqlab.diagnostics.recurrent import gates, jacobians
from seqlab.diagnostics.statistics import update_statistics
from seqlab.diagnostics.through_time import through_time
from seqlab.types import Metrics


@dataclasses.dataclass(frozen=True)
class UpdateNorms:
    """Norms of gradients, parameters and updates, by layer and parameter: `update_statistics`."""

    every: int | None = None

    def diagnose(self, observation: Observation) -> Metrics:
        update = observation.update
        return update_statistics(observation.params, update.grads, update.updates)


@dataclasses.dataclass(frozen=True)
class GradientsThroughTime:
    """Norms of ∂L/∂h_t for every step t, with their slope and horizon: `through_time`."""

    every: int | None = None

    def diagnose(self, observation: Observation) -> Metrics:
        network, flow = observation.network, observation.update.flow
        if not isinstance(network, Recurrent):
            return {}
        return through_time(flow, network.layer_lengths(observation.batch), observation.axis)


@dataclasses.dataclass(frozen=True)
class Gates:
    """Means and histograms of the gates: `gates`."""

    every: int | None = None

    def diagnose(self, observation: Observation) -> Metrics:
        return gates(observation.trajectories, observation.axis)


@dataclasses.dataclass(frozen=True)
class Jacobians:
    """Spectra, Lyapunov exponents and singular values of the recurrent Jacobian: `jacobians`."""

    every: int | None

    def diagnose(self, observation: Observation) -> Metrics:
        network = observation.network
        if not isinstance(network, Recurrent):
            return {}
        params = network.layer_params(observation.params)
        return jacobians(network.stack, params, observation.trajectories, observation.axis)
