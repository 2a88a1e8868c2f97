"""Which steps read, and which write? One architecture in a file."""

from seqlab.architectures.encoder_decoder import EncoderDecoder
from seqlab.architectures.many_to_many import ManyToMany
from seqlab.architectures.many_to_one import ManyToOne
from seqlab.architectures.network import Network
from seqlab.architectures.one_to_many import OneToMany
from seqlab.architectures.one_to_one import OneToOne
from seqlab.architectures.recurrent import Recurrent

__all__ = ["EncoderDecoder", "ManyToMany", "ManyToOne", "Network", "OneToMany", "OneToOne", "Recurrent"]
