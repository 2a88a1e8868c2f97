"""Log-mel frames: which band a sine is in, when, and with which energy."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.data.media.mel import LogMel, mel_bands

RATE, WINDOW, HOP, F = 8000, 25, 10, 24
frames = LogMel(RATE, WINDOW, HOP, F).frames


def sine(frequency, count=800):
    return np.sin(2 * np.pi * frequency * np.arange(count) / RATE).astype(np.float32)


@pytest.mark.parametrize("frequency", [300, 1000, 3000])
def test_a_sine_is_loudest_in_the_band_around_it_with_its_own_energy(frequency):
    found = frames(sine(frequency))
    num_points = 2 * (len(mel_bands(RATE, WINDOW, F)) - 1)
    weights = mel_bands(RATE, WINDOW, F)[round(frequency * num_points / RATE)]
    assert set(found.argmax(axis=1)) == {weights.argmax()}
    assert (np.abs(found.max(axis=1)) < np.log(2)).all()
    louder = frames(10 * sine(frequency))
    np.testing.assert_allclose(louder.max(axis=1) - found.max(axis=1), np.log(100), atol=1e-3)


@pytest.mark.parametrize(("count", "num_frames"), [(1, 1), (200, 1), (279, 1), (280, 2), (800, 8)])
def test_every_hop_within_whole_windows_is_a_frame(count, num_frames):
    found = frames(sine(440, count))
    assert (found.shape, found.dtype) == ((num_frames, F), np.float32)


def test_a_delay_of_a_hop_is_a_delay_of_a_frame():
    samples = np.random.default_rng(0).normal(size=800).astype(np.float32)
    later = frames(samples[RATE * HOP // 1000 :])
    np.testing.assert_allclose(later, frames(samples)[1:], rtol=1e-4)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_every_band_holds_a_frequency_up_to_the_most_that_do(rate):
    with pytest.raises(
        ValueError, match=rf"^num_mels must be from 1 to \d+ at {rate} Hz .*, got 999$"
    ) as refusal:
        mel_bands(rate, WINDOW, 999)
    most = int(str(refusal.value).split(" to ")[1].split()[0])
    assert mel_bands(rate, WINDOW, most).any(axis=0).all()
    assert not mel_bands(rate, WINDOW, most)[:2, 1:].any(axis=1).all()


@pytest.mark.parametrize(("window", "hop", "name"), [(0.01, 10, "window"), (25, 0, "hop")])
def test_times_below_a_sample_are_refused(window, hop, name):
    with pytest.raises(ValueError, match=rf"^{name} must be at least 0\.125 ms, a sample, got"):
        LogMel(RATE, window, hop, F)
