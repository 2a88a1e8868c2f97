"""What happens in one step? One cell in a file, each a `flax.linen.RNNCellBase`."""

from seqlab.cells.attention import Attention
from seqlab.cells.cell import Cell
from seqlab.cells.cifg import CIFG
from seqlab.cells.delta_net import DeltaNet
from seqlab.cells.elman import Elman
from seqlab.cells.gated_delta_net import GatedDeltaNet
from seqlab.cells.gated_linear_attention import GatedLinearAttention
from seqlab.cells.gru import GRU
from seqlab.cells.ind_rnn import IndRNN
from seqlab.cells.layer_norm_gru import LayerNormGRU
from seqlab.cells.layer_norm_lstm import LayerNormLSTM
from seqlab.cells.lru import LRU
from seqlab.cells.lstm import LSTM
from seqlab.cells.mgu import MGU
from seqlab.cells.min_gru import MinGRU
from seqlab.cells.min_lstm import MinLSTM
from seqlab.cells.mlstm import MLSTM
from seqlab.cells.orthogonal_rnn import OrthogonalRNN
from seqlab.cells.peephole_lstm import PeepholeLSTM
from seqlab.cells.rg_lru import RGLRU
from seqlab.cells.s4d import S4D
from seqlab.cells.s5 import S5
from seqlab.cells.selective_ssm import SelectiveSSM
from seqlab.cells.slstm import SLSTM
from seqlab.cells.stack_lstm import StackLSTM
from seqlab.cells.stack_rnn import StackRNN
from seqlab.cells.tape_rnn import TapeRNN

__all__ = [
    "CIFG",
    "GRU",
    "LRU",
    "LSTM",
    "MGU",
    "MLSTM",
    "RGLRU",
    "S4D",
    "S5",
    "SLSTM",
    "Attention",
    "Cell",
    "DeltaNet",
    "Elman",
    "GatedDeltaNet",
    "GatedLinearAttention",
    "IndRNN",
    "LayerNormGRU",
    "LayerNormLSTM",
    "MinGRU",
    "MinLSTM",
    "OrthogonalRNN",
    "PeepholeLSTM",
    "SelectiveSSM",
    "StackLSTM",
    "StackRNN",
    "TapeRNN",
]
