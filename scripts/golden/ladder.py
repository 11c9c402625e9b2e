#!/usr/bin/env python3
"""Golden values of the ladder network: writes tests/golden/ladder.json.

    python3 scripts/golden/ladder.py             (needs PyTorch; made with 1.13)

Written from Algorithm 1 of Rasmus et al. 2015 (arXiv:1507.02672), apart from the C++ code, in double precision but for
the noise, which is drawn as the C++ code draws it. Weights are a fixed pattern.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "ladder.json"
WIDTHS = [64, 1000, 500, 250, 250, 250, 3]
LABELED, UNLABELED, EPS = 6, 8, 1e-5
TOP = len(WIDTHS) - 1


def pattern(*shape):
    i = torch.arange(1, math.prod(shape) + 1)
    return (2 * ((i * i) % 1009) / 1009.0 - 1).reshape(shape).double() / math.sqrt(shape[-1])


def moments(x):
    mean = x.sum(0) / len(x)
    return mean, torch.sqrt(((x - mean) ** 2).sum(0) / len(x) + EPS)


def batchnorm(x):
    mean, deviation = moments(x)
    return (x - mean) / deviation


def encode(x, weights, noise, deviation):
    """z of every layer, what clean layers were normalised by, and the logits. Pixels are x times `deviation`, plus a mean
    that batch norm takes away; the noise on them is as on every layer."""
    draw = lambda z: z + noise * torch.randn(z.shape).double() if noise else z
    h = draw(x * deviation) / deviation
    z, scales = [h], [(torch.zeros(1).double(), torch.ones(1).double())]
    for layer in range(1, TOP + 1):
        before = h @ weights["W"][layer].T
        scales.append(moments(before))
        z.append(draw(batchnorm(before)))
        h = z[-1] + weights["beta"][layer]
        h = weights["gamma"] * h if layer == TOP else torch.relu(h)
    return z, scales, h


def g(noisy, u, a):
    mu = a[0] * torch.sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]
    v = a[5] * torch.sigmoid(a[6] * u + a[7]) + a[8] * u + a[9]
    return (noisy - mu) * v + mu


def run(config, seed, deviation=1.0):
    weights = {
        "W": {n: pattern(WIDTHS[n], WIDTHS[n - 1]).requires_grad_() for n in range(1, TOP + 1)},
        "beta": {n: pattern(WIDTHS[n]).requires_grad_() for n in range(1, TOP + 1)},
        "gamma": pattern(WIDTHS[TOP]).requires_grad_(),
        "V": {n: pattern(WIDTHS[n - 1], WIDTHS[n]).requires_grad_() for n in range(1, TOP + 1)},
        "a": {n: pattern(10, WIDTHS[n]).requires_grad_() for n in range(TOP + 1)},
    }
    x = pattern(LABELED, WIDTHS[0]) * 8 + 0.3
    u = pattern(UNLABELED + 3, WIDTHS[0])[3:] * 8
    y = torch.arange(LABELED) % WIDTHS[TOP]
    noise = config.get("noise", 0.3)
    torch.manual_seed(seed)
    loss_s = F.cross_entropy(encode(x, weights, noise, deviation)[2], y)
    z_noisy, _, logits = encode(u, weights, noise, deviation)
    z, scales, _ = encode(u, weights, 0, deviation)
    loss_u, above = 0.0, F.softmax(logits, 1)
    for layer in range(TOP, -1, -1):
        z_hat = g(z_noisy[layer], batchnorm(above), weights["a"][layer])
        mean, spread = scales[layer]
        weight = [config.get("weight_input", 1000.0), config.get("weight_first", 10.0)][layer] if layer < 2 else \
            config.get("weight_rest", 0.1)
        error = (z_hat - mean) / spread - z[layer]
        if layer == 0:
            error = error * deviation  # of pixels
        loss_u = loss_u + weight * (error ** 2).sum() / z[layer].numel()
        if layer:
            above = z_hat @ weights["V"][layer].T
    (loss_s + loss_u).backward()
    return {"config": config, "seed": seed, "deviation": deviation, "loss_s": loss_s.item(), "loss_u": loss_u.item(),
            "gradient_norms": {"net.layer1.weight": weights["W"][1].grad.norm().item(),
                               "net.head.weight": weights["W"][TOP].grad.norm().item(),
                               "net.head_gamma": weights["gamma"].grad.norm().item(),
                               "net.layer3_beta": weights["beta"][3].grad.norm().item(),
                               "decoder.0.v.weight": weights["V"][1].grad.norm().item(),
                               "decoder.5.v.weight": weights["V"][TOP].grad.norm().item(),
                               "decoder.2.a": weights["a"][2].grad.norm().item()}}


def main():
    document = {"about": f"Made by scripts/golden/ladder.py with PyTorch {torch.__version__}; do not edit.",
                "method": "ladder", "classes": WIDTHS[TOP], "labeled": LABELED, "unlabeled": UNLABELED,
                "cases": [run({}, 5), run({"noise": 0.1, "weight_input": 1.0, "weight_first": 2.0, "weight_rest": 3.0}, 6),
                          run({}, 7, deviation=0.2)]}
    OUT.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
