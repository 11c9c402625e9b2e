#!/usr/bin/env python3
"""Seconds of a training step on a GPU: `fewlabel bench` against the same step in PyTorch, in turns on one machine.

  pytorch_gpu.py step fixmatch --mode default            one step in PyTorch alone
  pytorch_gpu.py compare --program PATH --rounds 5 --out results.json

Modes: default is what a script without any setting does, tuned is channels_last, bf16 autocast and cuDNN's search for the
fastest convolutions. fixmatch: WRN-28-2, 64 labelled + 7 · 64 unlabelled images of 32 × 32 × 3, one pass over all views as in
the authors' code, SGD with Nesterov momentum, an average of the weights. small: the same with
seed_cnn and 28 × 28 × 1. simclr: ResNet-18 with the small stem, two views of 256 images, projector, SGD. The input is random and the same in every step; in PyTorch it lies on the GPU already, while
fewlabel copies and normalises its bytes anew in every step. A step ends when the GPU has finished it.
"""
import argparse, copy, json, statistics, subprocess, sys, time

WARM = 20


def step(args):
    import torch, torch.nn as nn, torch.nn.functional as F
    import pytorch_peer  # the nets, as on a processor
    tuned = args.mode == "tuned"
    torch.backends.cudnn.benchmark = tuned
    layout = torch.channels_last if tuned else torch.contiguous_format
    device = "cuda"
    compares_views = args.what == "simclr"
    if compares_views:
        net, shape = pytorch_peer.small_resnet18(), (3, 32, 32)
        net.fc = nn.Sequential(
            nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(),
            nn.Linear(512, 128, bias=False), nn.BatchNorm1d(128, affine=False))
    else:
        make, shape = pytorch_peer.NETS["wrn28_2" if args.what == "fixmatch" else "seed_cnn"]
        net = make()
    net = net.to(device, memory_format=layout)
    average = None if compares_views else copy.deepcopy(net)
    sgd = torch.optim.SGD(net.parameters(), 0.03, 0.9, nesterov=True, weight_decay=5e-4)
    count = 2 * 256 if compares_views else 64 + 2 * 7 * 64
    x = torch.randn(count, *shape, device=device).contiguous(memory_format=layout)
    y = torch.randint(0, 10, (64,), device=device)
    partner = torch.arange(512, device=device).roll(256)
    self_pair = torch.eye(512, dtype=torch.bool, device=device)

    def once():
        with torch.autocast(device, dtype=torch.bfloat16, enabled=tuned):
            out = net(x)
        out = out.float()
        if not compares_views:
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
    asked = {"fixmatch": "fixmatch/wrn_28_2", "small": "fixmatch/seed_cnn", "simclr": "simclr/resnet18"}
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
    one.add_argument("what", choices=["fixmatch", "small", "simclr"])
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
