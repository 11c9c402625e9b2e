#!/usr/bin/env python3
"""Tries the program with hundreds of damaged and hostile files and folders: each must be named in one clear sentence.

  tests/hostile/hostile.py --program build/release/bin/fewlabel [--only tar/] [--keep FOLDER] [--jobs 2] [--quick]

Makes the cases of cases*.py, always the same ones, one after another in a temporary folder, and looks
at `data inspect`, with and without --json, or at a training or prediction. Wrong are: a crash, an exit code other than
that of a refusal, a refusal that is no single sentence or does not name the file, damage that is not listed or not
the only one listed, text that moves a terminal's cursor, more memory or time than the case may take. Prints a line for
each case that is wrong and a summary. Cases in KNOWN are known to be wrong and why; one that is right by now is
reported, so that the list stays true.
"""
import argparse
import collections
import concurrent.futures
import ctypes
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import cases
import cases_files
import cases_sounds
import cases_tables
from known import KNOWN
from seeds import png

REFUSALS = {"inspect": (3,), "train": (2, 3), "predict": (2, 3), "model": (2, 3, 6),
            "show": (2, 3, 6)}
ALARMS = ("internal", "terminate called", "AddressSanitizer", "LeakSanitizer", "runtime error:", "Traceback",
          "backtrace", "frame #", "bad_alloc", "std::", "c10::", "basic_string", "filesystem error")
TRAIN = ("train.steps=2", "net=seed_cnn", "method=supervised", "baseline=none", "-q")
PLAIN_TEXT_LIMIT = 1 << 20  # bytes of output, so that a file cannot flood a terminal


class Wrong(Exception):
    pass


def drop_powers():
    """As the superuser: without the right to read what permissions forbid, or no file would be unreadable."""
    if os.geteuid() == 0:
        for power in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, power, 0, 0, 0)  # PR_CAPBSET_DROP


class Result:
    """Of one call of the program: exit code, both streams as bytes, and its highest memory in MiB."""

    def __init__(self, words, folder, seconds, most_mb):
        environment = {**os.environ, "NO_COLOR": "1", "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
        with open(folder / "out", "w+b") as out, open(folder / "err", "w+b") as err:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
                                       preexec_fn=drop_powers, start_new_session=True)
            self.stopped = ""
            limit, pause = time.monotonic() + seconds, 0.002
            while True:
                done, status, usage = os.wait4(process.pid, os.WNOHANG)
                if done:
                    break
                if time.monotonic() > limit:
                    self.stopped = f"ran longer than {seconds} s"
                elif resident_mb(process.pid) > most_mb:
                    self.stopped = "was stopped for its memory"
                if self.stopped:
                    os.killpg(process.pid, signal.SIGKILL)
                    _, status, usage = os.wait4(process.pid, 0)
                    break
                time.sleep(pause)
                pause = min(pause * 1.3, 0.05)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.code, self.peak_mb = process.returncode, usage.ru_maxrss / 1024
            out.seek(0)
            err.seek(0)
            self.out, self.err = out.read(), err.read()


def resident_mb(pid):
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20
    except (OSError, IndexError):
        return 0


def readable(data, what):
    """Text for people, which must not hold what moves the cursor or hides letters."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Wrong(f"{what} is not UTF-8: {data[max(0, error.start - 30):error.start + 30]!r}") from None
    for c in text:
        if (c < " " and c != "\n") or "\x7f" <= c < "\xa0":
            raise Wrong(f"{what} holds the control character {c!r}: {text[:200]!r}")
    return text


class Runner:
    def __init__(self, program, keep=None, jobs=2):
        self.program, self.keep = os.path.abspath(program), keep
        self.jobs, self.seconds = jobs, 120
        with open(self.program, "rb") as file:
            sanitized = b"__asan_init" in file.read()
        self.factor = 4 if sanitized else 1
        self.ordinary_mb = {}
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="hostile"))
        self.lock = threading.Lock()
        self.known_suffixes, self.run = set(), None

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def call(self, *words, folder, most_mb=8192):
        return Result([self.program, *words], folder, self.seconds * self.factor, most_mb * self.factor)

    def prepare(self, wanted):
        """What an ordinary run takes, which formats there are, and a run to predict with."""
        home = self.root / "ordinary"
        whole = {**cases.GOOD, **{f"cat/x.{kind}": content for kind, content in cases.WHOLE.items()}}
        cases.Case("", "", whole).fill(home / "data")
        result = self.call("data", "inspect", home / "data", "--json", folder=home)
        if result.code != 0:
            raise SystemExit(f"{self.program} cannot inspect whole images: {result.err.decode(errors='replace')}")
        self.ordinary_mb["inspect"] = result.peak_mb
        train = json.loads(result.out)["train"]
        formats = {name.lower() for name in train["formats"]}
        unread = {entry["name"].rpartition(".")[2] for entry in train["damaged"]}  # HEIC where libheif was not there
        self.known_suffixes = {suffix for suffix in cases.MAYBE_UNKNOWN if suffix in formats - unread}
        if wanted <= {"inspect"}:
            return
        self.run = home / "run"
        result = self.call("train", f"data={home / 'data'}", *TRAIN, f"out={self.run}", folder=home)
        if result.code != 0:
            raise SystemExit(f"{self.program} cannot train: {result.err.decode(errors='replace')}")
        for verb in ("train", "predict", "model", "show"):
            self.ordinary_mb[verb] = result.peak_mb

    def sound(self, case, result, codes):
        """What holds of every call. Returns the text on standard error."""
        if result.stopped:
            raise Wrong(f"{result.stopped} (at {result.peak_mb:.0f} MiB)")
        errors = readable(result.err, "standard error")
        for alarm in ALARMS:
            if alarm in errors.replace(str(self.root), ""):
                raise Wrong(f"says {alarm!r}: {errors[:300]!r}")
        if result.code not in codes:
            raise Wrong(f"exit code {result.code} where {codes} are right: {errors[:300]!r}")
        most = (self.ordinary_mb[case.verb] + case.memory_mb) * self.factor
        if result.peak_mb > most:
            raise Wrong(f"took {result.peak_mb:.0f} MiB, more than {most:.0f}")
        return errors

    def refused(self, case, result, errors, path):
        if not errors.startswith("fewlabel: [") or errors.count("fewlabel: [") != 1:
            raise Wrong(f"is refused by no single sentence: {errors[:300]!r}")
        lines, room = errors.rstrip("\n").split("\n"), 6000
        if len(lines) > 2 or len(errors.encode()) > room:
            raise Wrong(f"is refused by {len(lines)} lines of {len(errors.encode())} bytes in all: {errors[:300]!r}")
        if len(lines[0].partition("] ")[2]) < 8:
            raise Wrong(f"is refused without a reason: {errors[:300]!r}")
        says = case.says or os.path.basename(os.fspath(path))
        if says not in errors:
            raise Wrong(f"the refusal does not name {says!r}: {errors[:300]!r}")
        if result.out and case.verb in ("inspect", "train"):  # a prediction is written as it goes
            raise Wrong(f"writes an answer and refuses: {result.out[:100]!r}")

    def compare_damage(self, case, found, left_out):
        """Whether the names of damaged examples are those of the case."""
        if case.suffix and case.suffix not in self.known_suffixes:
            if not found and left_out != 1:
                raise Wrong("is neither left out nor damaged, though the format is not known here")
            return case.expect.split("|")[0]
        if not found:
            return "read"
        unnamed = [name for name in case.damaged if not any(name in other for other in found)]
        foreign = [name for name in found if not any(other in name for other in case.damaged)]
        if unnamed or foreign:
            raise Wrong(f"damaged are {found[:5]}, where {list(case.damaged)} were expected")
        return "damaged"

    def inspected(self, case, result):
        answer = json.loads(result.out)
        parts = [answer[split] for split in ("train", "test") if answer[split]]
        unknown = case.suffix != "" and case.suffix not in self.known_suffixes and parts[0]["left_out"] == 1
        if 0 <= case.examples != parts[0]["examples"] + unknown:
            raise Wrong(f"holds {parts[0]['examples']} examples, where {case.examples} were expected")
        damage = [entry for part in parts for entry in part["damaged"]]
        for entry in damage:
            if len(entry["reason"]) < 8 or len(entry["reason"]) > 600 or "\n" in entry["reason"]:
                raise Wrong(f"is damaged for no reason in one sentence: {entry['reason'][:300]!r}")
        # What is no file at all is no example: a note names it.
        noted = [name for note in answer.get("notes", []) if "pipes, sockets" in note or "nowhere" in note
                 for name in note.partition(": ")[2].split(", ")]
        return self.compare_damage(case, [entry["name"] for entry in damage] + noted * bool(case.damaged),
                                   sum(part["left_out"] for part in parts))

    def of_inspect(self, case, path, folder):
        result = self.call("data", "inspect", path, "--json", "-q", *case.words, folder=folder)
        errors = self.sound(case, result, (0, *REFUSALS["inspect"]))
        kind = "refused"
        if result.code == 0:
            kind = self.inspected(case, result)
        else:
            self.refused(case, result, errors, path)
        plain = self.call("data", "inspect", path, "-q", *case.words, folder=folder)
        errors = self.sound(case, plain, (result.code,))
        if plain.code != 0:
            self.refused(case, plain, errors, path)
        elif len(plain.out) > PLAIN_TEXT_LIMIT:
            raise Wrong(f"prints {len(plain.out)} bytes for people")
        readable(plain.out, "the answer for people")
        return kind

    def of_train(self, case, path, folder):
        out = folder / "run"
        result = self.call("train", f"data={path}", *TRAIN, *case.words, f"out={out}", folder=folder)
        errors = self.sound(case, result, (0, *REFUSALS["train"]))
        if result.code != 0:
            self.refused(case, result, errors, path)
            return "refused"
        examples = json.loads((out / "data.json").read_bytes())["damaged"]["examples"]
        return self.compare_damage(case, [entry["name"] for entry in examples], 0)

    def of_predict(self, case, path, folder, run=None):
        result = self.call("predict", run or self.run, path, "-q", *case.words, folder=folder)
        errors = self.sound(case, result, (0, *REFUSALS[case.verb]))
        left_out = [line for line in errors.split("\n") if line.startswith("left out ")]
        rest = "\n".join(line for line in errors.split("\n") if line and not line.startswith("left out "))
        if result.code != 0:
            self.refused(case, result, rest, path if case.verb == "predict" else run)
            return "refused"
        return self.compare_damage(case, left_out, 0)

    def of_model(self, case, folder):
        """Predicting a whole image with a run, files of which are damaged."""
        run, good = folder / "run", folder / "good.png"
        shutil.copytree(self.run, run)
        good.write_bytes(png())
        for name, change in case.files.items():
            content = (run / name).read_bytes()
            (run / name).unlink()
            if change is not None:
                (run / name).write_bytes(change(content))
        if case.verb == "model":
            return self.of_predict(case, good, folder, run)
        result = self.call("runs", "show", run, folder=folder)
        errors = self.sound(case, result, (0, *REFUSALS["show"]))
        readable(result.out, "the answer for people")
        if result.code == 0:
            return "read"
        self.refused(case, result, errors, run)
        return "refused"

    def try_case(self, case):
        """refused, damaged or read; raises Wrong."""
        folder = self.root / case.name.replace("/", "-")
        folder.mkdir()
        try:
            if case.verb in ("model", "show"):
                kind = self.of_model(case, folder)
            else:
                data = folder / case.name.rsplit("/", maxsplit=1)[-1]
                data.mkdir()
                case.fill(data)
                path = data if case.path == "." else data / case.path
                kind = {"inspect": self.of_inspect, "train": self.of_train, "predict": self.of_predict}[case.verb](
                    case, path, folder)
            if kind not in case.expect.split("|"):
                raise Wrong(f"is {kind}, where {case.expect.replace('|', ' or ')} is right")
            return kind
        except (ValueError, KeyError, TypeError) as error:  # an answer that is no JSON
            raise Wrong(f"its answer cannot be read: {error}") from error
        finally:
            if self.keep:
                shutil.copytree(folder, os.path.join(self.keep, folder.name), symlinks=True, dirs_exist_ok=True,
                                ignore_dangling_symlinks=True, copy_function=copy_plain)
            for path in folder.glob("*"):
                path.chmod(0o700) if path.is_dir() else None
            shutil.rmtree(folder, ignore_errors=True)

    def try_all(self, chosen):
        """{name: (kind or None, what is wrong)}, in order."""
        self.prepare({case.verb for case in chosen})

        def one(case):
            try:
                return self.try_case(case), ""
            except Wrong as error:
                return None, str(error)

        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return dict(zip([case.name for case in chosen], pool.map(one, chosen)))


def copy_plain(source, target):
    if os.path.isfile(source):
        shutil.copyfile(source, target)


def judge(results, known, sanitized=False):
    """Lines to print and whether all is well. With a sanitizer's bounds what takes too much memory may be right."""
    counts, wrong, lines = collections.Counter(), 0, []
    for name, (kind, reason) in results.items():
        if kind is None:
            counts["known"] += name in known
            wrong += name not in known
            if name not in known:
                lines.append(f"{name}: {reason}")
        else:
            counts[kind] += 1
            if name in known and not sanitized:
                wrong += 1
                lines.append(f"{name}: is right by now; strike it off KNOWN")
    lines.append(
        f"{len(results)} cases: {counts['refused']} refused, {counts['damaged']} damaged, {counts['read']} read; "
        f"{wrong} wrong" + (f", {counts['known']} known to be" if counts["known"] else ""))
    return lines, wrong == 0


def every_case():
    return [*cases.all_cases(), *cases_files.all_cases(), *cases_sounds.all_cases(), *cases_tables.all_cases()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--program", default=here / "build/release/bin/fewlabel")
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--keep", help="folder to copy the cases to")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="without trainings, predictions and cases of seconds")
    parser.add_argument("--list", action="store_true", help="names and expectations; tries nothing")
    options = parser.parse_args()
    chosen = [case for case in every_case() if options.only in case.name and not (options.quick and case.slow)]
    if options.list:
        for case in chosen:
            print(f"{case.name}: {case.expect}")
        return 0
    runner = Runner(options.program, options.keep, options.jobs)
    try:
        lines, well = judge(runner.try_all(chosen), KNOWN, runner.factor > 1)
    finally:
        runner.close()
    print("\n".join(lines))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
