"""Log-mel frames of a sound: the energy in each band of its spectrum, frame after frame."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from seqlab.checks import require_number, require_positive

MIN_ENERGY = 1e-10
"""The energy that silence counts as: that of a sine 100 dB below the loudest."""


@dataclasses.dataclass(frozen=True)
class LogMel:
    """Log-mel frames, with bands of equal width on the mel scale.

        x_tk = |2/Σw Σ_n w_n s_{tJ+n} e^{−2πikn/K}|²,   E_tm = ln max(Σ_k M_km x_tk, 1e-10)

    w is Hann's window of W samples, J the samples of a hop, K the least power of 2 that is at least W, and M
    the weights of `mel_bands`. A sine of amplitude 1 has an energy of about 1 in its band. A remainder of
    less than a hop after the last whole window is left out; a sound shorter than a window is padded with
    zeros.

    Attributes:
        rate: the sampling rate, in Hz.
        window: W, in milliseconds.
        hop: J, in milliseconds.
        num_mels: the number of bands, F.

    Raises:
        ValueError: a window or a hop below one sample, or a band too narrow to hold a frequency.

    Source: S. Davis & P. Mermelstein, "Comparison of parametric representations for monosyllabic word
        recognition", IEEE Trans. ASSP 28(4), 1980; without their cosine transform.
    """

    rate: int
    window: float
    hop: float
    num_mels: int

    def __post_init__(self) -> None:
        require_positive(self, "rate", "num_mels")
        require_number(self, "window", 0.0)
        require_number(self, "hop", 0.0)
        _num_samples("window", self.window, self.rate)
        _num_samples("hop", self.hop, self.rate)
        mel_bands(self.rate, self.window, self.num_mels)

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Return the frames of samples `(N,)`: float32 `(T, F)`, T = 1 + ⌊max(N − W, 0) / J⌋."""
        size = _num_samples("window", self.window, self.rate)
        step = _num_samples("hop", self.hop, self.rate)
        samples = np.pad(np.asarray(samples, np.float32), (0, max(0, size - len(samples))))
        weights = np.hanning(size + 2)[1:-1]
        windows = np.lib.stride_tricks.sliding_window_view(samples, size)[::step]
        windows = windows * (2 * weights / weights.sum())
        spectrum = np.square(np.abs(np.fft.rfft(windows, _num_points(size))))
        energies = spectrum @ mel_bands(self.rate, self.window, self.num_mels)
        return np.log(np.maximum(energies, MIN_ENERGY)).astype(np.float32)


def mel_bands(rate: int, window: float, num_mels: int) -> np.ndarray:
    """Return the weights of frequencies in F triangular bands whose centres are evenly spaced in mel.

        mel(f) = 2595 log10(1 + f/700),   c_m = mel⁻¹(m mel(rate/2) / (F + 1)),
        M_km = max(0, min((f_k − c_{m−1}) / (c_m − c_{m−1}), (c_{m+1} − f_k) / (c_{m+1} − c_m)))

    with f_k = k rate / K.

    Args:
        rate: the sampling rate, in Hz.
        window: in milliseconds.
        num_mels: F.

    Returns:
        float `(1 + K/2, F)`.

    Raises:
        ValueError: a band is too narrow to hold a frequency.

    Source: D. O'Shaughnessy, "Speech Communication: Human and Machine", 1987, for the scale.
    """
    num_points = _num_points(_num_samples("window", window, rate))
    frequencies = np.arange(1 + num_points // 2) * rate / num_points
    highest = _mel(rate / 2)
    # Bands widen upwards: if the lowest, below c_2, holds the first frequency above 0, each holds one.
    most = math.ceil(2 * highest / _mel(rate / num_points)) - 2
    if not 1 <= num_mels <= most:
        raise ValueError(
            f"num_mels must be from 1 to {most} at {rate} Hz and a window of {window:g} ms, got {num_mels}"
        )
    centres = 700 * (10 ** (np.linspace(0, highest, num_mels + 2) / 2595) - 1)
    below, centre, above = centres[:-2], centres[1:-1], centres[2:]
    at = frequencies[:, None]
    return np.maximum(0, np.minimum((at - below) / (centre - below), (above - at) / (above - centre)))


def _mel(frequency: float) -> float:
    return 2595 * math.log10(1 + frequency / 700)


def _num_samples(name: str, milliseconds: float, rate: int) -> int:
    """Return the number of samples in a time."""
    if (count := round(milliseconds * rate / 1000)) < 1:
        raise ValueError(f"{name} must be at least {1000 / rate:g} ms, a sample, got {milliseconds!r}")
    return count


def _num_points(size: int) -> int:
    return 1 << (size - 1).bit_length()
