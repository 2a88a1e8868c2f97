"""What happens in one step? One cell a file, each a `flax.linen.RNNCellBase`."""

from seqlab.cells.elman import Elman
from seqlab.cells.gru import GRU
from seqlab.cells.lstm import LSTM

__all__ = ["GRU", "LSTM", "Elman"]
