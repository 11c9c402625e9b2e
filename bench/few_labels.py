"""What the scripts share that train on few labels and put a table together: arguments, runs, results."""
import csv
import json
import os
import statistics
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(here, "..", "build", "product", "bin", "fewlabel")


def parse(parser):
    """The options, and in `arguments` what stands behind --, for train."""
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options = parser.parse_args(sys.argv[1:end])
    options.arguments = sys.argv[end + 1:]
    return options


def rows_of(path):
    """(text, label) of each row of a table."""
    with open(path, newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def labelled_rows(program, train, labels, seed):
    """The rows of a table that the program keeps the labels of."""
    names = subprocess.run([program, "data", "split", f"{train}@{labels}:seed={seed}"], check=True,
                           capture_output=True, text=True).stdout.split("\n")
    with open(train, newline="\n", encoding="utf-8") as file:  # lines are counted by their feeds
        reader = csv.reader(file)
        next(reader)
        by_line, line = {}, reader.line_num + 1
        for row in reader:
            by_line[line] = row
            line = reader.line_num + 1
    return [by_line[int(name.rpartition(":")[2])] for name in names if name]


def spread(values):
    """Mean ± standard deviation in percent, of those that are there."""
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    deviation = statistics.stdev(values) if len(values) > 1 else 0
    return f"{100 * statistics.mean(values):.1f} ± {100 * deviation:.1f}"


def made_by(program):
    """What a result says of its making."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "-C", here, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout
    return {"version": version, "commit": commit.strip(), "date": time.strftime("%Y-%m-%d")}


def write_result(name, result):
    path = os.path.join(here, "results", f"{name}.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    print(f"written: {path}", file=sys.stderr)
