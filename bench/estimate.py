#!/usr/bin/env python3
"""Estimates of accuracy against the truth: runs that have a test set are asked for the estimate as well.

  bench/estimate.py [--program build/product/bin/fewlabel] [--data fashion_mnist@40 …] [--methods …] [--draws 0,1,2]
                    [--steps 800] [--out bench/results/estimate.json]

Each run is trained as if there were no test set (nothing is chosen by either), then judged by both. Printed: how often
the truth lies within the stated interval, how wide that is, and how far the estimate itself is off.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--program", default=os.path.join(here, "..", "build", "product", "bin", "fewlabel"))
parser.add_argument("--data", nargs="+", default=["fashion_mnist@40", "fashion_mnist@100"])
parser.add_argument("--methods", nargs="+", default=["freematch", "fixmatch", "supervised"])
parser.add_argument("--draws", default="0,1,2,3,4")
parser.add_argument("--steps", type=int, default=800)
parser.add_argument("--more", nargs="*", default=["net=seed_cnn"], help="further KEY=VALUE")
parser.add_argument("--out", default=os.path.join(here, "results", "estimate.json"))
options = parser.parse_args()

runs = []
with tempfile.TemporaryDirectory() as folder:
    for data in options.data:
        for method in options.methods:
            for draw in options.draws.split(","):
                command = [options.program, "train", f"data={data}:seed={draw}", f"method={method}", f"seed={draw}",
                           f"train.steps={options.steps}", "estimate=holdout", f"out={folder}/run", "--overwrite", "--quiet",
                           *options.more]
                subprocess.run(command, check=True)
                summary = json.load(open(f"{folder}/run/summary.json"))
                run = {"data": data, "method": method, "draw": int(draw),
                       **{key: summary[key] for key in ("accuracy", "estimated_accuracy", "estimated_low",
                                                        "estimated_high", "estimate_disagreement", "labels")}}
                run["inside"] = run["estimated_low"] <= run["accuracy"] <= run["estimated_high"]
                runs.append(run)
                print(f"{data} {method} draw {draw}: truth {100 * run['accuracy']:.1f}, estimate "
                      f"{100 * run['estimated_accuracy']:.1f} ({100 * run['estimated_low']:.0f} to "
                      f"{100 * run['estimated_high']:.0f}) {'' if run['inside'] else 'OUTSIDE'}", flush=True)
                machine = summary["machine"]

for private in ("blas", "working_folder"):
    machine.pop(private, None)
off = [run["accuracy"] - run["estimated_accuracy"] for run in runs]
result = {"command": "bench/estimate.py", "data": options.data, "methods": options.methods, "draws": options.draws,
          "steps": options.steps, "more": options.more, "date": time.strftime("%Y-%m-%d"), "machine": machine,
          "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=here).stdout.strip(),
          "runs": runs, "inside": sum(run["inside"] for run in runs), "of": len(runs),
          "below": sum(run["accuracy"] < run["estimated_low"] for run in runs),
          "above": sum(run["accuracy"] > run["estimated_high"] for run in runs),
          "width": statistics.mean(run["estimated_high"] - run["estimated_low"] for run in runs),
          "truth_minus_estimate": {"mean": statistics.mean(off), "std": statistics.pstdev(off)}}
os.makedirs(os.path.dirname(options.out), exist_ok=True)
with open(options.out, "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
print(f"inside the interval: {result['inside']} of {result['of']} (below {result['below']}, above {result['above']}); "
      f"width {100 * result['width']:.0f} points; truth - estimate {100 * result['truth_minus_estimate']['mean']:+.1f} ± "
      f"{100 * result['truth_minus_estimate']['std']:.1f} points")
