"""What happens in one step? One cell in a file, each a `flax.linen.RNNCellBase`."""

from seqlab.cells.attention import Attention
from seqlab.cells.cell import Cell
from seqlab.cells.cifg import CIFG
from seqlab.cells.elman import Elman
from seqlab.cells.gru import GRU
from seqlab.cells.layer_norm_gru import LayerNormGRU
from seqlab.cells.layer_norm_lstm import LayerNormLSTM
from seqlab.cells.lru import LRU
from seqlab.cells.lstm import LSTM
from seqlab.cells.mgu import MGU
from seqlab.cells.min_gru import MinGRU
from seqlab.cells.min_lstm import MinLSTM
from seqlab.cells.peephole_lstm import PeepholeLSTM

__all__ = [
    "CIFG",
    "GRU",
    "LRU",
    "LSTM",
    "MGU",
    "Attention",
    "Cell",
    "Elman",
    "LayerNormGRU",
    "LayerNormLSTM",
    "MinGRU",
    "MinLSTM",
    "PeepholeLSTM",
]
