#!/usr/bin/env python3
"""Seconds of a training step on a GPU: `fewlabel bench` against the same step in PyTorch, in turns on one machine.

  pytorch_gpu.py step fixmatch --mode default            one step in PyTorch alone
  pytorch_gpu.py compare --program PATH --rounds 5 --out results.json

Modes: default is what a script without any setting does, tuned is channels_last, bf16 autocast and cuDNN's search for the
fastest convolutions. fixmatch: WRN-28-2, 64 labelled + 7 · 64 unlabelled images of 32 × 32 × 3, one pass over all views as in
the authors' code, SGD with Nesterov momentum, an average of the weights. simclr: ResNet-18 with the small stem, two views of
256 images, projector, SGD. The input is random and the same in every step; in PyTorch it lies on the GPU already, while
fewlabel copies and normalises its bytes anew in every step. A step ends when the GPU has finished it.
"""
import argparse, copy, json, statistics, subprocess, sys, time

WARM = 20


def wrn28_2(nn, F, classes=10):
    class WideBlock(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.bn1, self.conv1 = nn.BatchNorm2d(i, momentum=0.001), nn.Conv2d(i, o, 3, stride, 1, bias=False)
            self.bn2, self.conv2 = nn.BatchNorm2d(o, momentum=0.001), nn.Conv2d(o, o, 3, 1, 1, bias=False)
            self.short = nn.Conv2d(i, o, 1, stride, bias=False) if i != o else None

        def forward(self, x):
            h = F.leaky_relu(self.bn1(x), 0.1)
            y = self.conv2(F.leaky_relu(self.bn2(self.conv1(h)), 0.1))
            return y + (x if self.short is None else self.short(h))

    layers, i = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
    for o, stride in ((32, 1), (64, 2), (128, 2)):
        for k in range(4):
            layers.append(WideBlock(i, o, stride if k == 0 else 1))
            i = o
    return nn.Sequential(*layers, nn.BatchNorm2d(128, momentum=0.001), nn.LeakyReLU(0.1),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))


def resnet18(nn, F):
    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
            self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
            self.short = nn.Identity() if i == o else nn.Sequential(
                nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

        def forward(self, x):
            return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.short(x))

    layers, i = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
    for o, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for k in range(2):
            layers.append(Block(i, o, stride if k == 0 else 1))
            i = o
    projector = (nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(),
                 nn.Linear(512, 128, bias=False), nn.BatchNorm1d(128, affine=False))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *projector)


def step(args):
    import torch, torch.nn as nn, torch.nn.functional as F
    tuned = args.mode == "tuned"
    torch.backends.cudnn.benchmark = tuned
    layout = torch.channels_last if tuned else torch.contiguous_format
    device = "cuda"
    net = (wrn28_2 if args.what == "fixmatch" else resnet18)(nn, F).to(device, memory_format=layout)
    average = copy.deepcopy(net) if args.what == "fixmatch" else None
    sgd = torch.optim.SGD(net.parameters(), 0.03, 0.9, nesterov=True, weight_decay=5e-4)
    count = 64 + 2 * 7 * 64 if args.what == "fixmatch" else 2 * 256
    x = torch.randn(count, 3, 32, 32, device=device).contiguous(memory_format=layout)
    y = torch.randint(0, 10, (64,), device=device)
    partner = torch.arange(512, device=device).roll(256)
    self_pair = torch.eye(512, dtype=torch.bool, device=device)

    def once():
        with torch.autocast(device, dtype=torch.bfloat16, enabled=tuned):
            out = net(x)
        out = out.float()
        if args.what == "fixmatch":
            weak, strong = out[64:].chunk(2)
            confidence, target = F.softmax(weak.detach(), 1).max(1)
            loss = F.cross_entropy(out[:64], y) + (
                F.cross_entropy(strong, target, reduction="none") * (confidence >= 0.95).float()).mean()
        else:
            z = F.normalize(out, dim=1)
            loss = F.cross_entropy((z @ z.T / 0.2).masked_fill(self_pair, -1e9), partner)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        if average is not None:
            with torch.no_grad():
                torch._foreach_lerp_(list(average.parameters()), list(net.parameters()), 0.001)

    for _ in range(WARM):
        once()
    torch.cuda.synchronize()
    times = []
    for _ in range(args.steps):
        start = time.perf_counter()
        once()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    print(json.dumps({"program": f"PyTorch {torch.__version__}, {args.mode}",
                      "seconds_per_step": statistics.median(times)}))


def compare(args):
    common = ["--device", "cuda", "--json", "--no-count", "--warm", str(WARM), "--steps", str(args.steps)]
    asked = {"fixmatch": "fixmatch/wrn_28_2", "simclr": "simclr/resnet18"}
    results = {}
    for what in asked:
        seconds = {}
        for _ in range(args.rounds):
            for name, command in {
                "fewlabel fp32": [args.program, "bench", asked[what], *common, "--precision", "fp32"],
                "PyTorch default": [sys.executable, __file__, "step", what, "--steps", str(args.steps)],
                "fewlabel bf16": [args.program, "bench", asked[what], *common, "--precision", "bf16"],
                "PyTorch tuned": [sys.executable, __file__, "step", what, "--mode", "tuned", "--steps", str(args.steps)],
            }.items():
                run = subprocess.run(command, capture_output=True, text=True)
                if run.returncode:
                    print(name, "failed:", (run.stderr or run.stdout)[-400:], flush=True)
                    continue
                seconds.setdefault(name, []).append(json.loads(run.stdout)["seconds_per_step"])
            results[what] = {name: {"median": statistics.median(all), "rounds": all} for name, all in seconds.items()}
            with open(args.out, "w") as file:
                json.dump(results, file, indent=1)
        for name, found in results.get(what, {}).items():
            print(f"{what:9} {name:16} {1e3 * found['median']:8.2f} ms a step "
                  f"({1e3 * min(found['rounds']):.2f} to {1e3 * max(found['rounds']):.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    one = verbs.add_parser("step")
    one.add_argument("what", choices=["fixmatch", "simclr"])
    one.add_argument("--mode", choices=["default", "tuned"], default="default")
    one.set_defaults(run=step)
    both = verbs.add_parser("compare")
    both.add_argument("--program", required=True)
    both.add_argument("--rounds", type=int, default=5)
    both.add_argument("--out", required=True)
    both.set_defaults(run=compare)
    for verb in (one, both):
        verb.add_argument("--steps", type=int, default=50)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
