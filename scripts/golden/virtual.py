#!/usr/bin/env python3
"""Golden values of vae_m2, flow_matching and virtual_data: writes tests/golden/<method>.json.

    python3 scripts/golden/virtual.py            (needs PyTorch; made with 1.13)

Written from the papers' formulas, apart from the C++ code. Every weight and every pixel is a sine of its position, so
that the files hold results alone; noise comes from torch's generator after manual_seed, drawn in the order of the paper's
symbols. Images are 8 x 8 and grey, normalised with mean 0.25 and deviation 0.2; the classifier's logits are the sums of
the image's rows 0 to 2, times one weight that is 1.
"""
import json
import math
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
CLASSES, LABELED, POOL_LABELED, POOL, MEAN, DEVIATION = 3, 4, 6, 18, 0.25, 0.2
SHARE = [0.5, 0.3, 0.2]


def wave(shape, phase, size=0.5):
    count = math.prod(shape)
    return (size * torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + phase)).float().view(shape)


def set_weights(module, size):
    """Then seeds the noise: building the module has drawn from the same generator."""
    with torch.no_grad():
        for i, p in enumerate(module.parameters()):
            p.copy_(wave(p.shape, float(i), size))
    torch.manual_seed(11)
    return module


def images(count, phase):
    """Pixels in [0, 1]."""
    return 0.5 + wave((count, 1, 8, 8), phase)


def classifier(pixels, weight=1.0):
    x = (pixels - MEAN) / DEVIATION
    return weight * torch.stack([sum(x[:, 0, r, c] for c in range(8)) for r in range(CLASSES)], 1)


def along(loss, parameters):
    """One number a parameter: its gradient along a wave of its own shape."""
    return [(g * wave(g.shape, 0.3, 1.0)).sum().item() for g in torch.autograd.grad(loss, parameters, retain_graph=True)]


def batch(ratio):
    y = torch.arange(LABELED) % CLASSES
    return images(LABELED, 0.0), y, images(LABELED * ratio, 1.0)


# --- vae_m2 -----------------------------------------------------------------------------------------------------------

class Perceptron(nn.Module):
    def __init__(self, i, h, o):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(i, h), nn.Linear(h, h), nn.Linear(h, o)

    def forward(self, x):
        return self.c(F.softplus(self.b(F.softplus(self.a(x)))))


def normal_log_pdf(z, mean, log_variance):
    total = 0
    for d in range(z.shape[1]):
        variance = torch.exp(log_variance[:, d])
        total = total - 0.5 * torch.log(2 * math.pi * variance) - (z[:, d] - mean[:, d]) ** 2 / (2 * variance)
    return total


def bernoulli_log_pmf(x, logits):
    p = torch.sigmoid(logits.double())
    return (x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum(1).float()


def draw(mean, log_variance):
    return mean + torch.exp(log_variance / 2) * torch.randn_like(mean)


def vae_m2(config):
    z, h, stacked, alpha = config["latent"], config["hidden"], config.get("stacked", False), config.get("alpha", 0.1)
    v_size = z if stacked else 64
    nets = nn.ModuleList([Perceptron(v_size + CLASSES, h, 2 * z), Perceptron(z + CLASSES, h, 2 * z if stacked else 64)])
    if stacked:
        nets.extend([Perceptron(64, h, 2 * z), Perceptron(z, h, 64)])
    set_weights(nets, 0.1)
    encoder, decoder = nets[0], nets[1]

    def observe(x):
        if not stacked:
            return x, 0
        mean, log_variance = nets[2](x).chunk(2, 1)
        z1 = draw(mean, log_variance)
        return z1, normal_log_pdf(z1, mean, log_variance) - bernoulli_log_pmf(x, nets[3](z1))

    def bound(v, y):
        one_hot = F.one_hot(y, CLASSES).float()
        mean, log_variance = encoder(torch.cat([v, one_hot], 1)).chunk(2, 1)
        out = decoder(torch.cat([draw(mean, log_variance), one_hot], 1))
        log_p = normal_log_pdf(v, *out.chunk(2, 1)) if stacked else bernoulli_log_pmf(v, out)
        kl = -0.5 * (1 + log_variance - mean ** 2 - log_variance.exp()).sum(1)
        return -log_p + kl - torch.log(torch.tensor(SHARE))[y]

    x, y, u = batch(2)
    one = torch.ones((), requires_grad=True)
    flat, flat_u = x.flatten(1), u.flatten(1)
    v, extra = observe(flat)
    labeled = bound(v, y) + extra
    v, extra = observe(flat_u)
    # Rows in the order example 0 class 0, example 0 class 1, …, so that the noise is drawn in one block.
    every = torch.tensor([c for _ in range(len(u)) for c in range(CLASSES)])
    each = bound(torch.stack([v[i] for i in range(len(u)) for _ in range(CLASSES)]), every).view(len(u), CLASSES)
    q = F.softmax(classifier(u, one), 1)
    entropy = -(q * torch.log(q)).sum(1)
    unlabeled = (q * each).sum(1) - entropy + extra
    loss_s = F.cross_entropy(classifier(x, one), y)
    # J^α of the whole pool from what the batch says of its mean, over the number of examples; the paper's α is 0.1 N.
    everything = POOL_LABELED + POOL
    total = POOL_LABELED * labeled.mean() + POOL * unlabeled.mean() + alpha * everything * loss_s
    loss = total / everything
    return {"loss": [loss.item()], "gradient": along(loss, list(nets.parameters())), "gradient_classifier": along(loss, [one]),
            "bound/labeled": labeled.mean().item(), "bound/unlabeled": unlabeled.mean().item()}


# --- flow matching ----------------------------------------------------------------------------------------------------

class Block(nn.Module):
    def __init__(self, i, o, e):
        super().__init__()
        self.n1, self.c1 = nn.GroupNorm(8, i), nn.Conv2d(i, o, 3, padding=1)
        self.e = nn.Linear(e, 2 * o)
        self.n2, self.c2 = nn.GroupNorm(8, o), nn.Conv2d(o, o, 3, padding=1)
        if i != o:
            self.skip = nn.Conv2d(i, o, 1)

    def forward(self, x, e):
        scale, shift = self.e(e)[:, :, None, None].chunk(2, 1)
        h = self.n2(self.c1(F.silu(self.n1(x)))) * (1 + scale) + shift
        return self.c2(F.silu(h)) + (self.skip(x) if hasattr(self, "skip") else x)


class UNet(nn.Module):
    def __init__(self, w):
        super().__init__()
        e, self.w = 4 * w, w
        self.time, self.cls, self.mix = nn.Linear(w, e), nn.Linear(CLASSES + 1, e), nn.Linear(e, e)
        self.stem, self.into = nn.Conv2d(1, w, 4, 2, 1), Block(w, w, e)
        self.down, self.m1, self.m2 = nn.Conv2d(w, 2 * w, 3, 2, 1), Block(2 * w, 2 * w, e), Block(2 * w, 2 * w, e)
        self.up, self.out = nn.Conv2d(2 * w, w, 1), Block(2 * w, w, e)
        self.fine, self.last = nn.Conv2d(w, 2 * w, 3, padding=1), nn.Conv2d(w // 2 + 1, 1, 3, padding=1)

    def forward(self, x, t, y):
        half = self.w // 2
        angle = 1000 * t[:, None] * torch.tensor([10000 ** (-k / half) for k in range(half)])
        e = self.time(torch.cat([angle.cos(), angle.sin()], 1)) + self.cls(F.one_hot(y, CLASSES + 1).float())
        e = F.silu(self.mix(F.silu(e)))
        a = self.into(self.stem(x), e)
        b = self.m2(self.m1(self.down(a), e), e)
        h = self.out(torch.cat([F.interpolate(self.up(b), scale_factor=2), a], 1), e)
        return self.last(torch.cat([F.silu(F.pixel_shuffle(self.fine(h), 2)), x], 1))


def flow_loss(net, pixels, condition, drop):
    x1 = 2 * pixels - 1
    x0 = torch.randn_like(x1)
    dropped = torch.rand(len(x1)) < drop
    t = torch.sigmoid(torch.randn(len(x1)))
    y = torch.tensor([CLASSES if c < 0 or d else c for c, d in zip(condition.tolist(), dropped.tolist())])
    xt = torch.stack([(1 - s) * a + s * b for s, a, b in zip(t, x0, x1)])
    return ((net(xt, t, y) - (x1 - x0)) ** 2).mean()


def conditions(u, tau):
    best, label = F.softmax(classifier(u), 1).max(1)
    return torch.tensor([c if b >= tau else -1 for b, c in zip(best.tolist(), label.tolist())])


def flow_matching(config):
    net = set_weights(UNet(config["width"]), 0.1)
    x, y, u = batch(config["ratio"])
    seen = conditions(u, config["tau"]) if config.get("pseudo_labels") else torch.full((len(u),), -1)
    condition = torch.cat([y, seen])
    loss = flow_loss(net, torch.cat([x, u]), condition, config.get("drop", 0.15))
    return {"loss": [loss.item()], "gradient": along(loss, list(net.parameters())),
            "flow/conditioned": (condition >= 0).float().mean().item()}


def virtual_data(config):
    """The first update, before there are virtual examples: the labelled ones stand in for them, in turn."""
    net = set_weights(UNet(config["width"]), 0.1)
    x, y, u = batch(1)
    extra = [i % LABELED for i in range(config["virtual_batch"])]
    one = torch.ones((), requires_grad=True)
    loss_s = F.cross_entropy(classifier(torch.cat([x, x[extra]]), one), torch.cat([y, y[extra]]))
    few = max(1, config["generator_batch"] // 8)
    u = u[:config["generator_batch"] - few]
    condition = torch.cat([y[:few], conditions(u, config["tau"])])
    loss = flow_loss(net, torch.cat([x[:few], u]), condition, config.get("drop", 0.15))
    return {"loss": [loss_s.item(), loss.item()], "gradient": along(loss, list(net.parameters())),
            "gradient_classifier": along(loss_s, [one]), "flow/conditioned": (condition >= 0).float().mean().item()}


CASES = {
    vae_m2: [{"latent": 5, "hidden": 7, "ratio": 2}, {"latent": 4, "hidden": 6, "ratio": 2, "alpha": 2.0, "stacked": True}],
    flow_matching: [{"width": 8, "ratio": 2, "tau": 0.5},
                    {"width": 16, "ratio": 3, "pseudo_labels": True, "tau": 0.6, "drop": 0.5}],
    virtual_data: [{"corrector": "supervised", "width": 8, "generator_batch": 6, "virtual_batch": 6, "tau": 0.5},
                   {"corrector": "supervised", "width": 16, "generator_batch": 3, "virtual_batch": 1, "tau": 0.9,
                    "drop": 0.0}],
}


def main():
    for method, configs in CASES.items():
        document = {
            "about": f"Made by scripts/golden/virtual.py with PyTorch {torch.__version__}; do not edit.",
            "method": method.__name__, "classes": CLASSES, "labeled": POOL_LABELED, "unlabeled": POOL,
            "class_share": SHARE, "cases": [{"config": config, "expected": method(config)} for config in configs],
        }
        (OUT / f"{method.__name__}.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
