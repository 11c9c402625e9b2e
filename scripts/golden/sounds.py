#!/usr/bin/env python3
"""Golden log-mel spectrograms: writes tests/golden/sounds.json.

    python3 scripts/golden/sounds.py            (needs torchaudio; made with 2.11)

Each case is a signal that the test makes by the same formula, and what torchaudio's MelSpectrogram makes of it: HTK
mels, no norm, power 2, periodic Hann window, centred with reflection; then log(x + 1e-6), without the last frame, which
torchaudio centres on the first sample behind the end.
"""
import json
import pathlib

import torch
import torchaudio

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "sounds.json"
CASES = [  # rate, mels, window in ms, hop in ms, frames
    (8000, 64, 25, 10, 20),
    (16000, 40, 25, 10, 37),
    (16000, 80, 32, 8, 5),
    (44100, 64, 20, 10, 9),
]


def signal(count):
    """Noise of a linear congruential generator under a slow swing, and a beep."""
    state, values = 1, []
    for n in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        noise = state / 2**30 - 1
        values.append(0.2 * noise * ((n % 1000) / 1000) + (0.5 if (n // 20) % 2 else -0.5) * (n > count // 2))
    return torch.tensor(values, dtype=torch.float32)


def fft_size(rate, mels, window):
    """A power of two that holds the window, and so long that no band is empty."""
    size = 2
    while size < window:
        size *= 2
    while (torchaudio.functional.melscale_fbanks(size // 2 + 1, 0, rate / 2, mels, rate) == 0).all(0).any():
        size *= 2
    return size


def main():
    cases = []
    for rate, mels, window_ms, hop_ms, frames in CASES:
        window, hop = round(window_ms * rate / 1000), round(hop_ms * rate / 1000)
        size = fft_size(rate, mels, window)
        transform = torchaudio.transforms.MelSpectrogram(rate, n_fft=size, win_length=window, hop_length=hop, n_mels=mels)
        power = transform(signal(frames * hop))
        values = torch.log(power + 1e-6)[:, :frames]
        cases.append({"rate": rate, "mels": mels, "window_ms": window_ms, "hop_ms": hop_ms, "frames": frames,
                      "fft_size": size, "values": [round(v, 4) for v in values.flatten().tolist()]})
    OUT.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
