#!/usr/bin/env python3
"""Accuracy over seeds, as docs/results.md quotes it: trains, reads summary.json, prints mean ± standard deviation.

  bench/accuracy.py NAME [--seeds 0,1,2] [--program build/product/bin/fewlabel] -- ARGUMENTS OF fewlabel train

`{seed}` in the arguments is replaced. The result goes to bench/results/accuracy-NAME.json with the machine, the commit
and the command. Example:

  bench/accuracy.py fashion_mnist-100 -- 'data=fashion_mnist@100:seed={seed}' --minutes 4 baseline=supervised

Methods that learn without labels are judged by the probes of their run.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name")
parser.add_argument("--seeds", default="0,1,2")
parser.add_argument("--program", default=os.path.join(here, "..", "build", "product", "bin", "fewlabel"))
parser.add_argument("--reuse", action="store_true", help="keep seeds that are finished in runs/accuracy")
parser.add_argument("--commit", help="what the program was built from; the checkout's by default")
parser.add_argument("arguments", nargs="+", help="of fewlabel train, after --")
options = parser.parse_args()


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=here).stdout.strip()


ACCURACIES = ("accuracy", "supervised_accuracy", "linear_accuracy", "knn_accuracy", "knn_euclidean_accuracy")
runs = []
for seed in options.seeds.split(","):
    out = f"runs/accuracy/{options.name}-{seed}"
    command = [options.program, "train", *(a.replace("{seed}", seed) for a in options.arguments),
               f"seed={seed}", f"out={out}", "--overwrite", "--quiet"]
    begin = time.monotonic()
    reused = options.reuse and os.path.exists(f"{out}/summary.json")
    if not reused:
        subprocess.run(command, check=True)
    summary = json.load(open(f"{out}/summary.json"))
    if not reused:
        summary["wall_seconds"] = time.monotonic() - begin
    runs.append(summary)
    shown = [f"{key} {summary[key]:.4f}" for key in ACCURACIES if summary.get(key) is not None]
    print(f"seed {seed}: {', '.join(shown)}, {summary['train_seconds']:.0f} s", flush=True)


def spread(key):
    values = [run[key] for run in runs if run.get(key) is not None]
    if not values:
        return None
    return {"mean": statistics.mean(values), "std": statistics.stdev(values) if len(values) > 1 else 0.0, "values": values}


keys = (*ACCURACIES, "reconstruction_error", "embedding_rank", "ece", "ece_calibrated", "train_seconds",
        "supervised_seconds", "examples_per_second", "peak_memory_mb", "wall_seconds", "steps")
result = {"name": options.name, "seeds": options.seeds, "arguments": options.arguments,
          "commit": options.commit or output("git", "rev-parse", "--short", "HEAD"),
          "dirty": not options.commit and bool(output("git", "status", "--porcelain", "-uno")),
          "date": time.strftime("%Y-%m-%d"), "machine": runs[0]["machine"]}
for private in ("blas", "working_folder"):
    result["machine"].pop(private, None)
result.update({key: spread(key) for key in keys if spread(key)})
os.makedirs(os.path.join(here, "results"), exist_ok=True)
with open(os.path.join(here, "results", f"accuracy-{options.name}.json"), "w") as file:
    json.dump(result, file, indent=2)
    file.write("\n")
for key in (*ACCURACIES, "ece"):
    if key in result:
        print(f"{key}: {100 * result[key]['mean']:.2f} ± {100 * result[key]['std']:.2f} %")
