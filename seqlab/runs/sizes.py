"""Sizes of a network: its parameters, and what it remembers of a sequence."""

from __future__ import annotations

import jax

from seqlab.architectures import Network, Recurrent
from seqlab.training.program import Program


def num_params(program: Program) -> int:
    """Return the number of trained parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(program.shapes.params))


def state_size(program: Program) -> int:
    """Return the number of elements of the carries of one sequence; 0 for a network without recurrence."""
    return state_size_of(program.network)


def state_size_of(network: Network) -> int:
    """Return the number of elements of the carries of one sequence in a network."""
    return network.state_size if isinstance(network, Recurrent) else 0


def sizes_of(program: Program) -> dict[str, int]:
    """Return the sizes that a summary records: of the parameters, of a layer and of the carries."""
    features = program.network.cell.features
    return {"num_params": num_params(program), "features": features, "state_size": state_size(program)}
