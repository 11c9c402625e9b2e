"""Every recipe for Fashion-MNIST, cut down to a few updates, on made-up data of the same shape: it must end well.

    smoke.py FEWLABEL [RECIPE …]

The time is that of a whole run, report and probes included, and is printed, not asserted.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

import data

program, wanted = sys.argv[1], sys.argv[2:]
recipes = pathlib.Path(__file__).resolve().parents[2] / "recipes" / "fashion_mnist"
failed, slowest = [], (0.0, "")
with tempfile.TemporaryDirectory() as folder:
    data.write_idx(folder + "/data", train=400, test=120, classes=4)
    for recipe in sorted(recipes.glob("*.toml")):
        if wanted and recipe.stem not in wanted:
            continue
        content = tomllib.loads(recipe.read_text())
        labels = "@" in content["data"]["path"]
        stages = range(1, len(content.get("stage", [0])) + 1)
        prefix = [f"stage.{i}." if "stage" in content else "" for i in stages]
        words = [f"{p}train.{key}" for p in prefix for key in ("steps=12", "minutes=auto")]
        words += ["baseline=none", "data=" + folder + "/data" + ("@40:seed=0" if labels else ""), f"out={folder}/{recipe.stem}"]
        begin = time.monotonic()
        run = subprocess.run([program, "train", recipe, *words, "--quiet", "--json"], capture_output=True, text=True)
        seconds = time.monotonic() - begin
        slowest = max(slowest, (seconds, recipe.stem))
        good = run.returncode == 0 and run.stdout and json.loads(run.stdout)
        print(f"{recipe.stem:24} {seconds:6.1f} s {'' if good else 'FAILED: ' + run.stderr.strip()}", flush=True)
        if not good:
            failed.append(recipe.stem)
print(f"slowest: {slowest[1]}, {slowest[0]:.1f} s")
sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
