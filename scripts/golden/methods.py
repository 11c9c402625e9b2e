#!/usr/bin/env python3
"""Golden values of the methods' losses, gradients and thresholds: writes tests/golden/<method>.json.

    python3 scripts/golden/methods.py            (needs PyTorch; made with 1.13)

Written from the papers' formulas, apart from the C++ code. The net is `logits = scale * x` with one weight a class, so
that the logits are known and the gradient of the weights checks the loss. Each case is a few updates in a row without
an optimiser, so that only the thresholds move; these move after each update (see docs/methods).
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
CLASSES, LABELED, RATIO, POOL, STEPS = 4, 3, 3, 12, 4
SHARE = [0.4, 0.3, 0.2, 0.1]


def rounded(tensor):
    return [rounded(t) for t in tensor] if tensor.dim() else (tensor.item())


def inputs(generator, spread):
    """One batch: inputs of the net for labelled, weak and strong, the labels, and the pool index of the unlabelled."""
    n = LABELED * RATIO
    weak = spread * torch.randn(n, CLASSES, generator=generator)
    return {
        "x": torch.randn(LABELED, CLASSES, generator=generator),
        "y": torch.randint(0, CLASSES, (LABELED,), generator=generator),
        "weak": weak,
        "strong": weak + torch.randn(n, CLASSES, generator=generator),
        "index": torch.randperm(POOL, generator=generator)[:n],
    }


class Align:
    """q_i = p_i s / m, scaled to sum to one; m is a moving average of p that starts at s (ReMixMatch 3.1)."""

    def __init__(self, config):
        self.on, self.decay = config.get("align", False), config.get("align_decay", 0.999)
        self.mean = torch.tensor(SHARE)

    def __call__(self, p):
        if not self.on:
            return p
        out = torch.stack([row * torch.tensor(SHARE) / self.mean for row in p])
        out = torch.stack([row / row.sum() for row in out])
        self.mean = self.decay * self.mean + (1 - self.decay) * p.mean(0)
        return out


def masked_cross_entropy(logits, target, mask):
    total = 0.0
    for row, t, m in zip(logits, target, mask):
        total = total - m * F.log_softmax(row, 0)[t]
    return total / len(logits)


def supervised(config):
    eps = config.get("label_smoothing", 0.0)

    def step(batch, scale, progress):
        logits = scale * batch["x"]
        target = (1 - eps) * F.one_hot(batch["y"], CLASSES) + eps / CLASSES
        return {"loss": -(target * F.log_softmax(logits, 1)).sum(1).mean()}

    return step


def pseudo_label(config):
    """Lee 2013, equations 15 and 16, with a threshold; alpha as a share of the run."""
    align, tau = Align(config), config.get("tau", 0.95)
    t1, t2, top = config.get("start", 0.1), config.get("full", 0.4), config.get("lambda_u", 1.0)

    def step(batch, scale, progress):
        alpha = 0.0 if progress < t1 else (top if progress >= t2 else top * (progress - t1) / (t2 - t1))
        logits = scale * batch["weak"]
        with torch.no_grad():
            best, label = align(F.softmax(logits, 1)).max(1)
            mask = (best >= tau).float()
        loss = F.cross_entropy(scale * batch["x"], batch["y"]) + alpha * masked_cross_entropy(logits, label, mask)
        return {"loss": loss, "mask": mask, "label": label}

    return step


def fixmatch(config):
    align, tau, weight = Align(config), config.get("tau", 0.95), config.get("lambda_u", 1.0)

    def step(batch, scale, progress):
        with torch.no_grad():
            best, label = align(F.softmax(scale * batch["weak"], 1)).max(1)
            mask = (best >= tau).float()
        loss = F.cross_entropy(scale * batch["x"], batch["y"])
        loss = loss + weight * masked_cross_entropy(scale * batch["strong"], label, mask)
        return {"loss": loss, "mask": mask, "label": label}

    return step


def flexmatch(config):
    align, tau, weight = Align(config), config.get("tau", 0.95), config.get("lambda_u", 1.0)
    warm = config.get("thresh_warmup", True)
    won = [-1] * POOL
    beta = [0.0] * CLASSES

    def step(batch, scale, progress):
        with torch.no_grad():
            best, label = align(F.softmax(scale * batch["weak"], 1)).max(1)
            threshold = [tau * b / (2 - b) for b in beta]
            mask = torch.tensor([float(b >= threshold[c]) for b, c in zip(best.tolist(), label.tolist())])
        loss = F.cross_entropy(scale * batch["x"], batch["y"])
        loss = loss + weight * masked_cross_entropy(scale * batch["strong"], label, mask)
        for i, b, c in zip(batch["index"].tolist(), best.tolist(), label.tolist()):
            if b >= tau:
                won[i] = c
        sigma = [won.count(c) for c in range(CLASSES)]
        largest = max(sigma + ([won.count(-1)] if warm else []))
        beta[:] = [s / max(largest, 1) for s in sigma]
        return {"loss": loss, "mask": mask, "label": label, "threshold_min": torch.tensor(min(threshold)),
                "threshold_mean": torch.tensor(sum(threshold) / CLASSES)}

    return step


def freematch(config):
    align, weight = Align(config), config.get("lambda_u", 1.0)
    decay, fair = config.get("decay", 0.999), config.get("lambda_f", 0.001)
    low, high = config.get("tau_min", 0.0), config.get("tau_max", 1.0)
    state = {"tau": 1 / CLASSES, "p": [1 / CLASSES] * CLASSES, "h": [1 / CLASSES] * CLASSES}

    def sum_norm(values):
        total = sum(values)
        return [v / total for v in values]

    def step(batch, scale, progress):
        with torch.no_grad():
            q = align(F.softmax(scale * batch["weak"], 1))
            best, label = q.max(1)
            tau = min(max(state["tau"], low), high)
            threshold = [tau * p / max(state["p"]) for p in state["p"]]
            mask = torch.tensor([float(b >= threshold[c]) for b, c in zip(best.tolist(), label.tolist())])
        strong = scale * batch["strong"]
        loss = F.cross_entropy(scale * batch["x"], batch["y"]) + weight * masked_cross_entropy(strong, label, mask)
        kept = [i for i, m in enumerate(mask.tolist()) if m]
        fairness = torch.tensor(0.0)
        if kept:
            p = F.softmax(strong[kept], 1)
            found = p.argmax(1).tolist()
            share = [found.count(c) / len(kept) for c in range(CLASSES)]
            mean = [sum(p[i, c] for i in range(len(kept))) / len(kept) for c in range(CLASSES)]
            b = sum_norm([m / s if s > 0 else 0.0 * m for m, s in zip(mean, share)])
            a = sum_norm([x / h for x, h in zip(state["p"], state["h"])])
            fairness = sum(x * torch.log(y + 1e-12) for x, y in zip(a, b))
        loss = loss + fair * fairness
        n = len(best)
        state["tau"] = decay * state["tau"] + (1 - decay) * best.mean().item()
        for c in range(CLASSES):
            state["p"][c] = decay * state["p"][c] + (1 - decay) * q[:, c].mean().item()
            state["h"][c] = decay * state["h"][c] + (1 - decay) * label.tolist().count(c) / n
        return {"loss": loss, "mask": mask, "label": label, "threshold_min": torch.tensor(min(threshold)),
                "threshold_mean": torch.tensor(sum(threshold) / CLASSES), "loss_f": fairness}

    return step


def ramp(progress, length, shape):
    left = 1 - (min(max(progress / length, 0.0), 1.0) if length > 0 else 1.0)
    return math.exp(-5 * left * left) if shape == "sigmoid" else 1 - left


def squared_error(p, q):
    return ((p - q) ** 2).sum() / p.numel()


def pi_model(config):
    """Laine and Aila 2017, Algorithm 1."""
    top, length = config.get("lambda_u", 10.0), config.get("ramp", 0.4)

    def step(batch, scale, progress):
        z, other = F.softmax(scale * batch["weak"], 1), F.softmax(scale * batch["weak2"], 1)
        loss = F.cross_entropy(scale * batch["x"], batch["y"])
        return {"loss": loss + top * ramp(progress, length, "sigmoid") * squared_error(z, other)}

    return step


def mean_teacher(config):
    """Tarvainen and Valpola 2017, section 2. The student's weights change from step to step, by what `run` says."""
    align = Align(config)
    top, length, decay = config.get("lambda_u", 50.0), config.get("ramp", 0.4), config.get("decay", 0.999)
    student, teacher = config.get("student_view", "weak"), config.get("teacher_view", "weak")
    state = {"teacher": None, "t": 0}

    def step(batch, scale, progress):
        if state["teacher"] is None:
            state["teacher"] = scale.detach().clone()
        seen = teacher + ("2" if teacher == student else "")
        target = align(F.softmax(state["teacher"] * batch[seen], 1))
        loss = F.cross_entropy(scale * batch["x"], batch["y"])
        difference = squared_error(F.softmax(scale * batch[student], 1), target)
        state["t"] += 1
        alpha = min(decay, 1 - 1 / (state["t"] + 1))
        state["teacher"] = alpha * state["teacher"] + (1 - alpha) * scale.detach()
        return {"loss": loss + top * ramp(progress, length, "sigmoid") * difference,
                "label": target.argmax(1), "mask": torch.ones(len(target))}

    return step


def mixmatch(config):
    """Berthelot et al. 2019, Algorithm 1. Draws: Gamma variables for the Beta distribution, then a permutation."""
    align, alpha = Align(config), config.get("alpha", 0.75)
    temperature, top, length = config.get("temperature", 0.5), config.get("lambda_u", 75.0), config.get("ramp", 0.016)
    copies, anchor = config.get("copies", 2), config.get("anchor", False)

    def step(batch, scale, progress):
        views = [batch["weak" if k == 0 else f"weak{k + 1}"] for k in range(copies)]
        sources = [batch[f"weak{copies + 1}"]] if anchor else views
        with torch.no_grad():
            mean = align(sum(F.softmax(scale * v, 1) for v in sources) / len(sources))
            q = torch.stack([row ** (1 / temperature) / (row ** (1 / temperature)).sum() for row in mean])
        x = torch.cat([batch["x"]] + views)
        p = torch.cat([F.one_hot(batch["y"], CLASSES).float()] + [q] * copies)
        gamma = torch._standard_gamma(torch.full((2, len(x)), alpha))
        order = torch.randperm(len(x))
        mixed_x, mixed_p = [], []
        for i, j in enumerate(order.tolist()):
            weight = (gamma[0, i] / (gamma[0, i] + gamma[1, i])).item()
            weight = max(weight, 1 - weight)
            mixed_x.append(weight * x[i] + (1 - weight) * x[j])
            mixed_p.append(weight * p[i] + (1 - weight) * p[j])
        logits, target = scale * torch.stack(mixed_x), torch.stack(mixed_p)
        n = len(batch["x"])
        loss = -(target[:n] * F.log_softmax(logits[:n], 1)).sum() / n
        weight = top * ramp(progress, length, "linear")
        return {"loss": loss + weight * squared_error(F.softmax(logits[n:], 1), target[n:]),
                "label": q.argmax(1), "mask": torch.ones(len(q))}

    return step


def softmatch(config):
    """Chen et al. 2023, Algorithm 1, with the biased variance of the batch."""
    align, weight = Align(config), config.get("lambda_u", 1.0)
    n_sigma, decay, uniform = config.get("n_sigma", 2.0), config.get("decay", 0.999), config.get("uniform", True)
    state = {"mu": 1 / CLASSES, "variance": 1.0, "mean": [1 / CLASSES] * CLASSES}

    def step(batch, scale, progress):
        with torch.no_grad():
            p = align(F.softmax(scale * batch["weak"], 1))
            label = p.argmax(1)
            rows = [[v / CLASSES / m for v, m in zip(row, state["mean"])] if uniform else row for row in p.tolist()]
            best = [max(row) / sum(row) for row in rows]
        mask = [1.0 if b >= state["mu"] else
                math.exp(-((b - state["mu"]) ** 2) / (2 * state["variance"] / n_sigma ** 2)) for b in best]
        loss = F.cross_entropy(scale * batch["x"], batch["y"])
        loss = loss + weight * masked_cross_entropy(scale * batch["strong"], label, mask)
        mean = sum(best) / len(best)
        variance = sum((b - mean) ** 2 for b in best) / len(best)
        state["mu"] = decay * state["mu"] + (1 - decay) * mean
        state["variance"] = decay * state["variance"] + (1 - decay) * variance
        state["mean"] = [decay * m + (1 - decay) * v for m, v in zip(state["mean"], p.mean(0).tolist())]
        return {"loss": loss, "mask": torch.tensor(mask), "label": label}

    return step


def kl(p, logits):
    q = F.log_softmax(logits, 1)
    total = 0.0
    for row, other in zip(p, q):
        total = total + sum(a * (torch.log(a) - b) for a, b in zip(row, other) if a > 0)
    return total


def vat(config):
    """Miyato et al. 2018, Algorithm 1. Draws: the normal noise that the direction starts from."""
    epsilon, xi = config.get("epsilon", 6.0), config.get("xi", 0.1)
    top, entropy_top = config.get("lambda_u", 0.3), config.get("lambda_entropy", 0.06)

    def step(batch, scale, progress):
        u = batch["weak"]
        logits = scale * u
        p = F.softmax(logits, 1).detach()
        d = torch.randn_like(u)
        d = torch.stack([row / row.norm() for row in d])
        for _ in range(config.get("power_iterations", 1)):
            d.requires_grad_(True)
            (d,) = torch.autograd.grad(kl(p, scale.detach() * (u + xi * d)), d)
            d = torch.stack([row / row.norm() for row in d])
        lds = kl(p, scale * (u + epsilon * d)) / len(u)
        q = F.softmax(logits, 1)
        entropy = -(q * torch.log(q)).sum() / len(u)
        loss = F.cross_entropy(scale * batch["x"], batch["y"])
        weight = ramp(progress, config.get("ramp", 0.4), "linear")
        return {"loss": loss + weight * (top * lds + entropy_top * entropy),
                "label": p.argmax(1), "mask": torch.ones(len(u))}

    return step


def uda(config):
    """Xie et al. 2020, sections 2 and 3."""
    align, tau, weight = Align(config), config.get("tau", 0.8), config.get("lambda_u", 1.0)
    temperature, tsa = config.get("temperature", 0.4), config.get("tsa", "none")

    def step(batch, scale, progress):
        alpha = {"none": 1.0, "log": 1 - math.exp(-5 * progress), "linear": progress,
                 "exp": math.exp(5 * (progress - 1))}[tsa]
        eta = alpha * (1 - 1 / CLASSES) + 1 / CLASSES
        labeled = F.log_softmax(scale * batch["x"], 1)
        left = [-row[y] for row, y in zip(labeled, batch["y"].tolist()) if row[y].exp().item() <= eta]
        loss = sum(left) / len(left) if left else 0.0 * scale.sum()
        with torch.no_grad():
            p = align(F.softmax(scale * batch["weak"], 1))
            best, label = p.max(1)
            mask = (best >= tau).float()
            target = torch.stack([row ** (1 / temperature) / (row ** (1 / temperature)).sum() for row in p])
        strong = scale * batch["strong"]
        each = [m * kl(t[None], s[None]) for m, t, s in zip(mask, target, strong)]
        return {"loss": loss + weight * sum(each) / len(each), "mask": mask, "label": label}

    return step


def adamatch(config):
    """Roelofs et al. 2022, Algorithm 1, with moving averages in the alignment. Draws: one uniform number a logit."""
    tau, weight, length = config.get("tau", 0.9), config.get("lambda_u", 1.0), config.get("ramp", 0.5)
    decay = config.get("align_decay", 0.999)
    state = {"x": torch.tensor(SHARE), "u": torch.tensor(SHARE)}

    def step(batch, scale, progress):
        logits = torch.cat([scale * batch["x"], scale * batch["x2"]])
        if config.get("interpolate", True):
            torch.rand_like(logits)  # the net has no batch norm, so both passes agree
        n = len(batch["x"])
        loss = F.cross_entropy(logits[:n], batch["y"]) + F.cross_entropy(logits[n:], batch["y"])
        with torch.no_grad():
            p_x, p_u = F.softmax(logits[:n], 1), F.softmax(scale * batch["weak"], 1)
            target = torch.stack([row * state["x"] / state["u"] for row in p_u])
            target = torch.stack([row / row.sum() for row in target])
            best, label = target.max(1)
            mask = (best >= tau * p_x.max(1).values.mean()).float()
        log_strong = F.log_softmax(scale * batch["strong"], 1)
        loss_u = -(mask[:, None] * target * log_strong).sum() / len(mask)
        mu = 0.5 - 0.5 * math.cos(min(math.pi, math.pi * progress / length))
        state["x"] = decay * state["x"] + (1 - decay) * p_x.mean(0)
        state["u"] = decay * state["u"] + (1 - decay) * p_u.mean(0)
        return {"loss": loss + weight * mu * loss_u, "mask": mask, "label": label}

    return step


def pattern(*shape):
    """The weights that the test gives to a method's own layers."""
    i = torch.arange(1, math.prod(shape) + 1)
    return (2 * ((i * i) % 1009) / 1009.0 - 1).reshape(shape) / math.sqrt(shape[-1])


def simmatch(config):
    """Zheng et al. 2022, section 3 and Algorithm 1; the bank takes the batch in before it is compared with."""
    align, tau, weight = Align(config), config.get("tau", 0.95), config.get("lambda_u", 1.0)
    weight_in, t, alpha = config.get("lambda_in", 1.0), config.get("temperature", 0.1), config.get("alpha", 0.9)
    m, size = config.get("bank_decay", 0.7), config.get("embedding", 128)
    bank, labels = {}, {}

    def head(x):
        hidden = F.relu(x @ pattern(CLASSES, CLASSES).T + pattern(CLASSES))
        z = hidden @ pattern(size, CLASSES).T + pattern(size)
        return torch.stack([row / row.norm() for row in z])

    def step(batch, scale, progress):
        with torch.no_grad():
            z_x, z_w = head(batch["x"]), head(batch["weak"])
            p_w = align(F.softmax(scale * batch["weak"], 1))
        for i, z in enumerate(z_x):  # the labelled examples of the pool are the batch, in order
            bank[i] = z if i not in bank else (m * bank[i] + (1 - m) * z)
            bank[i] = bank[i] / bank[i].norm()
            labels[i] = batch["y"][i].item()
        known = sorted(bank)
        rows = torch.stack([bank[i] for i in known])
        q_w, q_s = F.softmax(z_w @ rows.T / t, 1), F.log_softmax(head(batch["strong"]) @ rows.T / t, 1)
        loss_u, loss_in, mask, chosen = 0.0, 0.0, [], []
        for n in range(len(z_w)):
            unfolded = [q_w[n, k] * p_w[n, labels[i]] for k, i in enumerate(known)]
            q_hat = [v / sum(unfolded) for v in unfolded]
            p_hat = [alpha * p_w[n, c] + (1 - alpha) * sum(q_w[n, k] for k, i in enumerate(known) if labels[i] == c)
                     for c in range(CLASSES)]
            kept = float(max(p_hat) >= tau)
            mask.append(kept)
            chosen.append(max(range(CLASSES), key=lambda c: p_hat[c]))
            log_p = F.log_softmax(scale * batch["strong"][n], 0)
            loss_u = loss_u - kept * sum(a * b for a, b in zip(p_hat, log_p)) / len(z_w)
            loss_in = loss_in - sum(a * b for a, b in zip(q_hat, q_s[n])) / len(z_w)
        loss = F.cross_entropy(scale * batch["x"], batch["y"]) + weight * loss_u + weight_in * loss_in
        return {"loss": loss, "mask": torch.tensor(mask), "label": torch.tensor(chosen), "loss_in": loss_in}

    return step


CASES = {
    supervised: [{}, {"label_smoothing": 0.2}],
    pseudo_label: [{}, {"tau": 0.5, "start": 0.25, "full": 0.75, "lambda_u": 3.0, "align": True, "align_decay": 0.9}],
    fixmatch: [{}, {"tau": 0.6, "lambda_u": 2.0}, {"tau": 0.6, "align": True, "align_decay": 0.8}],
    flexmatch: [{}, {"tau": 0.7, "thresh_warmup": False}, {"tau": 0.5, "lambda_u": 0.5, "align": True}],
    freematch: [{}, {"decay": 0.5, "lambda_f": 0.5}, {"decay": 0.8, "tau_min": 0.6, "tau_max": 0.7, "align": True,
                                                       "align_decay": 0.9}],
    pi_model: [{}, {"lambda_u": 3.0, "ramp": 0.0}],
    mean_teacher: [{}, {"decay": 0.6, "lambda_u": 5.0, "ramp": 0.2, "student_view": "strong", "align": True,
                        "align_decay": 0.5}],
    vat: [{}, {"epsilon": 0.5, "xi": 0.5, "power_iterations": 2, "lambda_entropy": 0.5, "ramp": 0.0}],
    mixmatch: [{}, {"alpha": 2.0, "temperature": 1.0, "lambda_u": 3.0, "ramp": 0.0, "anchor": True, "align": True,
                    "align_decay": 0.5}],
    uda: [{}, {"tau": 0.3, "temperature": 1.0, "tsa": "log", "align": True, "align_decay": 0.8},
          {"tau": 0.5, "tsa": "exp", "lambda_u": 2.0}],
    softmatch: [{}, {"decay": 0.5, "n_sigma": 1.0}, {"decay": 0.8, "uniform": False, "align": True,
                                                     "align_decay": 0.9}],
    adamatch: [{}, {"tau": 0.7, "align_decay": 0.5, "ramp": 0.1, "lambda_u": 2.0, "interpolate": False}],
    simmatch: [{}, {"tau": 0.5, "alpha": 0.6, "temperature": 0.5, "bank_decay": 0.3, "embedding": 6, "align": True,
                    "align_decay": 0.7}],
}

# Views beyond one weak and one strong, drawn after the others.
EXTRA = {pi_model: ["weak2"], mean_teacher: ["weak2"], mixmatch: ["weak2", "weak3"], adamatch: ["x2"]}


def run(method, config, seed):
    generator = torch.Generator().manual_seed(seed)
    step, steps = method(config), []
    for number in range(STEPS):
        batch = inputs(generator, spread=3.0 if method is not freematch else 1.5)
        for name in EXTRA.get(method, []):
            like = batch["x" if name == "x2" else "weak"]
            batch[name] = like + 0.5 * torch.randn(like.shape, generator=generator)
        scale = torch.ones(CLASSES)
        if method is mean_teacher:  # its student moves
            scale = scale + 0.2 * number * torch.tensor([1.0, -1.0, 0.5, -0.5])
        scale.requires_grad_(True)
        torch.manual_seed(1000 + number)
        result = step(batch, scale, number / STEPS)
        (gradient,) = torch.autograd.grad(result["loss"], scale)
        assert math.isfinite(result["loss"].item())
        steps.append({**({"scale": rounded(scale.detach())} if method is mean_teacher else {}), "batch": {k: rounded(v) for k, v in batch.items()}, "gradient": rounded(gradient),
                      "expected": {k: rounded(v.detach()) for k, v in result.items()}})
    return {"config": config, "steps": steps}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for method, configs in CASES.items():
        document = {
            "about": f"Made by scripts/golden/methods.py with PyTorch {torch.__version__}; do not edit.",
            "method": method.__name__, "classes": CLASSES, "labeled": LABELED, "unlabeled": POOL, "class_share": SHARE,
            "cases": [run(method, config, 100 + i) for i, config in enumerate(configs)],
        }
        (OUT / f"{method.__name__}.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
