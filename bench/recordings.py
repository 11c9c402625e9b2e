#!/usr/bin/env python3
"""Recordings from few labels, as docs/results.md quotes them: spoken digits, with one speaker left out, and strings of
digits that are written down.

  bench/recordings.py NAME --data FSDD [--sets 20,100,speaker-100,strings-60] [--seeds 0,1,2] [--minutes 10]
                      [--cores 1] [-- arguments of train]

FSDD holds train.csv and test.csv (path,label) of single digits. `20` and `100` keep so many labels of its training set
and judge on its test set; `speaker-100` learns from all recordings but one speaker's (the speaker of number `seed` in
the alphabet), of which 100 have a label, and judges on that speaker's; `strings-60` makes strings of digits
(scripts/digit_strings.py, of that seed) of which 60 are transcribed.

Two ways each, within the same minutes: `default`, what a command without a method gets, and `alone`, the labels or
transcripts alone (supervised, ctc) with the same net. Nothing is chosen on the test sets.

The result goes to bench/results/recordings-NAME.json.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

from few_labels import PROGRAM, here, made_by, parse, spread, write_result

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name")
parser.add_argument("--data", required=True)
parser.add_argument("--sets", default="20,100,speaker-100,strings-60")
parser.add_argument("--seeds", default="0,1,2")
parser.add_argument("--minutes", type=float, default=10)
parser.add_argument("--cores", type=int, default=0, help="threads of the step and of the loader; 0: as it comes")
parser.add_argument("--ways", default="default,alone")
parser.add_argument("--program", default=PROGRAM)
parser.add_argument("--keep", help="folder for data and runs instead of a temporary one; finished runs are reused")
options = parse(parser)


def rows_of(name):
    with open(os.path.join(options.data, name), newline="", encoding="utf-8") as file:
        return [(os.path.join(os.path.abspath(options.data), row["path"]), row["label"]) for row in csv.DictReader(file)]


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label"), *rows])


def prepare(entry, seed, work):
    """Arguments that name the data, and whether labels are transcripts."""
    kind, _, labels = entry.rpartition("-")
    folder = os.path.join(work, f"data-{entry}-{seed}")
    os.makedirs(folder, exist_ok=True)
    train, test = os.path.join(folder, "train.csv"), os.path.join(folder, "test.csv")
    if kind == "strings":
        if not os.path.exists(test):
            subprocess.run([sys.executable, os.path.join(here, "..", "scripts", "digit_strings.py"), options.data, folder,
                            "--transcribed", labels, "--seed", str(seed)], check=True)
        return [f"data={train}", f"data.test={test}"], True
    if kind == "speaker":
        rows = rows_of("train.csv") + rows_of("test.csv")
        speaker = sorted({os.path.basename(path).split("_")[1] for path, _ in rows})[seed]
        write(train, [row for row in rows if f"_{speaker}_" not in os.path.basename(row[0])])
        write(test, [row for row in rows if f"_{speaker}_" in os.path.basename(row[0])])
        return [f"data={train}@{labels}:seed={seed}", f"data.test={test}"], False
    return [f"data={os.path.join(options.data, 'train.csv')}@{labels}:seed={seed}",
            f"data.test={os.path.join(options.data, 'test.csv')}"], False


def run(folder, arguments):
    summary = os.path.join(folder, "summary.json")
    if not os.path.exists(summary):
        cores = [f"train.threads={options.cores}", f"train.workers={options.cores}"] if options.cores else []
        subprocess.run([options.program, "train", *arguments, *cores, "--minutes", str(options.minutes), f"out={folder}",
                        "--overwrite", "baseline=none", "--progress", "none", *options.arguments],
                       check=True, stdout=subprocess.DEVNULL)
    with open(summary, encoding="utf-8") as file:
        found = json.load(file)
    keys = ("accuracy", "word_error_rate", "character_error_rate", "method", "net", "steps", "train_seconds",
            "examples_per_second")
    return {key: found.get(key) for key in keys}


def main():
    result = {"command": sys.argv, **made_by(options.program), "minutes": options.minutes,
              "cores": options.cores or os.cpu_count(), "runs": []}
    work = options.keep or tempfile.mkdtemp(prefix="fewlabel-recordings-")
    ways = options.ways.split(",")
    print("| set | " + " | ".join(ways) + " |\n|---" + "|---" * len(ways) + "|")
    for entry in options.sets.split(","):
        found = {way: [] for way in ways}
        for seed in map(int, options.seeds.split(",")):
            data, transcribed = prepare(entry, seed, work)
            for way in ways:
                alone = ["method=ctc" if transcribed else "method=supervised"] if way == "alone" else []
                figures = run(os.path.join(work, f"{entry}-{way}-{seed}"), [*data, f"seed={seed}", *alone])
                found[way].append(figures["word_error_rate" if transcribed else "accuracy"])
                result["runs"].append({"set": entry, "seed": seed, "way": way, **figures})
                print(f"  {entry} {way} seed {seed}: {100 * found[way][-1]:.1f}", file=sys.stderr, flush=True)
        what = " (word error rate)" if entry.startswith("strings") else ""
        print(f"| {entry}{what} | " + " | ".join(spread(found[way]) for way in ways) + " |", flush=True)
    write_result(f"recordings-{options.name}", result)


main()
