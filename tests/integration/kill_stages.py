#!/usr/bin/env python3
"""Runs of several stages, killed at random moments, moved in between and resumed, end with the same bits as runs that
never stopped: weights, what every stage found, and the logged values.

kill_stages.py FEWLABEL [--kills N] [--scenarios baseline,chain,estimate] [--steps N] [--seed N]

A kill comes at any moment of the time that a whole run takes, from the start of the process on: while data are read, in
any stage, between two stages, while results or the report are written.
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
parser.add_argument("--kills", type=int, default=3, help="of each scenario")
parser.add_argument("--scenarios", default="baseline,chain,estimate")
parser.add_argument("--steps", type=int, default=40)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
COMMON = ["net=seed_cnn", "train.batch=8", "train.threads=1", "train.workers=1", "train.log_every=7",
          "train.checkpoint_seconds=0.05", f"train.steps={options.steps}", "--quiet"]


def scenarios(folder):
    data.write_idx(f"{folder}/idx", train=300, test=60)
    data.write_folder(f"{folder}/photos", per_class=4, unlabeled=80, test=0)
    chain = f"{folder}/chain.toml"
    with open(chain, "w") as file:
        file.write('[[stage]]\nmethod = "simclr"\n[[stage]]\nmethod = "fixmatch"\n')
    with_test = [f"data={folder}/idx@24:seed=0", "method=freematch"]
    return {"baseline": [*with_test, "baseline=supervised"],
            "chain": [chain, f"data={folder}/idx@24:seed=0"],
            "estimate": [f"data={folder}/photos/train", "method=freematch", "baseline=supervised"]}


def figures(value):
    """Without what measures time or memory."""
    timed = ("seconds", "examples_per_second", "wait_share", "train_seconds", "supervised_seconds")
    if isinstance(value, dict):
        return {k: figures(v) for k, v in value.items() if k not in timed and k != "name"}
    return [figures(v) for v in value] if isinstance(value, list) else value


def state(out):
    """Everything that must be the same, by file."""
    found = {}
    for parent, _, files in os.walk(out):
        for name in files:
            path = os.path.join(parent, name)
            inside = os.path.relpath(path, out)
            if name.endswith(".safetensors"):
                found[inside] = hashlib.sha256(open(path, "rb").read()).hexdigest()
            elif name == "result.json":
                found[inside] = figures(json.load(open(path)))
            elif name == "metrics.jsonl":
                found[inside] = [figures(json.loads(line)) for line in open(path)]
            elif name == "plan.toml":
                found[inside] = open(path).read()
    return found


def under_way(out):
    """The first stage without a result."""
    for stage in json.load(open(f"{out}/stages.json"))["stages"]:
        if not os.path.exists(f"{out}/result.json" if stage == "main" else f"{out}/stages/{stage}/result.json"):
            return stage
    return "the end"


def check(condition, sentence):
    if not condition:
        sys.exit("FAILED: " + sentence)


rng = random.Random(options.seed)
with tempfile.TemporaryDirectory() as folder:
    settings = scenarios(folder)
    for name in options.scenarios.split(","):
        whole = f"{folder}/{name}-whole"
        first = [options.program, "train", *settings[name], *COMMON]
        begin = time.monotonic()
        subprocess.run([*first, f"out={whole}"], check=True)
        duration = time.monotonic() - begin
        expected, kills, finished, moved = state(whole), 0, 0, 0
        stages = {"not begun": 0}
        out, line = f"{folder}/{name}-0", [*first, f"out={folder}/{name}-0"]
        while kills < options.kills or finished == 0:
            process = subprocess.Popen(line)
            if kills < options.kills:
                time.sleep(rng.uniform(0.05, 1.0) * duration)
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    kills += 1
            code = process.wait()
            check(code in (0, -signal.SIGKILL), f"{name}: ended with code {code} after {kills} kills")
            begun = os.path.exists(f"{out}/stages.json")
            if code == 0:
                different = [k for k, v in expected.items() if state(out).get(k) != v]
                check(not different, f"{name}: after {kills} kills these differ: {', '.join(different)}")
                finished += 1
                out = f"{folder}/{name}-next-{finished}"
                line = [*first, f"out={out}"]
            elif begun:
                where = under_way(out)
                stages[where] = stages.get(where, 0) + 1
                if rng.random() < 0.5:
                    moved += 1
                    os.rename(out, f"{folder}/{name}-moved-{moved}")
                    out = f"{folder}/{name}-moved-{moved}"
                line = [options.program, "train", "--resume", f"out={out}", "train.checkpoint_seconds=0.05", "--quiet"]
            else:
                stages["not begun"] += 1
                line = [*first, f"out={out}", "--overwrite"]
        places = ", ".join(f"{count} in {where}" for where, count in stages.items() if count)
        print(f"{name}: {kills} kills ({places}), {moved} moves, {finished} runs finished, each with the same bits",
              flush=True)
