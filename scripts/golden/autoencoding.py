#!/usr/bin/env python3
"""Golden values of the autoencoding methods: writes tests/golden/<method>.json.

    python3 scripts/golden/autoencoding.py            (needs PyTorch; made with 1.13)

Written from the papers' formulas, apart from the C++ code. Every parameter is a sine wave whose phase is its position in
the method's list, so that both sides know it; images are sine waves too. Noise comes from torch's generator, seeded with
the number of the step, in the order that the methods draw it.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
N, SIDE, MEAN, DEVIATION = 6, 8, 0.25, 0.2


def wave(shape, phase, scale):
    count = math.prod(shape)
    return (scale * torch.sin(phase + 0.7 * torch.arange(count, dtype=torch.float64))).float().view(shape)


class Weights:
    """The method's parameters, asked for in the order of its list."""

    def __init__(self):
        self.all = []

    def __call__(self, *shape):
        self.all.append(wave(shape, 1.0 + len(self.all), 0.3).requires_grad_())
        return self.all[-1]


def linear(weights, inside, outside):
    w, b = weights(outside, inside), weights(outside)
    return lambda x: x @ w.T + b


def dense(weights, sizes):
    layers = [linear(weights, a, b) for a, b in zip(sizes, sizes[1:])]

    def forward(x):
        for i, layer in enumerate(layers):
            x = layer(x.clamp(min=0) if i else x)
        return x

    return forward


def compare(kind, x, logits):
    if kind == "gaussian":
        error = ((x.flatten(1) - torch.sigmoid(logits.flatten(1))) ** 2).mean()
        return SIDE * SIDE / 2 * torch.log(error + 1e-6)
    total = 0.0
    for one, other in zip(x.flatten(1), logits.flatten(1)):
        p = 1 / (1 + torch.exp(-other))
        if kind == "squared_error":
            total = total + ((one - p) ** 2).sum()
        else:
            total = total - (one * torch.log(p) + (1 - one) * torch.log(1 - p)).sum()
    return total / len(x)


def autoencoder(config, weights, state):
    e = dense(weights, [SIDE * SIDE, 6, 3, config["code"]])
    g = dense(weights, [config["code"], 3, 6, SIDE * SIDE])
    return lambda input, x: compare(config.get("loss", "squared_error"), x, g(torch.sigmoid(e(input.flatten(1)))))


def denoising(config, weights, state):
    e = dense(weights, [SIDE * SIDE, 6, 3, config["code"]])
    g = dense(weights, [config["code"], 3, 6, SIDE * SIDE])

    def step(input, x):
        if config.get("noise", "masking") == "masking":
            damaged = torch.where(torch.rand(N, 1, SIDE, SIDE) >= config.get("nu", 0.25), x, torch.zeros_like(x))
        else:
            damaged = x + config.get("sigma", 0.3) * torch.randn(N, 1, SIDE, SIDE)
        code = torch.sigmoid(e(((damaged - MEAN) / DEVIATION).flatten(1)))
        return compare(config.get("loss", "squared_error"), x, g(code))

    return step


def vae(config, weights, state):
    d = config["code"]
    e = dense(weights, [SIDE * SIDE, 6, 3, 2 * d])
    g = dense(weights, [d, 3, 6, SIDE * SIDE])

    def step(input, x):
        out = e(input.flatten(1))
        q = torch.distributions.Normal(out[:, :d], torch.exp(out[:, d:] / 2))
        z = q.mean + q.stddev * torch.randn(N, d)
        prior = torch.distributions.Normal(torch.zeros(d), torch.ones(d))
        divergence = torch.distributions.kl_divergence(q, prior).sum(1).mean()
        return compare(config.get("loss", "gaussian"), x, g(z)) + config.get("beta", 1.0) * divergence

    return step


def convolution(weights, inside, outside, kernel, stride=1):
    w, b = weights(outside, inside, kernel, kernel), weights(outside)
    return lambda x: F.conv2d(x, w, b, stride, kernel // 2)


def residual(weights, channels):
    one, two = convolution(weights, channels, channels, 3), convolution(weights, channels, channels, 1)
    return lambda x: F.relu(x + two(F.relu(one(x))))


def vq_vae(config, weights, state):
    width, d, k = config["width"], config["code"], config["entries"]
    down1, down2 = convolution(weights, 1, width, 3, 2), convolution(weights, width, 2 * width, 3, 2)
    block, out = residual(weights, 2 * width), convolution(weights, 2 * width, d, 1)
    into, out_block = convolution(weights, d, 2 * width, 3), residual(weights, 2 * width)
    up1, up2 = convolution(weights, 2 * width, width, 3), convolution(weights, width, width, 3)
    out_image = convolution(weights, width, 1, 3)
    state["e"] = wave((k, d), 0.5, 1.0)
    n, m = torch.zeros(k), torch.zeros(k, d)
    gamma, beta, restart = config.get("gamma", 0.99), config.get("beta", 0.25), config.get("restart", 0.01)

    def step(input, x):
        z = out(block(F.relu(down2(F.relu(down1(input))))))
        rows = z.permute(0, 2, 3, 1).reshape(-1, d)
        entries = state["e"]
        which = torch.tensor([min(range(k), key=lambda j: ((row - entries[j]) ** 2).sum().item()) for row in rows])
        chosen = entries[which].view(N, 2, 2, d).permute(0, 3, 1, 2)
        y = out_block(F.relu(into(z + (chosen - z).detach())))
        for up in (up1, up2):
            y = F.relu(up(y.repeat_interleave(2, 2).repeat_interleave(2, 3)))
        loss = compare("squared_error", x, out_image(y)) + beta * ((z - chosen) ** 2).sum() / N

        seen = rows.detach()[torch.randint(len(rows), (k,))]
        for j in range(k):
            mine = rows.detach()[which == j]
            n[j] = gamma * n[j] + (1 - gamma) * len(mine)
            m[j] = gamma * m[j] + (1 - gamma) * mine.sum(0)
        mean = n.mean().item()
        fresh = entries.clone()
        for j in range(k):
            if n[j] <= restart * mean:
                n[j], m[j] = mean, seen[j] * mean
            fresh[j] = m[j] / n[j]
        state["e"] = fresh
        return loss

    return step


def table(side, width):
    rows = []
    for r in range(side):
        for c in range(side):
            values = []
            for position in (c, r):
                angles = [position / 10000 ** (2 * i / (width // 2)) for i in range(width // 4)]
                values += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
            rows.append(values)
    return torch.tensor(rows)


def layer_norm(weights, width):
    w, b = weights(width), weights(width)
    return lambda x: (x - x.mean(-1, True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt() * w + b


def block(weights, width, heads):
    # The list of a block: norm1, attention (qkv, out), norm2, wide, narrow.
    norm1, qkv, mixed = layer_norm(weights, width), linear(weights, width, 3 * width), linear(weights, width, width)
    norm2, wide, narrow = layer_norm(weights, width), linear(weights, width, 4 * width), linear(weights, 4 * width, width)

    def forward(x):
        q, k, v = qkv(norm1(x)).split(width, 2)
        each, parts = width // heads, []
        for h in range(heads):
            s = slice(h * each, (h + 1) * each)
            parts.append(F.softmax(q[..., s] @ k[..., s].transpose(1, 2) / math.sqrt(each), 2) @ v[..., s])
        x = x + mixed(torch.cat(parts, 2))
        return x + narrow(F.gelu(wide(norm2(x))))

    return forward


def transformer(weights, width, depth, heads):
    blocks = [block(weights, width, heads) for _ in range(depth)]
    norm = layer_norm(weights, width)

    def forward(x):
        for each in blocks:
            x = each(x)
        return norm(x)

    return forward


def mae(config, weights, state):
    """The net is vit, micro: 4 blocks of width 128, patches of 2, so that an image of 8 x 8 has 16."""
    width, small, side, p = 128, config["decoder_width"], 4, 2
    embed, encoder = linear(weights, p * p, width), transformer(weights, width, 4, 4)
    mask_token = weights(1, 1, small)
    into = linear(weights, width, small)
    decoder = transformer(weights, small, config.get("decoder_depth", 1), config["decoder_heads"])
    out = linear(weights, small, p * p)
    kept = int(side * side * (1 - config["mask_ratio"]))

    def step(input, x):
        loss = 0.0
        order = torch.rand(N, side * side).argsort(1)
        for image, o in zip(input, order):
            patches = torch.stack([image[0, p * r:p * r + p, p * c:p * c + p].flatten()
                                   for r in range(side) for c in range(side)])
            visible, hidden = o[:kept].tolist(), o[kept:].tolist()
            latent = encoder((embed(patches) + table(side, width))[visible].unsqueeze(0))
            tokens = [None] * (side * side)
            for place, token in zip(visible, into(latent)[0]):
                tokens[place] = token
            for place in hidden:
                tokens[place] = mask_token[0, 0]
            said = out(decoder((torch.stack(tokens) + table(side, small)).unsqueeze(0)))[0]
            for place in hidden:
                target = patches[place]
                if config.get("norm_pix", True):
                    target = (target - target.mean()) / (target.var() + 1e-6).sqrt()
                loss = loss + ((said[place] - target) ** 2).mean()
        return loss / (N * len(hidden))

    return step


CASES = {
    autoencoder: [{"code": 3, "width": 6}, {"code": 2, "width": 6, "loss": "cross_entropy"}],
    denoising: [{"code": 3, "width": 6}, {"code": 4, "width": 6, "noise": "gaussian", "sigma": 0.5},
                {"code": 3, "width": 6, "nu": 0.6, "loss": "cross_entropy"}],
    vae: [{"code": 2, "width": 6}, {"code": 2, "width": 6, "loss": "cross_entropy"}, {"code": 3, "width": 6, "beta": 4.0, "loss": "squared_error"}],
    vq_vae: [{"code": 3, "width": 2, "entries": 5}, {"code": 2, "width": 2, "entries": 4, "gamma": 0.5, "beta": 1.0}],
    mae: [{"mask_ratio": 0.5, "decoder_width": 8, "decoder_heads": 2},
          {"mask_ratio": 0.75, "decoder_width": 16, "decoder_heads": 4, "decoder_depth": 2, "norm_pix": False}],
}


def run(method, config):
    weights, state, steps = Weights(), {}, []
    step = method(config, weights, state)
    for number in range(3):
        input = wave((N, 1, SIDE, SIDE), 0.1 + number, 2.0)
        x = (input * DEVIATION + MEAN).clamp(0, 1)
        torch.manual_seed(number)
        loss = step(input, x)
        gradients = torch.autograd.grad(loss, weights.all)
        # One number a parameter: its gradient along a wave of its own shape.
        along = [(g * wave(g.shape, 0.3, 1.0)).sum().item() for g in gradients]
        steps.append({"loss": loss.item(), "gradient": along})
        if "e" in state:
            steps[-1]["e"] = state["e"].tolist()
    return {"config": config, "steps": steps}


def main():
    for method, configs in CASES.items():
        document = {
            "about": f"Made by scripts/golden/autoencoding.py with PyTorch {torch.__version__}; do not edit.",
            "method": method.__name__, "cases": [run(method, config) for config in configs],
        }
        (OUT / f"{method.__name__}.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
