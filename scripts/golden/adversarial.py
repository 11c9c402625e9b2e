#!/usr/bin/env python3
"""Golden values of the adversarial methods' losses: writes tests/golden/<method>.json.

    python3 scripts/golden/adversarial.py            (needs PyTorch; made with 1.13)

Written from the papers' formulas, example by example, apart from the C++ code. Each file holds the losses that its method
is made of, with their inputs and the gradients of what is learnt.
"""
import json
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"


def values(tensor):
    return [values(t) for t in tensor] if tensor.dim() else tensor.item()


def case(name, inputs, loss, config=None):
    """Inputs that require a gradient get theirs."""
    learnt = {k: v for k, v in inputs.items() if v.requires_grad}
    gradients = torch.autograd.grad(loss, list(learnt.values()), retain_graph=True, allow_unused=True)
    return {"loss": name, "config": config or {}, "inputs": {k: values(v.detach()) for k, v in inputs.items()},
            "expected": loss.item(),
            "gradients": {k: values(g) for k, g in zip(learnt, gradients) if g is not None}}


def normal(generator, *shape, spread=1.0, learnt=True):
    return (spread * torch.randn(*shape, generator=generator, dtype=torch.float64)).requires_grad_(learnt)


def discriminator(generator, kind):
    real, fake = normal(generator, 5, spread=2.0), normal(generator, 4, spread=2.0)
    total = torch.zeros((), dtype=torch.float64)
    for logit in real:
        total = total + (-torch.log(1 / (1 + torch.exp(-logit))) if kind == "logistic" else (1 - logit).clamp(min=0)) / 5
    for logit in fake:
        total = total + (-torch.log(1 - 1 / (1 + torch.exp(-logit))) if kind == "logistic" else (1 + logit).clamp(min=0)) / 4
    return case("discriminator", {"real": real, "fake": fake}, total, {"loss": kind})


def fool(generator, kind):
    fake = normal(generator, 6, spread=2.0)
    terms = [-torch.log(1 / (1 + torch.exp(-logit))) if kind == "logistic" else -logit for logit in fake]
    return case("generator", {"fake": fake}, sum(terms) / 6, {"loss": kind})


def penalty(generator):
    """D(x) = sum tanh(w x), whose gradient is w (1 - tanh²)."""
    x, w = normal(generator, 3, 4, learnt=False), normal(generator, 4)
    total = 0
    for row in x:
        total = total + sum((w[i] * (1 - torch.tanh(w[i] * row[i]) ** 2)) ** 2 for i in range(4)) / 3
    return case("gradient_penalty", {"x": x, "w": w}, total)


def implicit_class(generator):
    """−½ E log(1 − p(K+1 | x)) − ½ E log p(K+1 | G(z)), from the softmax over K + 1 logits of which the last is 0."""
    real, fake = normal(generator, 5, 3, spread=2.0), normal(generator, 4, 3, spread=2.0)
    total = 0
    for rows, is_real in ((real, True), (fake, False)):
        for row in rows:
            p = torch.softmax(torch.cat([row, torch.zeros(1, dtype=torch.float64)]), 0)
            total = total - torch.log(p[:3].sum() if is_real else p[3]) / (2 * len(rows))
    return case("implicit_class", {"real": real, "fake": fake}, total)


def matching(generator):
    real, fake = normal(generator, 5, 3, learnt=False), normal(generator, 4, 3)
    total = 0
    for f in range(3):
        total = total + (sum(real[:, f]) / 5 - sum(fake[:, f]) / 4) ** 2 / 3
    return case("feature_matching", {"real": real, "fake": fake}, total)


def pull_away(generator):
    f = normal(generator, 5, 3)
    total = 0
    for i in range(5):
        for j in range(5):
            if i != j:
                total = total + (f[i].dot(f[j]) / (f[i].norm() * f[j].norm())) ** 2 / 20
    return case("pull_away", {"features": f}, total)


def entropy(generator):
    logits = normal(generator, 4, 3, spread=2.0)
    total = 0
    for row in logits:
        p = torch.softmax(row, 0)
        total = total - sum(q * torch.log(q) for q in p) / 4
    return case("entropy", {"logits": logits}, total)


METHODS = {
    "gan": lambda g: [discriminator(g, "logistic"), discriminator(g, "hinge"), fool(g, "logistic"), fool(g, "hinge"), penalty(g)],
    "bigan": lambda g: [discriminator(g, "logistic"), discriminator(g, "hinge"), fool(g, "logistic"), fool(g, "hinge")],
    "adversarial_autoencoder": lambda g: [discriminator(g, "logistic"), fool(g, "logistic")],
    "improved_gan": lambda g: [implicit_class(g), matching(g)],
    "bad_gan": lambda g: [implicit_class(g), pull_away(g), entropy(g)],
    "triple_gan": lambda g: [discriminator(g, "logistic"), fool(g, "logistic"), entropy(g)],
}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for number, (method, cases) in enumerate(METHODS.items()):
        generator = torch.Generator().manual_seed(300 + number)
        document = {"about": f"Made by scripts/golden/adversarial.py with PyTorch {torch.__version__}; do not edit.",
                    "method": method, "cases": cases(generator)}
        (OUT / f"{method}.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
