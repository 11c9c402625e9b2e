#!/usr/bin/env python3
"""Golden values of SetFit's loss on pairs: writes tests/golden/setfit.json.

    python3 scripts/golden/setfit.py            (needs PyTorch; made with 2.15)

Written from the paper (arXiv:2209.11055, section 3.1) and the loss that its authors' package takes: for each pair the
square of (cosine - 1 where both are of a class, else 0). As many pairs of the one kind as of the other are drawn there;
here all pairs are taken, and the two kinds weighed alike.
"""
import itertools
import json
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "setfit.json"


def case(seed, count, columns, classes):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, columns, generator=generator, dtype=torch.float64).requires_grad_(True)
    y = torch.randint(0, classes, (count,), generator=generator)
    kinds = {True: [], False: []}
    for i, j in itertools.combinations(range(count), 2):
        same = bool(y[i] == y[j])
        kinds[same].append((torch.cosine_similarity(x[i], x[j], dim=0) - float(same)) ** 2)
    loss = sum(torch.stack(kind).mean() for kind in kinds.values() if kind) / 2
    (gradient,) = torch.autograd.grad(loss, x)
    return {"x": x.tolist(), "y": y.tolist(), "loss": loss.item(), "gradient": gradient.tolist()}


if __name__ == "__main__":
    cases = [case(1, 6, 4, 3), case(2, 9, 5, 2), case(3, 5, 3, 40), case(4, 4, 3, 1)]
    OUT.write_text(json.dumps({"about": "Made by scripts/golden/setfit.py; do not edit.", "cases": cases}) + "\n")
