#!/usr/bin/env python3
"""Unequal classes, as docs/results.md quotes them: is the default below the labels alone, or below what it was?

  bench/unequal.py NAME [--data fashion_mnist | cifar10 | three] [--judge held-out | test] [--seeds 0,1,2] [options]

Pools are drawn from the training images: `--pool` of them, in equal shares (uniform), in shares that fall by a
factor of --gamma from the first class to the last (skewed), or in the opposite order (reversed). Labels, `--labels` of
them, are equal by class or skewed with the pool's gamma. Which class comes first is drawn by the seed. Data sets are
written into a temporary folder: IDX files for Fashion-MNIST, tar shards for CIFAR-10 (--images names its shards).
`three` is an example of three classes, 8 labels each, and 360 images in shares of 300, 45 and 15 (airplanes,
automobiles and birds of CIFAR-10's shards).

Ways to train: `alone` is method=supervised, `before` FreeMatch aligned with the labels' shares, which short runs had as
their default, `default` what they have now; all with the same steps.

Two figures for each run, from the recall of each class on `--judged` images a class: the mean recall (balanced), and
the recall weighted by the pool's own shares (own). `--judge held-out` takes those images from the training set, which
is what choices are made by; `--judge test` is for the table alone.

The result goes to bench/results/unequal-NAME.json.
"""
import argparse
import gzip
import io
import json
import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tarfile
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name")
parser.add_argument("--data", default="fashion_mnist", choices=["fashion_mnist", "cifar10", "three"])
parser.add_argument("--images", help="folder of the files; for cifar10 and three, tar shards of JPEG with .cls")
parser.add_argument("--judge", default="held-out", choices=["held-out", "test"])
parser.add_argument("--judged", type=int, default=500, help="images a class that accuracy is measured on")
parser.add_argument("--seeds", default="0,1,2")
parser.add_argument("--labels", type=int, default=100)
parser.add_argument("--pool", type=int, default=3000)
parser.add_argument("--gamma", type=float, default=20)
parser.add_argument("--steps", type=int, default=1500)
parser.add_argument("--net", default="seed_cnn")
parser.add_argument("--settings", help="comma-separated LABELS/POOL; all by default")
parser.add_argument("--variants", default="alone,before,default", help="of alone, before, default and those of --variant")
parser.add_argument("--variant", action="append", default=[], metavar="NAME=ARGUMENTS", help="another way to train")
parser.add_argument("--program", default=os.path.join(here, "..", "build", "product", "bin", "fewlabel"))
parser.add_argument("--commit", help="what the program was built from; the checkout's by default")
parser.add_argument("--keep", help="folder for the runs instead of a temporary one; finished runs there are reused")
# argparse would give what follows a second positional to the first.
end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
options = parser.parse_args(sys.argv[1:end])
options.arguments = sys.argv[end + 1:]  # of fewlabel train

VARIANTS = {"alone": ["method=supervised"], "before": ["method=freematch", "method.align_to=labels"],
            "default": ["method=freematch"]}
for text in options.variant:
    key, _, rest = text.partition("=")
    VARIANTS[key] = rest.split()
SETTINGS = [f"{labels}/{pool}" for labels in ("uniform", "skewed") for pool in ("uniform", "skewed", "reversed")]
FASHION = "/usr/share/datasets/fashion-mnist"


def shares(kind, classes):
    if kind == "three":
        return [300 / 360, 45 / 360, 15 / 360]
    if kind == "uniform":
        return [1 / classes] * classes
    falling = [options.gamma ** (-i / (classes - 1)) for i in range(classes)]
    falling = [share / sum(falling) for share in falling]
    return falling if kind == "skewed" else falling[::-1]


def read_idx(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        data = file.read()
    dimensions = data[3]
    sizes = struct.unpack(f">{dimensions}I", data[4:4 + 4 * dimensions])
    return sizes, data[4 + 4 * dimensions:]


def fashion(kind):
    folder = options.images or FASHION
    names = {"train": "train", "test": "t10k"}
    found = [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.startswith(names[kind])]
    sizes, pixels = read_idx(next(f for f in found if "images" in f))
    _, labels = read_idx(next(f for f in found if "labels" in f))
    step = sizes[1] * sizes[2]
    return [(pixels[i * step:(i + 1) * step], labels[i]) for i in range(sizes[0])]


def cifar(kind):
    names = [n for n in open(os.path.join(options.images, "classes.txt")).read().split()]
    result = []
    for shard in sorted(f for f in os.listdir(options.images) if kind in f and f.endswith(".tar")):
        with tarfile.open(os.path.join(options.images, shard)) as archive:
            members = {m.name: archive.extractfile(m).read() for m in archive}
        for name in sorted(n for n in members if n.endswith(".jpg")):
            label = members[name[:-4] + ".cls"].decode().strip()
            result.append((members[name], int(label) if label.isdigit() else names.index(label)))
    return result


def write_idx(folder, part, examples):
    side = int(len(examples[0][0]) ** 0.5)
    with open(os.path.join(folder, f"{part}-images-idx3-ubyte"), "wb") as file:
        file.write(struct.pack(">IIII", 0x803, len(examples), side, side))
        file.writelines(pixels for pixels, _ in examples)
    with open(os.path.join(folder, f"{part}-labels-idx1-ubyte"), "wb") as file:
        file.write(struct.pack(">II", 0x801, len(examples)) + bytes(label for _, label in examples))


def write_shards(folder, part, examples):
    with tarfile.open(os.path.join(folder, f"{part}-000.tar"), "w") as archive:
        for i, (image, label) in enumerate(examples):
            for suffix, data in (("jpg", image), ("cls", str(label).encode())):
                member = tarfile.TarInfo(f"{i:06d}.{suffix}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def counts_of(wanted, total, least=2):
    return [max(least, round(total * share)) for share in wanted]


class Images:
    """The training images by class, and those that runs are judged on."""

    def __init__(self):
        read = fashion if options.data == "fashion_mnist" else cifar
        train = read("train")
        judged = read("test") if options.judge == "test" else train[-len(train) // 6:]
        if options.judge != "test":
            train = train[:-len(train) // 6]
        self.classes = 3 if options.data == "three" else 10
        self.train = [[e for e in train if e[1] == c] for c in range(self.classes)]
        self.judged = [e for c in range(self.classes) for e in [e for e in judged if e[1] == c][:options.judged]]

    def write(self, folder, setting, seed):
        """Returns the argument for `data=` and the pool's shares."""
        labels_kind, pool_kind = setting.split("/")
        draw = random.Random(f"{setting} {seed}")
        order = list(range(self.classes))
        random.Random(seed).shuffle(order)

        def by_class(wanted):
            result = [0.0] * self.classes
            for place, c in enumerate(order):
                result[c] = wanted[place]
            return result
        pool_shares = by_class(shares(pool_kind, self.classes))
        labels = counts_of(by_class(shares(labels_kind, self.classes)), options.labels)
        pool = counts_of(pool_shares, options.pool)
        labeled, unlabeled = [], []
        for c in range(self.classes):
            drawn = draw.sample(self.train[c], labels[c] + pool[c])
            labeled += drawn[:labels[c]]
            unlabeled += drawn[labels[c]:]
        draw.shuffle(unlabeled)
        write = write_idx if options.data == "fashion_mnist" else write_shards
        write(folder, "train", labeled + unlabeled)
        write(folder, "t10k" if write is write_idx else "test", self.judged)
        with open(os.path.join(folder, "labels.txt"), "w") as file:
            file.writelines(f"{i}\n" for i in range(len(labeled)))
        return f"{folder}:labels={folder}/labels.txt", [n / sum(pool) for n in pool]


def train(data, out, seed, variant):
    command = [options.program, "train", f"data={data}", f"seed={seed}", f"out={out}", "--overwrite", "--quiet",
               f"train.steps={options.steps}", "train.threads=1", f"net={options.net}", *VARIANTS[variant],
               *options.arguments]
    if not os.path.exists(f"{out}/summary.json"):
        subprocess.run(command, check=True)
    rows = json.load(open(f"{out}/evaluation.json"))["per_class"]
    return [row["recall"] for row in rows]


def figures(recall, pool_shares):
    return {"own": sum(s * r for s, r in zip(pool_shares, recall)), "balanced": statistics.mean(recall)}


def spread(values):
    return {"mean": statistics.mean(values), "std": statistics.stdev(values) if len(values) > 1 else 0.0, "values": values}


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=here).stdout.strip()


settings = options.settings.split(",") if options.settings else \
    ["uniform/three"] if options.data == "three" else SETTINGS
if options.data == "three":
    options.labels, options.pool = 24, 360
seeds, variants = options.seeds.split(","), options.variants.split(",")
images = Images()
work = options.keep or tempfile.mkdtemp(prefix="unequal-")
os.makedirs(work, exist_ok=True)
runs = {}
begin = time.monotonic()
for seed in seeds:
    for setting in settings:
        folder = os.path.join(work, f"{setting.replace('/', '-')}-{seed}")
        os.makedirs(folder, exist_ok=True)
        data, pool_shares = images.write(folder, setting, seed)
        for variant in variants:
            recall = train(data, os.path.join(folder, f"run-{variant}"), seed, variant)
            found = figures(recall, pool_shares)
            runs.setdefault(setting, {}).setdefault(variant, []).append(found)
            print(f"{setting:17} seed {seed} {variant:9} own {100 * found['own']:5.1f}  "
                  f"balanced {100 * found['balanced']:5.1f}", flush=True)

table = {s: {v: {key: spread([run[key] for run in runs[s][v]]) for key in ("own", "balanced")} for v in variants}
         for s in settings}
print("\n| labels / pool | " + " | ".join(f"{v}: own, balanced" for v in variants) + " |\n|---|" + "---|" * len(variants))
for setting in settings:
    cells = []
    for variant in variants:
        cell = table[setting][variant]
        cells.append(", ".join(f"{100 * cell[k]['mean']:.1f} ± {100 * cell[k]['std']:.1f}" for k in ("own", "balanced")))
    print(f"| {setting} | " + " | ".join(cells) + " |")
summary = json.load(open(os.path.join(work, f"{settings[0].replace('/', '-')}-{seeds[0]}", f"run-{variants[0]}",
                                      "summary.json")))
machine = {k: v for k, v in summary["machine"].items() if k not in ("blas", "working_folder")}
result = {"name": options.name, "data": options.data, "judge": options.judge, "judged_a_class": options.judged,
          "seeds": options.seeds, "labels": options.labels, "pool": options.pool, "gamma": options.gamma,
          "steps": options.steps, "net": options.net, "arguments": options.arguments,
          "variants": {v: VARIANTS[v] for v in variants},
          "commit": options.commit or output("git", "rev-parse", "--short", "HEAD"),
          "dirty": not options.commit and bool(output("git", "status", "--porcelain", "-uno")),
          "date": time.strftime("%Y-%m-%d"), "machine": machine, "seconds": time.monotonic() - begin, "table": table}
os.makedirs(os.path.join(here, "results"), exist_ok=True)
with open(os.path.join(here, "results", f"unequal-{options.name}.json"), "w") as file:
    json.dump(result, file, indent=2)
    file.write("\n")
if not options.keep:
    shutil.rmtree(work)
