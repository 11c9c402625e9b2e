#!/usr/bin/env python3
"""Golden values of the methods that learn from texts alone: writes tests/golden/{mlm,cbow,electra,simcse}.json.

    python3 scripts/golden/texts.py            (needs PyTorch; made with 1.13, cbow with 2.15)

Written from the papers, apart from the C++ code: a transformer that reads one text after the other, of its own length,
one head after the other. Weights and texts come from formulas that the test repeats, so that the files hold results
alone: the loss and, of each parameter's gradient, its length and its product with a pattern. Nothing is dropped. Which
words are hidden is drawn from PyTorch's generator in the order of the paper's text: chosen, what becomes of them, other
words.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
N, T, VOCABULARY, SPECIAL, MASK = 6, 9, 40, 5, 4
WIDTH, DEPTH, HEAD = 128, 2, 64


def texts(step):
    x = torch.zeros(N, T, dtype=torch.long)
    for i in range(N):
        for j in range(T - i):
            x[i, j] = SPECIAL + (11 * i + 5 * j * j + 3 * step) % (VOCABULARY - SPECIAL)
        x[i, 0] = 2  # what may stand before a text
    return x


def pattern(shape):
    i = torch.arange(1, math.prod(shape) + 1, dtype=torch.long)
    row = 2 * (i.square() % 1009).double() / 1009.0 - 1.0
    return (row.reshape(shape) / math.sqrt(shape[-1])).float()


def start(name, shape):
    if len(shape) > 1:
        return pattern(shape)
    return pattern(shape) + (1.0 if name.endswith("weight") else 0.0)


class Weights(dict):
    def add(self, name, *shape):
        self[name] = start(name, shape).requires_grad_()

    def linear(self, name, inputs, outputs):
        self.add(name + ".weight", outputs, inputs)
        self.add(name + ".bias", outputs)

    def norm(self, name, width):
        self.add(name + ".weight", width)
        self.add(name + ".bias", width)

    def transformer(self, name, width):
        for b in range(DEPTH):
            at = f"{name}.block{b}_"
            self.norm(at + "norm1", width)
            self.norm(at + "norm2", width)
            self.linear(at + "qkv", width, 3 * width)
            self.linear(at + "out", width, width)
            self.linear(at + "wide", width, 4 * width)
            self.linear(at + "narrow", 4 * width, width)
        self.norm(name + ".norm", width)

    def words(self, name, width):
        self.linear(name + ".dense", width, WIDTH)
        self.norm(name + ".norm", WIDTH)
        self.add(name + ".bias", VOCABULARY)

    # What is done with them.
    def apply(self, name, x):
        return x @ self[name + ".weight"].t() + self[name + ".bias"]

    def normed(self, name, x):
        mean, var = x.mean(-1, keepdim=True), x.var(-1, unbiased=False, keepdim=True)
        return (x - mean) / (var + 1e-12).sqrt() * self[name + ".weight"] + self[name + ".bias"]

    def embedded(self, ids):
        x = math.sqrt(WIDTH) * (self["net.token.weight"][ids] + self["net.place.weight"][: len(ids)])
        return self.normed("net.norm", x)

    def encode(self, name, x, heads):
        each = x.shape[1] // heads
        for b in range(DEPTH):
            at = f"{name}.block{b}_"
            q, k, v = self.apply(at + "qkv", self.normed(at + "norm1", x)).chunk(3, 1)
            seen = []
            for h in range(heads):
                s = slice(h * each, (h + 1) * each)
                seen.append(torch.softmax(q[:, s] @ k[:, s].t() / math.sqrt(each), 1) @ v[:, s])
            x = x + self.apply(at + "out", torch.cat(seen, 1))
            x = x + self.apply(at + "narrow", F.gelu(self.apply(at + "wide", self.normed(at + "norm2", x))))
        return self.normed(name + ".norm", x)

    def told(self, name, h):
        h = self.normed(name + ".norm", F.gelu(self.apply(name + ".dense", h)))
        return h @ self["net.token.weight"].t() + self[name + ".bias"]


def net_weights():
    w = Weights()
    w.add("net.token.weight", VOCABULARY, WIDTH)
    w.add("net.place.weight", T, WIDTH)
    w.norm("net.norm", WIDTH)
    w.transformer("net.transformer", WIDTH)
    return w


def mask(x, share, hidden, random):
    chosen = (torch.rand(x.shape) < share) & (x >= SPECIAL)
    fate, other = torch.rand(x.shape), torch.randint(SPECIAL, VOCABULARY, x.shape)
    y = x.clone()
    for i in range(N):
        for j in range(T):
            if not chosen[i, j]:
                continue
            if fate[i, j] < hidden:
                y[i, j] = MASK
            elif fate[i, j] < hidden + random:
                y[i, j] = other[i, j]
    return y, chosen


def length(row):
    return int((row != 0).sum())


def mlm_weights(c):
    w = net_weights()
    w.words("head", WIDTH)
    return w


def mlm(w, c, x):
    y, chosen = mask(x, c.get("share", 0.15), c.get("hidden", 0.8), c.get("random", 0.1))
    losses = []
    for i in range(N):
        n = length(x[i])
        logits = w.told("head", w.encode("net.transformer", w.embedded(y[i, :n]), WIDTH // HEAD))
        losses += [F.cross_entropy(logits[j : j + 1], x[i, j : j + 1]) for j in range(n) if chosen[i, j]]
    return torch.stack(losses).mean()


def cbow_weights(c):
    w = net_weights()
    w.add("out", VOCABULARY, WIDTH)
    return w


def cbow(w, c, x):
    window, t = c.get("window", 5), c.get("subsample", 1e-3)
    seen = torch.tensor([int((x == v).sum()) if v >= SPECIAL else 0 for v in range(VOCABULARY)]).double()
    drawn = torch.rand(x.shape) if t > 0 else torch.zeros(x.shape)
    others = torch.multinomial(seen**0.75, c.get("negatives", 1024), True).tolist()
    losses = []
    for i in range(N):
        words = []
        for j in range(T):
            word = int(x[i, j])
            if word < SPECIAL:
                continue
            share = float(seen[word] / seen.sum())
            if t == 0 or drawn[i, j] < math.sqrt(t / share) + t / share:
                words.append(word)
        for j, word in enumerate(words):
            near = words[max(0, j - window) : j] + words[j + 1 : j + 1 + window]
            if near:
                h = math.sqrt(WIDTH) * sum(w["net.token.weight"][v] for v in near) / len(near)
                logits = torch.stack([w["out"][v] @ h for v in [word] + [v for v in others if v != word]])
                losses.append(-torch.log_softmax(logits, 0)[0])
    return torch.stack(losses).mean()


def small(c):
    width = 16 * round(WIDTH * c.get("generator", 0.25) / 16)
    return width, max(1, width // HEAD)


def electra_weights(c):
    w, (width, _) = net_weights(), small(c)
    w.linear("generator.in", WIDTH, width)
    w.transformer("generator.transformer", width)
    w.words("generator.head", width)
    w.linear("dense", WIDTH, WIDTH)
    w.linear("out", WIDTH, 1)
    return w


def electra(w, c, x):
    y, chosen = mask(x, c.get("share", 0.15), 1.0, 0.0)
    logits, words = [], []
    for i in range(N):
        n = length(x[i])
        h = w.encode("generator.transformer", w.apply("generator.in", w.embedded(y[i, :n])), small(c)[1])
        told = w.told("generator.head", h)
        for j in range(n):
            if chosen[i, j]:
                logits.append(told[j])
                words.append(x[i, j])
    logits, words = torch.stack(logits), torch.stack(words)
    generator = F.cross_entropy(logits, words)
    drawn = torch.multinomial(torch.softmax(logits.detach()[:, SPECIAL:], 1), 1).squeeze(1) + SPECIAL
    corrupt = x.clone()
    corrupt[chosen] = drawn
    terms = []
    for i in range(N):
        n = length(x[i])
        h = w.encode("net.transformer", w.embedded(corrupt[i, :n]), WIDTH // HEAD)
        d = w.apply("out", F.gelu(w.apply("dense", h))).squeeze(1)
        for j in range(n):
            replaced = corrupt[i, j] != x[i, j]
            terms.append(-F.logsigmoid(d[j]) if replaced else -F.logsigmoid(-d[j]))
    return generator + c.get("lambda", 50.0) * torch.stack(terms).mean()


def simcse_weights(c):
    w = net_weights()
    w.linear("head", WIDTH, WIDTH)
    return w


def simcse(w, c, x):
    z = []
    for i in range(N):
        h = w.encode("net.transformer", w.embedded(x[i, : length(x[i])]), WIDTH // HEAD).mean(0)
        z.append(torch.tanh(w.apply("head", h)))
    losses = []
    for i in range(N):
        s = torch.stack([F.cosine_similarity(z[i], z[j], dim=0) for j in range(N)]) / c.get("temperature", 0.05)
        losses.append(torch.logsumexp(s, 0) - s[i])
    return torch.stack(losses).mean()


METHODS = {
    "mlm": (mlm_weights, mlm, [{"share": 0.3}, {"share": 0.5, "hidden": 0.4, "random": 0.4}]),
    "cbow": (cbow_weights, cbow, [
        {"negatives": 7, "subsample": 0.0},
        {"window": 2, "negatives": 30, "subsample": 0.01},
    ]),
    "electra": (electra_weights, electra, [{"share": 0.3}, {"share": 0.4, "lambda": 3.0, "generator": 1.0}]),
    "simcse": (simcse_weights, simcse, [{}, {"temperature": 0.5}]),
}


def main():
    for name, (weights, loss, configs) in METHODS.items():
        cases = []
        for number, config in enumerate(configs):
            w = weights(config)
            torch.manual_seed(1000 + number)
            value = loss(w, config, texts(number))
            value.backward()
            gradient = {
                key: [0, 0] if p.grad is None else [p.grad.norm().item(), (p.grad * pattern(p.shape)).sum().item()]
                for key, p in w.items()
            }
            cases.append({"config": config, "loss": value.item(), "gradient": gradient})
        rounded = json.loads(json.dumps(cases), parse_float=lambda s: float(f"{float(s):.7g}"))
        about = f"Made by scripts/golden/texts.py with PyTorch {torch.__version__}; do not edit."
        (OUT / f"{name}.json").write_text(json.dumps({"about": about, "cases": rounded}, indent=1) + "\n", encoding="utf-8")


main()
