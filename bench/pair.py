#!/usr/bin/env python3
"""Two builds of the program in turns: does a change cost speed?

  bench/pair.py OLD NEW [--what fixmatch/seed_cnn,freematch/cnn,simclr/cnn,augment,loader] [--rounds 15] [--threads N]

OLD and NEW are programs `fewlabel`. Each round runs both, in an order that changes from round to round; of each pair the
ratio OLD / NEW of seconds is taken (above 1: the new one is faster). Printed are the median of the ratios and the
interval that holds it with 95 % (from ranks, so one slow minute moves nothing), for each figure of each benchmark.
"""
import argparse
import json
import math
import statistics
import subprocess

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("old")
parser.add_argument("new")
parser.add_argument("--what", default="fixmatch/seed_cnn,freematch/cnn,simclr/cnn,augment,loader")
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--threads", type=int, help="of both programs; all by default")
options = parser.parse_args()


def seconds(program, what):
    """{figure: seconds} of one run, whatever the rates were called when the program was built."""
    words = [program, "bench", what, "--json"]
    if "/" in what:
        words.append("--no-count")
    if options.threads:
        words += ["--threads", str(options.threads)]
    found = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    if what == "loader":
        return {f"{entry['workers']} workers": entry["seconds_per_batch"] for entry in found["workers"]}
    if what == "augment":
        rates = next(value for key, value in found.items() if key.endswith("_per_second_and_core"))
        return {policy: 1 / rate for policy, rate in rates.items()}
    return {"step": found["seconds_per_step"]}


def interval(values):
    """Order statistics between which the median lies with at least 95 %."""
    n, below, rank = len(values), 0.0, 0
    while below + math.comb(n, rank) / 2**n <= 0.025:
        below += math.comb(n, rank) / 2**n
        rank += 1
    values = sorted(values)
    return values[max(rank - 1, 0)], values[n - max(rank, 1)]


for what in options.what.split(","):
    ratios = {}
    for turn in range(options.rounds):
        pair = [("old", options.old), ("new", options.new)]
        times = {name: seconds(program, what) for name, program in (pair if turn % 2 else pair[::-1])}
        for figure, value in times["new"].items():
            ratios.setdefault(figure, []).append(times["old"][figure] / value)
    for figure, values in ratios.items():
        low, high = interval(values)
        print(f"{what:20} {figure:10} old / new {statistics.median(values):.3f} ({low:.3f} to {high:.3f})", flush=True)
