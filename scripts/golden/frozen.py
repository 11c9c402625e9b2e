#!/usr/bin/env python3
"""Golden values of the methods that learn a head of frozen features: writes tests/golden/<method>.json.

    python3 scripts/golden/frozen.py            (needs numpy and scikit-learn; made with 1.9)

Written from the papers' formulas, apart from the C++ code: dense matrices where it has lists of neighbours, a series
where it repeats a step, differences where it multiplies out, and scikit-learn's logistic regression, solved to the bottom.
Wherever a method decides (who is a neighbour, which answer is surest), the script makes sure that it is no near thing.
"""
import json
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
CLASSES, COLUMNS, TEST = 3, 8, 10
CLEAR = 1e-4  # what decides must differ by more,
ROUGH = 20  # so many times more where the C++ code solves on the way with fewer digits


def unit(x):
    return x / np.sqrt((x**2).sum(1, keepdims=True))


class Scale:
    """Mean 0 of both pools together, and the length 1: of each row where head = unit, else of the mean square."""

    def __init__(self, data, head):
        rows = np.vstack([data["labeled"], data["unlabeled"]])
        self.mean, self.head = rows.mean(0), head
        self.length = np.sqrt(((rows - self.mean) ** 2).sum(1).mean())

    def __call__(self, x):
        z = x - self.mean
        return unit(z) if self.head == "unit" else z / self.length


class Linear:
    def __init__(self, weight, bias):
        self.weight, self.bias = weight, bias

    def logits(self, x):
        return x @ self.weight.T + self.bias

    def answer(self, x):
        return softmax(self.logits(x))


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def regression(x, target, c, weight=None):
    """Soft targets as rows that are there once for each class, each counted by its probability."""
    weight = np.ones(len(x)) if weight is None else weight
    rows, labels, counts = [], [], []
    for row, probabilities, w in zip(x, target, weight):
        for k, p in enumerate(probabilities):
            if w * p > 0:
                rows.append(row), labels.append(k), counts.append(w * p)
    model = LogisticRegression(C=c, tol=1e-10, max_iter=10000)
    model.fit(np.array(rows), labels, sample_weight=np.array(counts))
    assert list(model.classes_) == list(range(target.shape[1]))
    return Linear(model.coef_, model.intercept_)


def one_hot(y):
    return np.eye(CLASSES)[y]


def cosines(x):
    c = unit(x) @ unit(x).T
    np.fill_diagonal(c, -2)
    return c


def affinity(x, k, power):
    """w_ij = cos^power where j is among the k nearest of i, else 0."""
    c, w = cosines(x), np.zeros((len(x), len(x)))
    for i, row in enumerate(c):
        order = np.argsort(-row)
        assert row[order[k - 1]] - row[order[k]] > CLEAR / 100, "a neighbour by chance"
        for j in order[:k]:
            w[i, j] = max(row[j], 0) ** power
    return w


def logistic(data, s, u, c=10.0):
    return regression(s, one_hot(data["y"]), c)


def class_means(data, s, u, sharpness=20.0):
    """Snell et al. 2017: the class whose mean is nearest, of features of length one."""
    means = unit(np.array([unit(s)[data["y"] == k].mean(0) for k in range(CLASSES)]))
    return Linear(sharpness * means, np.zeros(CLASSES))


def label_propagation(data, s, u, k=10, alpha=0.95, power=3.0, iterations=60, most=20000, c=10.0):
    """Zhou et al. 2003: F(t + 1) = α S F(t) + (1 - α) Y from F(0) = Y, as its series; then class mass normalisation."""
    rows = np.vstack([s, u])[: max(most, len(s) + 1)]
    w = affinity(rows, k, power)
    w = (w + w.T) / 2
    root = np.diag(1 / np.sqrt(w.sum(1)))
    spread = root @ w @ root
    y = np.zeros((len(rows), CLASSES))
    y[: len(s)] = one_hot(data["y"])
    f, reached = np.zeros_like(y), y
    for t in range(iterations):
        f += (1 - alpha) * alpha**t * reached
        reached = spread @ reached
    f += alpha**iterations * reached
    f = f / f.sum(0)
    assert (f.sum(1) > 0).all()
    best = f.argmax(1)
    ordered = np.sort(f, 1)
    assert ((ordered[:, -1] - ordered[:, -2]) / ordered[:, -1])[len(s):].min() > CLEAR, "a class by chance"
    best[: len(s)] = data["y"]
    return regression(rows, one_hot(best), c)


def self_training(data, s, u, rounds=8, most=0.9, align="none", c=10.0):
    """Cascante-Bonilla et al. 2021: a growing part of each class's surest answers teaches the next round."""
    y = one_hot(data["y"])
    head = regression(s, y, c)
    for t in range(1, rounds + 1):
        clear = CLEAR if t == 1 else ROUGH * CLEAR
        p = head.answer(u)
        if align != "none":
            aim = np.array(data.get("pool_share") or [1 / CLASSES] * CLASSES)
            if align == "half":
                aim = (aim + p.mean(0)) / 2
            for _ in range(3):
                p = p * aim / p.mean(0)
                p = p / p.sum(1, keepdims=True)
        best, sure = p.argmax(1), p.max(1)
        ordered = np.sort(p, 1)
        assert (ordered[:, -1] - ordered[:, -2]).min() > clear, "an answer by chance"
        kept = np.zeros(len(u), bool)
        for k in range(CLASSES):
            members = [i for i in np.argsort(-sure) if best[i] == k]
            count = int(np.ceil(most * t / rounds * len(members)))
            if 0 < count < len(members):
                assert sure[members[count - 1]] - sure[members[count]] > clear, "kept by chance"
            kept[members[:count]] = True
        head = regression(np.vstack([s, u[kept]]), np.vstack([y, one_hot(best[kept])]), c)
    return head


def gaussian_mixture(data, s, u, k=3, outer=10, inner=5, most=20000, gamma=0.02, c=10.0, **rest):
    """TransCLIP (Zanella et al. 2024), equations 1 to 8, few-shot: block-wise maximisation of means and covariance, and of
    the assignments z ∝ ŷ^λ ⊙ exp(log p + Σ_j (w_ij + w_ji) z_j); a label counts at least as much as one example."""
    power = rest.get("lambda", 0.5)
    y = one_hot(data["y"])
    first = regression(s, y, c)
    u = u[:most]
    f, g = unit(u), unit(s)
    w = affinity(u, k, 1.0)
    guess = first.answer(u)
    z = guess
    count = max(gamma / len(s), 1 / len(u))  # of a label, where an unlabelled example counts 1 / U
    for _ in range(outer):
        mean = np.zeros((CLASSES, f.shape[1]))
        variance, mass = np.zeros(f.shape[1]), 0.0
        for j in range(CLASSES):
            own = np.concatenate([count * y[:, j], z[:, j] / len(u)])
            mean[j] = own @ np.vstack([g, f]) / own.sum()
        for j in range(CLASSES):
            own = np.concatenate([count * y[:, j], z[:, j] / len(u)])
            variance += own @ (np.vstack([g, f]) - mean[j]) ** 2
            mass += own.sum()
        variance = np.maximum(variance / mass, 1e-9)
        log_p = np.array([[-0.5 * (((x - m) ** 2) / variance).sum() for m in mean] for x in f])
        for _ in range(inner):
            z = softmax(power * np.log(guess) + log_p + (w + w.T) @ z)
    return regression(np.vstack([s, u]), np.vstack([y, z]), c)


METHODS = {f.__name__: f for f in (logistic, class_means, label_propagation, self_training, gaussian_mixture)}


def learnt(method, data, config, head):
    scale = Scale(data, head)
    found = METHODS[method](data, scale(data["labeled"]), scale(data["unlabeled"]), **config)
    return lambda x: found.logits(scale(x))


def blobs(random, y, apart, loud):
    """Classes apart from each other in three turned columns, under noise that is loud in others; the last one is constant."""
    x = 0.5 * random.normal(size=(len(y), COLUMNS - 1))
    x[:, CLASSES : CLASSES + loud] *= loud
    x[np.arange(len(y)), y] += apart
    turned = x @ np.linalg.qr(np.random.default_rng(5).normal(size=(COLUMNS - 1, COLUMNS - 1)))[0]
    return np.hstack([turned + np.arange(COLUMNS - 1), np.full((len(y), 1), 0.5)])


def pools(seed, apart=1.5, labeled=12, unlabeled=(20, 20, 20), loud=2):
    """As fp32 holds it, which the features are. unlabeled: of each class."""
    random = np.random.default_rng(seed)
    y = np.arange(labeled) % CLASSES
    s = blobs(random, y, apart, loud)
    u = blobs(random, random.permutation(np.repeat(np.arange(CLASSES), unlabeled)), apart, loud)
    t = blobs(random, np.arange(TEST) % CLASSES, apart, loud)
    as_kept = lambda x: x.astype(np.float32).astype(float)
    return {"classes": CLASSES, "labeled": as_kept(s), "y": y, "unlabeled": as_kept(u), "test": as_kept(t)}


def best_head(unsure="self_training"):
    """What is taken where no class has two labels: none can be held out, so nothing is chosen by chance."""
    if unsure == "logistic":
        return "the labels alone", "logistic", {}
    return "self-training, half way to equal shares", "self_training", {"align": "half"}


def listed(x):
    return np.asarray(x).tolist()


def soft_regressions():
    """What the solver alone has to find: soft targets, each row counted by a weight, which may be 0."""
    random = np.random.default_rng(8)
    x = random.normal(size=(15, 4)) * [1, 3, 0.3, 1]
    target = softmax(2 * random.normal(size=(15, CLASSES)))
    weight = np.array([0, 0.5, 3] * 5)
    out = []
    for c in (0.1, 1.0, 30.0):
        found = regression(x, target, c, weight)
        out.append({"x": listed(x), "target": listed(target), "weight": listed(weight), "c": c,
                    "logits": np.round(found.logits(x), 6).tolist()})
    return out


def write(name, groups, **more):
    """A group: pools, and cases of them: (config, head)."""
    out = []
    for data, cases in groups:
        made = {k: listed(v) for k, v in data.items()}
        made["cases"] = []
        for config, head in cases:
            case = {"config": config, "head": head}
            if name == "best_head":
                case["takes"], method, settings = best_head(**config)
            else:
                method, settings = name, config
            case["logits"] = np.round(learnt(method, data, settings, head)(data["test"]), 6).tolist()
            made["cases"].append(case)
        out.append(made)
    (OUT / f"{name}.json").write_text(json.dumps({"groups": out, **more}) + "\n")
    print(name, [len(g[1]) for g in groups])


def clear_group(method, cases, labeled=12, **more):
    """The first pools on which no case decides by chance."""
    for seed in range(1000):
        data = dict(pools(seed, apart=1.2, labeled=labeled), **more)
        try:
            for config, head in cases:
                learnt(method, data, config, head)
            return data, cases
        except AssertionError:
            pass
    raise SystemExit(f"{method}: every pool decides by chance")


def main():
    few = pools(3)
    both = lambda *configs: [(config, head) for config in configs for head in ("unit", "plain")]
    write("logistic", [(few, both({}, {"c": 0.5}, {"c": 200.0}))], regressions=soft_regressions())
    write("class_means", [(few, both({}, {"sharpness": 5.0}))])
    write("label_propagation", [(few, both({}, {"k": 4, "alpha": 0.8, "power": 1.0, "iterations": 9}, {"most": 40, "c": 2.0}))])
    shares = {"pool_share": [0.5, 0.3, 0.2]}
    write("self_training", [clear_group("self_training", [case], **more) for more, cases in [
        ({}, both({}, {"rounds": 0}, {"rounds": 1, "c": 40.0}, {"rounds": 3, "most": 0.6}, {"rounds": 3, "align": "half"},
                  {"rounds": 2, "align": "full"})),
        (shares, both({"rounds": 2, "align": "half"}, {"rounds": 3, "align": "full"}))] for case in cases])
    write("gaussian_mixture", [(few, both({}, {"lambda": 1.0, "gamma": 0.9, "k": 5}, {"outer": 2, "inner": 1, "lambda": 0.0, "most": 40}))])
    # Of a label a class none can be held out. Rounds on the way are solved roughly, which decides here where head = plain.
    data = clear_group("self_training", [({"align": "half"}, "unit")], labeled=3)[0]
    write("best_head", [(data, [({}, "unit"), ({"unsure": "logistic"}, "unit"), ({"unsure": "logistic"}, "plain")])])


if __name__ == "__main__":
    main()
