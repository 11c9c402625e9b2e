#!/usr/bin/env python3
"""Ordinary photographs and a budget in minutes: is the time kept, and what is learnt in it?

  bench/photos.py CIFAR10_SHARDS [--budgets 5,1,2,0.5] [--load 0,0,2,1] [--seeds 0] [--program …] [--out …]

Makes 2,000 + 1,000 JPEG files of mixed sizes (320 to 640 pixels wide, quality 70 to 95) from CIFAR-10's tar shards (a
folder with *train*.tar and *test*.tar), eight of each class labelled in a folder of its own, the others in `unlabeled`.
They are enlarged small pictures: their files cost what photographs cost, while the detail that photographs would have
is not there. Needs Python with Pillow. `--load N`: N processes that only compute run beside that budget.
"""
import argparse
import glob
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("shards")
parser.add_argument("--budgets", default="5,1,2,0.5")
parser.add_argument("--load", default="0,0,2,1")
parser.add_argument("--seeds", default="0")
parser.add_argument("--baseline", default="supervised")
parser.add_argument("--program", default=os.path.join(here, "..", "build", "product", "bin", "fewlabel"))
parser.add_argument("--out", default=os.path.join(here, "results", "photos.json"))
options = parser.parse_args()

from PIL import Image


def examples(part):
    for path in sorted(glob.glob(os.path.join(options.shards, f"*{part}*.tar"))):
        with tarfile.open(path) as tar:
            members, key = {}, None
            for member in tar:
                stem, suffix = member.name.rsplit(".", 1)
                if stem != key:
                    members, key = {}, stem
                members[suffix] = tar.extractfile(member).read()
                if "cls" in members and len(members) == 2:
                    [image] = [content for name, content in members.items() if name != "cls"]
                    yield image, members["cls"].decode().strip()


def make(folder, seed, train=2000, test=1000, labels=8):
    rng = random.Random(seed)
    for part, wanted in (("train", train), ("test", test)):
        labelled = {}
        for number, (content, label) in enumerate(examples(part)):
            if number == wanted:
                break
            place = label
            if part == "train":
                labelled[label] = labelled.get(label, 0) + 1
                if labelled[label] > labels:
                    place = "unlabeled"
            width = rng.randrange(320, 641)
            image = Image.open(io.BytesIO(content)).convert("RGB").resize((width, width * 3 // 4), Image.Resampling.BICUBIC)
            target = os.path.join(folder, part, place)
            os.makedirs(target, exist_ok=True)
            image.save(os.path.join(target, f"{number}.jpg"), quality=rng.randrange(70, 96))


burn = "while True: pass"
results = []
with tempfile.TemporaryDirectory() as folder:
    for seed in options.seeds.split(","):
        photos = f"{folder}/photos-{seed}"
        make(photos, int(seed))
        for minutes, load in zip(options.budgets.split(","), options.load.split(",")):
            beside = [subprocess.Popen([sys.executable, "-c", burn]) for _ in range(int(load))]
            begin = time.monotonic()
            subprocess.run([options.program, "train", f"data={photos}", f"seed={seed}", "--minutes", minutes,
                            f"baseline={options.baseline}", "data.disk_cache_mb=0", f"out={folder}/run", "--overwrite"], check=True)
            wall = time.monotonic() - begin
            for process in beside:
                process.kill()
            summary = json.load(open(f"{folder}/run/summary.json"))
            size = tomllib.load(open(f"{folder}/run/plan.toml", "rb"))["data"]["size"]
            results.append({"minutes": float(minutes), "load": int(load), "seed": int(seed), "wall_minutes": wall / 60,
                            "over": wall / 60 / float(minutes) - 1, "accuracy": summary["accuracy"],
                            "supervised_accuracy": summary.get("supervised_accuracy"), "steps": summary["steps"],
                            "net": summary["net"], "size": size})
            print(f"{minutes} min, {load} beside, seed {seed}: took {wall / 60:.2f} min ({100 * results[-1]['over']:+.1f} %), "
                  f"{100 * summary['accuracy']:.1f} %, labels alone {100 * summary.get('supervised_accuracy', 0):.1f} %, "
                  f"{summary['steps']} steps of {summary['net']} at {size} pixels", flush=True)
machine = summary["machine"]
for private in ("blas", "working_folder"):
    machine.pop(private, None)
with open(options.out, "w") as file:
    json.dump({"command": "bench/photos.py", "date": time.strftime("%Y-%m-%d"), "machine": machine,
               "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                                        cwd=here).stdout.strip(), "runs": results}, file, indent=1)
    file.write("\n")
