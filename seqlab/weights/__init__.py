"""How are weights converted from and to ONNX, PyTorch, Keras and Flax?

NumPy arrays in and out; one library in a file.
"""

from seqlab.weights.flax import from_flax, to_flax
from seqlab.weights.keras import from_keras, to_keras
from seqlab.weights.onnx import from_onnx, onnx_attributes, to_onnx
from seqlab.weights.torch import from_torch, stack_from_torch, stack_to_torch, to_torch

__all__ = [
    "from_flax",
    "from_keras",
    "from_onnx",
    "from_torch",
    "onnx_attributes",
    "stack_from_torch",
    "stack_to_torch",
    "to_flax",
    "to_keras",
    "to_onnx",
    "to_torch",
]
