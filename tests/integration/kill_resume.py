#!/usr/bin/env python3
"""A run killed at random moments and resumed ends with the same weights as a run that never stopped, byte for byte.

kill_resume.py FEWLABEL [--kills N] [--workers 0,1,4] [--method NAME] [--steps N] [--seed N]
"""
import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import data

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("program")
parser.add_argument("--kills", type=int, default=3)
parser.add_argument("--workers", default="0,1,4")
parser.add_argument("--method", default="freematch")
parser.add_argument("--steps", type=int, default=60)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()


def command(out, workers, *more):
    return [options.program, "train", f"out={out}", f"train.workers={workers}", "train.checkpoint_seconds=0",
            "--quiet", *more]


def start(folder, out, workers):
    return command(out, workers, f"data={folder}/idx@40:seed=0", f"method={options.method}", "train.batch=16",
                   f"train.steps={options.steps}", "train.log_every=7", "train.evaluate_every=20")


def digest(out):
    with open(f"{out}/model/model.safetensors", "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def metrics(out):
    """Logged values without those that measure time."""
    lines = []
    for line in open(f"{out}/metrics.jsonl"):
        record = json.loads(line)
        lines.append({k: v for k, v in record.items() if k not in ("seconds", "examples_per_second", "wait_share")})
    return lines


def saved(out):
    """The newest checkpoint's step; -1 without one."""
    try:
        return max((int(name.split("-")[1]) for name in os.listdir(f"{out}/checkpoints")
                    if name.startswith("step-") and ".tmp" not in name), default=-1)
    except FileNotFoundError:
        return -1


def check(condition, sentence):
    if not condition:
        sys.exit("FAILED: " + sentence)


rng = random.Random(options.seed)
with tempfile.TemporaryDirectory() as folder:
    data.write_idx(f"{folder}/idx")
    whole = f"{folder}/whole"
    subprocess.run(start(folder, whole, 1), check=True)
    for workers in options.workers.split(","):
        out = f"{folder}/killed-{workers}"
        line = start(folder, out, workers)
        # Moments in order, so that each kill meets a run that has gone on; the first may come before any checkpoint.
        moments = sorted(rng.randrange(0, options.steps - 4) for _ in range(options.kills))
        for moment in moments:
            process = subprocess.Popen(line)
            while process.poll() is None and saved(out) < moment:
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.06))  # in the middle of a step, of a save, of the writing of a line
            check(process.poll() is None, f"workers={workers}: ended by itself at step {saved(out)}, before {moment}")
            process.send_signal(signal.SIGKILL)
            process.wait()
            begun = os.path.exists(f"{out}/stages.json")
            line = command(out, workers, "--resume") if begun else start(folder, out, workers) + ["--overwrite"]
        subprocess.run(line, check=True)
        check(digest(out) == digest(whole), f"workers={workers}: the weights differ after {options.kills} kills")
        check(metrics(out) == metrics(whole), f"workers={workers}: metrics.jsonl differs after {options.kills} kills")
        print(f"workers={workers}: {options.kills} kills, weights and metrics identical")
