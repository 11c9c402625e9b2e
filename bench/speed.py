#!/usr/bin/env python3
"""Every speed that docs/speed.md quotes, one after the other; the result goes to bench/results/speed-NAME.json.

  bench/speed.py zen4 [--only PATTERN] [--program build/release/bin/fewlabel] [--python /usr/bin/python3]

Steps are taken in turns with bench/pytorch_peer.py (Debian: python3-torch, python3-torchvision). With --only, what the file
already holds stays. Measure on an idle machine: the peer's default mode makes it half an hour.
"""
import argparse
import json
import os
import re
import subprocess
import time

here = os.path.dirname(os.path.abspath(__file__))
PEER = ["--peer", os.path.join(here, "pytorch_peer.py")]
WRN, SEED = "fixmatch/wrn_28_2", "fixmatch/seed_cnn"
BENCHES = {
    "seed_cnn": [SEED, "--rounds", 5, *PEER],
    "seed_cnn-fp32": [SEED, "--precision", "fp32", "--rounds", 5, "--modes", "channels_last", *PEER],
    "wrn_28_2": [WRN, "--rounds", 5, "--steps", 3, "--warm", 1, *PEER],
    "wrn_28_2-fp32": [WRN, "--precision", "fp32", "--rounds", 3, "--steps", 2, "--warm", 1, "--modes", "channels_last", *PEER],
    "supervised-resnet18": ["supervised/resnet18", "--rounds", 5, *PEER],
    "simclr-resnet18": ["simclr/resnet18", "--rounds", 5, "--steps", 2, "--warm", 1, *PEER],
    "mae": ["mae/vit_micro", "--rounds", 5],
    "gan": ["gan/cnn", "--rounds", 5],
    "freematch-cnn": ["freematch/cnn", "mu=5", "--rounds", 5],
    **{f"wrn_28_2-threads-{n}": [WRN, "--steps", 5, "--threads", n] for n in (1, 2)},
    **{f"freematch-cnn-threads-{n}": ["freematch/cnn", "mu=5", "--rounds", 3, "--threads", n] for n in (1, 2)},
    **{f"wrn_28_2-kept-{share}-{way}": [WRN, f"strong_forward={way}", "--kept", share / 100, "--steps", 4]
       for share in (30, 60, 90) for way in ("all", "kept")},
    "augment": ["augment", *PEER],
    "loader": ["loader"],
    "loader-28x28": ["loader", "--side", 28, "--channels", 1],
    "checkpoint": ["checkpoint"],
    "peak": ["peak"],
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name")
parser.add_argument("--only", default="")
parser.add_argument("--program", default=os.path.join(here, "..", "build", "release", "bin", "fewlabel"))
parser.add_argument("--python", default="/usr/bin/python3")
asked = parser.parse_args()


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=here).stdout.strip()


path = os.path.join(here, "results", f"speed-{asked.name}.json")
results = json.load(open(path)) if os.path.exists(path) else {}
for name, arguments in BENCHES.items():
    if not re.search(asked.only, name):
        continue
    words = ["bench", *map(str, arguments), "--json", *(["--python", asked.python] if PEER[1] in arguments else [])]
    result = json.loads(output(asked.program, *words))
    result["command"] = "fewlabel " + " ".join(os.path.relpath(w, os.path.dirname(here)) if w == PEER[1] else w for w in words)
    result["commit"] = output("git", "rev-parse", "--short", "HEAD")
    result["date"] = time.strftime("%Y-%m-%d")
    results[name] = result
    brief = {key: result[key] for key in ("seconds_per_step", "peak_mib", "kept", "ratio") if key in result}
    print(name, brief, [(p["mode"], round(p["ratio"], 2)) for p in result.get("peers", [])], flush=True)
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
