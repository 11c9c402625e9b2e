#!/usr/bin/env python3
"""What a public encoder and few labels give, as docs/results.md quotes it.

  bench/encoders.py NAME --data FOLDER [--sets trec-60,subj-20,fsdd-20,fsdd-speaker-20,cifar10-40,…] [--seeds 0,1,2]
                    [--ways logistic,default,…] [--judge test] [-- arguments of train]

FOLDER holds trec/ and subj/ (train.csv, test.csv: text,label), fsdd/ (the same: path,label), cifar10/ (tar shards
whose names say train and test). A set is its name and the number of labels. `fsdd-speaker-N` learns from all recordings but one
speaker's (the one of number `seed` in the alphabet) and judges on that speaker's. `--judge held-out` judges on every
fifth example of the training set, which is what choices are made by; `test` is for the table alone.

Ways: `default` is what a command without a method gets with an encoder installed (`make encoders`); `scratch` is the
same with encoder=none and --minutes; `tuned` is recipes/folder/tuned.toml with --minutes; any other is a method's name. Seconds are those of the whole command; `--cold` runs
without features or pixels that an earlier run has kept.

The result goes to bench/results/encoders-NAME.json.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time

from few_labels import PROGRAM, made_by, parse, spread, write_result

TUNED = os.path.join(os.path.dirname(__file__), "..", "recipes", "folder", "tuned.toml")

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name")
parser.add_argument("--data", required=True)
parser.add_argument("--sets", default="trec-60,trec-300,subj-20,subj-100,fsdd-10,fsdd-20,fsdd-100,fsdd-speaker-20")
parser.add_argument("--seeds", default="0,1,2")
parser.add_argument("--ways", default="logistic,default")
parser.add_argument("--judge", default="test", choices=["held-out", "test"])
parser.add_argument("--minutes", type=float, default=10, help="of the ways `scratch` and `tuned`")
parser.add_argument("--cold", action="store_true")
parser.add_argument("--program", default=PROGRAM)
parser.add_argument("--keep", help="folder for data and runs instead of a temporary one; finished runs are reused")
options = parse(parser)


def table(path):
    """Header and rows of a table, whose paths become absolute."""
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    if header[0] == "path":
        rows = [[os.path.join(os.path.dirname(os.path.abspath(path)), row[0]), *row[1:]] for row in rows]
    return header, rows


def write(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def prepare(name, labels, seed, work):
    """Arguments that name the data."""
    folder = os.path.join(options.data, name.split("-")[0])
    if name == "cifar10":
        return [f"data={folder}@{labels}:seed={seed}"]
    header, train = table(os.path.join(folder, "train.csv"))
    _, test = table(os.path.join(folder, "test.csv"))
    if name == "fsdd-speaker":
        rows = train + test
        speaker = sorted({os.path.basename(row[0]).split("_")[1] for row in rows})[seed]
        train = [row for row in rows if f"_{speaker}_" not in os.path.basename(row[0])]
        test = [row for row in rows if f"_{speaker}_" in os.path.basename(row[0])]
    elif options.judge == "held-out":
        train, test = [row for i, row in enumerate(train) if i % 5], train[::5]
    own = os.path.join(work, f"{name}-{seed}-{options.judge}")
    os.makedirs(own, exist_ok=True)
    write(os.path.join(own, "train.csv"), header, train)
    write(os.path.join(own, "test.csv"), header, test)
    return [f"data={own}/train.csv@{labels}:seed={seed}", f"data.test={own}/test.csv"]


def run(folder, arguments):
    summary = os.path.join(folder, "summary.json")
    stamp = os.path.join(folder, "seconds")
    if not os.path.exists(summary):
        environment = dict(os.environ)
        if options.cold:
            environment["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="fewlabel-cold-")
        begun = time.time()
        subprocess.run([options.program, "train", *arguments, f"out={folder}", "--overwrite", "baseline=none",
                        "--progress", "none", *options.arguments], check=True, stdout=subprocess.DEVNULL,
                       env=environment)
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(f"{time.time() - begun:.1f}")
    with open(summary, encoding="utf-8") as file:
        found = json.load(file)
    with open(stamp, encoding="utf-8") as file:
        seconds = float(file.read())
    notes = [note for note in found.get("notes", []) if note.startswith(("best_head", "setfit"))]
    return {"accuracy": found["accuracy"], "balanced_accuracy": found.get("balanced_accuracy"), "seconds": seconds,
            "method": found.get("method"), "notes": notes}


def main():
    result = {**made_by(options.program), "judge": options.judge, "cores": os.cpu_count(),
              "cold": options.cold, "runs": []}
    work = options.keep or tempfile.mkdtemp(prefix="fewlabel-encoders-")
    ways = options.ways.split(",")
    print("| set | " + " | ".join(ways) + " |\n|---" + "|---" * len(ways) + "|")
    for entry in options.sets.split(","):
        name, _, labels = entry.rpartition("-")
        found = {way: [] for way in ways}
        for seed in map(int, options.seeds.split(",")):
            data = prepare(name, labels, seed, work)
            for way in ways:
                minutes = ["--minutes", str(options.minutes)]
                own = {"default": [], "scratch": ["encoder=none", *minutes], "tuned": [TUNED, *minutes]}.get(
                    way, [f"method={way}"])
                if way not in ("default", "scratch", "tuned") and not any("encoder=" in a for a in options.arguments):
                    known = {"fsdd": "speech_embedding", "cifar10": "efficientnet_lite0"}
                    own.append("encoder=" + known.get(name.split("-")[0], "minilm"))
                figures = run(os.path.join(work, f"{entry}-{options.judge}-{way}-{seed}"), [*own, *data, f"seed={seed}"])
                found[way].append(figures["accuracy"])
                result["runs"].append({"set": entry, "seed": seed, "way": way, **figures})
                print(f"  {entry} {way} seed {seed}: {100 * figures['accuracy']:.1f} in {figures['seconds']:.0f} s "
                      + " ".join(figures["notes"]), file=sys.stderr, flush=True)
        print(f"| {entry} | " + " | ".join(spread(found[way]) for way in ways) + " |", flush=True)
    write_result(f"encoders-{options.name}", result)


main()
