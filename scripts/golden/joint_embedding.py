#!/usr/bin/env python3
"""Golden values of the joint-embedding methods: writes tests/golden/<method>.json.

    python3 scripts/golden/joint_embedding.py            (needs PyTorch; made with 1.13)

Written from the papers' formulas and reference descriptions, apart from the C++ code: each method is a whole network
(the net `mlp`, then the heads) whose weights and inputs come from a formula that the test repeats, so that the files hold
results alone. A case is a few updates in a row. Instead of an optimiser, each update multiplies the trained weights by
1.05, so that targets and teachers have something to follow.
"""
import json
import math
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
N, SIDE, STEPS = 6, 8, 3


def wave(count, phase):
    return torch.sin(0.7 * torch.arange(count, dtype=torch.double) + phase).float()


def view(step, number):
    """A view of N images: the images change with the step, the noise with the view."""
    base = wave(N * SIDE * SIDE, 0.3 + step)
    noise = wave(N * SIDE * SIDE, 11.0 + 7 * step + 3 * number) * wave(N * SIDE * SIDE, 2.5 * number)
    return (base + 0.5 * noise).view(N, 1, SIDE, SIDE)


def mlp_net():
    return nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())


def head(sizes, norm=True, norm_at_end=False, bias_at_end=True):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        last = i == len(sizes) - 2
        if last:
            layers.append(nn.Linear(a, b, bias=bias_at_end and not norm_at_end))
            if norm_at_end:
                layers.append(nn.BatchNorm1d(b, affine=False))
        else:
            layers.append(nn.Linear(a, b, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm1d(b))
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class Prototypes(nn.Module):
    def __init__(self, dim, count):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, dim))

    def forward(self, z):
        return torch.stack([torch.stack([F.cosine_similarity(row, w, dim=0) for w in self.weight]) for row in z])


def cosine(a, b):
    return torch.stack([F.cosine_similarity(x, y, dim=0) for x, y in zip(a, b)])


def ema(target, online, decay):
    with torch.no_grad():
        for t, o in zip(target.parameters(), online.parameters()):
            t.copy_(decay * t + (1 - decay) * o)


def rising(start, progress):
    return 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2


class SimCLR:
    def __init__(self, c):
        self.c, self.f, self.g = c, mlp_net(), head([256, c["hidden"], c["dim"]], norm_at_end=True)
        self.trained, self.frozen = [self.f, self.g], []

    def loss(self, views):
        z = self.g(self.f(torch.cat(views[:2])))
        total = 0.0
        for i in range(2 * N):
            j = (i + N) % (2 * N)
            sims = [F.cosine_similarity(z[i], z[k], dim=0) / self.c["temperature"] for k in range(2 * N)]
            others = torch.stack([s for k, s in enumerate(sims) if k != i])
            total = total - sims[j] + torch.logsumexp(others, 0)
        return total / (2 * N)

    def updated(self, progress):
        pass


class MoCo:
    def __init__(self, c):
        self.c = c
        self.f, self.g = mlp_net(), head([256, c["hidden"], c["dim"]])
        self.fk, self.gk = mlp_net(), head([256, c["hidden"], c["dim"]])
        self.trained, self.frozen = [self.f, self.g], [self.fk, self.gk]
        self.queue = list(F.normalize(wave(c["queue"] * c["dim"], 5.0).view(c["queue"], c["dim"]), dim=1))

    def loss(self, views):
        q = F.normalize(self.g(self.f(views[0])), dim=1)
        with torch.no_grad():
            k = F.normalize(self.gk(self.fk(views[1])), dim=1)
        total = 0.0
        for a, b in zip(q, k):
            logits = torch.stack([a @ b] + [a @ old for old in self.queue]) / self.c["temperature"]
            total = total - logits[0] + torch.logsumexp(logits, 0)
        self.queue = self.queue[N:] + list(k)  # first in, first out
        return total / N

    def updated(self, progress):
        ema(self.fk, self.f, self.c["momentum"])
        ema(self.gk, self.g, self.c["momentum"])


class BYOL:
    def __init__(self, c):
        self.c = c
        self.f, self.g = mlp_net(), head([256, c["hidden"], c["dim"]], bias_at_end=False)
        self.q = head([c["dim"], c["hidden"], c["dim"]])
        self.ft, self.gt = mlp_net(), head([256, c["hidden"], c["dim"]], bias_at_end=False)
        self.trained, self.frozen = [self.f, self.g, self.q], [self.ft, self.gt]

    def loss(self, views):
        p = [F.normalize(self.q(self.g(self.f(v))), dim=1) for v in views[:2]]
        with torch.no_grad():
            z = [F.normalize(self.gt(self.ft(v)), dim=1) for v in views[:2]]
        return ((p[0] - z[1]) ** 2).sum(1).mean() + ((p[1] - z[0]) ** 2).sum(1).mean()

    def updated(self, progress):
        tau = rising(self.c["tau"], progress)
        ema(self.ft, self.f, tau)
        ema(self.gt, self.g, tau)


class SimSiam:
    def __init__(self, c):
        self.f, self.g = mlp_net(), head([256, c["hidden"], c["dim"]], norm_at_end=True)
        self.h = head([c["dim"], c["bottleneck"], c["dim"]])
        self.trained, self.frozen = [self.f, self.g, self.h], []

    def loss(self, views):
        z = [self.g(self.f(v)) for v in views[:2]]
        p = [self.h(a) for a in z]
        return -cosine(p[0], z[1].detach()).mean() / 2 - cosine(p[1], z[0].detach()).mean() / 2

    def updated(self, progress):
        pass


class BarlowTwins:
    def __init__(self, c):
        self.c, self.f = c, mlp_net()
        self.g = head([256, c["hidden"], c["hidden"], c["dim"]], bias_at_end=False)
        self.trained, self.frozen = [self.f, self.g], []

    def loss(self, views):
        a, b = [F.batch_norm(self.g(self.f(v)), None, None, training=True) for v in views[:2]]
        total = 0.0
        for i in range(a.size(1)):
            for j in range(a.size(1)):
                c = (a[:, i] * b[:, j]).sum() / N
                total = total + ((1 - c) ** 2 if i == j else self.c["lambda"] * c ** 2)
        return total

    def updated(self, progress):
        pass


class VICReg:
    def __init__(self, c):
        self.c, self.f = c, mlp_net()
        self.h = head([256, c["hidden"], c["hidden"], c["dim"]], bias_at_end=False)
        self.trained, self.frozen = [self.f, self.h], []

    def loss(self, views):
        a, b = [self.h(self.f(v)) for v in views[:2]]
        invariance = F.mse_loss(a, b)
        variance = sum(F.relu(1 - torch.sqrt(z.var(dim=0) + 1e-4)).mean() / 2 for z in (a, b))
        covariance = 0.0
        for z in (a, b):
            c = torch.cov(z.t())
            for i in range(z.size(1)):
                for j in range(z.size(1)):
                    if i != j:
                        covariance = covariance + c[i, j] ** 2 / z.size(1)
        return self.c["lambda"] * invariance + self.c["mu"] * variance + self.c["nu"] * covariance

    def updated(self, progress):
        pass


class SwAV:
    def __init__(self, c):
        self.c = c
        self.f, self.g = mlp_net(), head([256, c["hidden"], c["dim"]])
        self.prototypes = Prototypes(c["dim"], c["prototypes"])
        self.trained, self.frozen = [self.f, self.g, self.prototypes], []

    def sinkhorn(self, scores):
        """Algorithm 1 of the paper, in double precision."""
        q = torch.exp(scores.detach().double() / self.c["epsilon"]).t()
        q = q / q.sum()
        k, b = q.shape
        for _ in range(self.c["iterations"]):
            q = q * (1 / k / q.sum(1)).unsqueeze(1)
            q = q * (1 / b / q.sum(0)).unsqueeze(0)
        return (q / q.sum(0, keepdim=True)).t().float()

    def loss(self, views):
        scores = self.prototypes(self.g(self.f(torch.cat(views)))).split(N)
        total, pairs = 0.0, 0
        for i in range(2):
            q = self.sinkhorn(scores[i])
            for j in range(len(views)):
                if i != j:
                    total = total - (q * F.log_softmax(scores[j] / self.c["temperature"], 1)).sum(1).mean()
                    pairs += 1
        return total / pairs

    def updated(self, progress):
        pass


class DINO:
    def __init__(self, c):
        self.c = c
        sizes = [256, c["hidden"], c["hidden"], c["dim"]]
        self.fs, self.gs, self.ws = mlp_net(), head(sizes), Prototypes(c["dim"], c["prototypes"])
        self.ft, self.gt, self.wt = mlp_net(), head(sizes), Prototypes(c["dim"], c["prototypes"])
        self.trained, self.frozen = [self.fs, self.gs, self.ws], [self.ft, self.gt, self.wt]
        self.center, self.mean, self.temperature = torch.zeros(c["prototypes"]), None, c["warm_temperature"]

    def loss(self, views):
        s = self.ws(self.gs(self.fs(torch.cat(views)))).split(N)
        with torch.no_grad():
            t = self.wt(self.gt(self.ft(torch.cat(views[:2]))))
        self.mean = t.mean(0)
        targets = F.softmax((t - self.center) / self.temperature, 1).split(N)
        total, pairs = 0.0, 0
        for i, target in enumerate(targets):
            for j in range(len(views)):
                if i != j:
                    total = total - (target * F.log_softmax(s[j] / self.c["student_temperature"], 1)).sum(1).mean()
                    pairs += 1
        return total / pairs

    def updated(self, progress):
        tau = rising(self.c["tau"], progress)
        for target, online in ((self.ft, self.fs), (self.gt, self.gs), (self.wt, self.ws)):
            ema(target, online, tau)
        m, low, high = self.c["center_decay"], self.c["warm_temperature"], self.c["teacher_temperature"]
        self.center = m * self.center + (1 - m) * self.mean
        self.temperature = low + min(progress / self.c["warmup"], 1) * (high - low)


SMALL = {"hidden": 8, "dim": 6}
LOCAL = {"local_views": 2}
CASES = {
    "simclr": (SimCLR, [{**SMALL, "temperature": 0.5}, {**SMALL, "temperature": 0.1}]),
    "moco": (MoCo, [{**SMALL, "temperature": 0.2, "momentum": 0.9, "queue": 16}]),
    "byol": (BYOL, [{**SMALL, "tau": 0.9}]),
    "simsiam": (SimSiam, [{**SMALL, "bottleneck": 4}]),
    "barlow_twins": (BarlowTwins, [{**SMALL, "lambda": 0.01}, {**SMALL, "lambda": 0.5}]),
    "vicreg": (VICReg, [{**SMALL, "lambda": 25.0, "mu": 25.0, "nu": 1.0}, {**SMALL, "lambda": 1.0, "mu": 2.0, "nu": 3.0}]),
    "swav": (SwAV, [{**SMALL, "temperature": 0.1, "epsilon": 0.05, "iterations": 3, "prototypes": 5},
                    {**SMALL, **LOCAL, "temperature": 0.2, "epsilon": 0.1, "iterations": 2, "prototypes": 5}]),
    "dino": (DINO, [{**SMALL, **LOCAL, "student_temperature": 0.1, "teacher_temperature": 0.07,
                     "warm_temperature": 0.04, "warmup": 0.5, "tau": 0.9, "center_decay": 0.8, "prototypes": 5}]),
}


def run(kind, config):
    method = kind(config)
    position = 0
    with torch.no_grad():
        for module in method.trained + method.frozen:
            for name, parameter in module.named_parameters():
                values = wave(parameter.numel(), position).view_as(parameter)
                if parameter.dim() == 2:
                    values = values * (2 / parameter.size(1)) ** 0.5
                else:
                    values = 0.1 * values + (1 if name.endswith("weight") else 0)
                parameter.copy_(values)
                position += 1
    trained = [p for module in method.trained for p in module.parameters()]
    steps = []
    for number in range(STEPS):
        views = [view(number, v) for v in range(2 + config.get("local_views", 0))]
        loss = method.loss(views)
        gradients = torch.autograd.grad(loss, trained)
        steps.append({"loss": loss.item(), "gradients": [g.abs().sum().item() for g in gradients]})
        with torch.no_grad():
            for parameter in trained:
                parameter.mul_(1.05)
        method.updated((number + 1) / STEPS)
    return {"config": config, "steps": steps}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (kind, configs) in CASES.items():
        torch.manual_seed(0)
        document = {
            "about": f"Made by scripts/golden/joint_embedding.py with PyTorch {torch.__version__}; do not edit.",
            "method": name, "cases": [run(kind, config) for config in configs],
        }
        (OUT / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
