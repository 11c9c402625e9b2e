#!/usr/bin/env python3
"""Bad input gets one clear sentence and the right exit code, and nothing is lost. hostile.py FEWLABEL"""
import json
import os
import signal
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import data

program = sys.argv[1]
failed = []
QUICK = ["train.steps=6", "train.batch=8", "--quiet"]


def run(*arguments, **keywords):
    return subprocess.run([program, *arguments], capture_output=True, text=True, **keywords)


def expect(name, result, code, *words):
    """The exit code, every word in the message, no backtrace, and few lines."""
    problems = []
    if result.returncode != code:
        problems.append(f"exit code {result.returncode}, wanted {code}")
    problems += [f"message lacks {word!r}" for word in words if word not in result.stderr]
    if "#0" in result.stderr or "frame #" in result.stderr or "terminate called" in result.stderr:
        problems.append("message holds a backtrace")
    print(("ok      " if not problems else "FAILED  ") + name)
    if problems:
        failed.append(name)
        print("\n".join("    " + p for p in problems) + f"\n    stderr: {result.stderr[:600]!r}")


def huge_png_header():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"x")) + chunk(b"IEND", b"")


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    data.write_folder("good")
    shutil.copytree("good", "bad")
    rows = data.pattern(1, random.Random(1))
    whole = data.png(rows)
    write("bad/train/unlabeled/truncated.png", whole[: len(whole) // 2])
    write("bad/train/unlabeled/empty.png", b"")
    write("bad/train/across/text.jpg", b"this is not a picture\n")
    write("bad/train/unlabeled/huge.png", huge_png_header())
    write("bad/train/down/deep.png", data.png([b"".join(bytes((v, 7)) for v in row) for row in rows], depth=16))

    result = run("train", "data=bad", "out=r1", *QUICK)
    expect("a folder with damaged files trains", result, 0)
    damaged = json.load(open("r1/data.json"))["damaged"] if result.returncode == 0 else {"count": 0, "examples": []}
    names = " ".join(d["name"] for d in damaged["examples"])
    if damaged["count"] != 4 or not all(n in names for n in ("truncated.png", "empty.png", "text.jpg", "huge.png")):
        failed.append("damaged files")
        print("FAILED  damaged files are counted and named:", damaged)
    shutil.copytree("good", "blind")
    for parent, _, files in os.walk("blind/test"):
        for name in files:
            write(f"{parent}/{name}", b"no picture")
    expect("a test set that is damaged throughout", run("train", "data=blind", "out=blind-run", *QUICK), 0)
    notes = " ".join(json.load(open("blind-run/summary.json"))["notes"]) if os.path.exists("blind-run/summary.json") else ""
    if "Every labelled example of the test set is damaged" not in notes or "There is no test set" in notes:
        failed.append("blind")
        print("FAILED  the note on a damaged test set:", notes)
    expect("strict refuses", run("train", "data=bad", "out=r2", "data.strict=true", *QUICK), 3)

    expect("an unknown key", run("train", "data=good", "method.tua=0.9", *QUICK), 2, "tua")
    expect("an unknown method", run("train", "data=good", "method=fixmach", *QUICK), 2, "fixmatch")
    expect("a method's unknown field", run("train", "data=good", "method=fixmatch", "method.tua=1", *QUICK), 2, "tau")
    expect("a value out of range", run("train", "data=good", *QUICK, "train.batch=0"), 2, "train.batch")
    expect("a folder that is not there", run("train", "data=nowhere", *QUICK), 3, "nowhere")
    expect("more labels than there are", run("train", "data=good@4000", "out=r3", *QUICK), 3, "4000")

    shutil.copytree("good", "classless")
    for name in os.listdir("classless/train/down"):
        os.remove(f"classless/train/down/{name}")
    expect("a class with no label", run("train", "data=classless", "out=r4", *QUICK), 3, "down")
    shutil.copytree("good", "alien")
    shutil.copytree("alien/test/down", "alien/test/martian")
    expect("a test label not in the list", run("train", "data=alien", "out=r5", *QUICK), 3, "martian")
    shutil.copytree("good", "nothing")
    for name in os.listdir("nothing/train/unlabeled"):
        os.remove(f"nothing/train/unlabeled/{name}")
    expect("an empty unlabelled folder", run("train", "data=nothing", "out=r6", "method=fixmatch", *QUICK), 3, "unlabel")

    if os.geteuid() != 0:
        os.makedirs("locked")
        os.chmod("locked", 0o500)
        expect("a read-only run folder", run("train", "data=good", "out=locked/run", *QUICK), 6)
    expect("a run folder that cannot be made", run("train", "data=good", "out=/proc/run", *QUICK), 6, "/proc")
    run("train", "data=good", "out=r7", *QUICK)
    expect("an existing run", run("train", "data=good", "out=r7", *QUICK), 2, "--overwrite")
    expect("a refused run that should have replaced it",
           run("train", "data=good", "out=r7", "net=nothing_such", "--overwrite", *QUICK), 2, "nothing_such")
    expect("the run is still there", run("evaluate", "r7"), 0)
    expect("a finished run resumed", run("train", "--resume", "out=r7", "--quiet"), 0)

    slow = subprocess.Popen([program, "train", "data=good", "out=r8", "train.steps=100000", "--quiet"],
                            stderr=subprocess.PIPE, text=True)
    for _ in range(300):
        if os.path.exists("r8/stages.json"):
            break
        time.sleep(0.1)
    expect("a second process on the same run", run("train", "--resume", "out=r8", "--quiet"), 6, "in use")
    time.sleep(1.5)
    slow.send_signal(15)
    _, text = slow.communicate(timeout=60)
    expect("SIGTERM saves and says how to go on", subprocess.CompletedProcess([], slow.returncode, "", text), 143,
           "--resume")

    slow = subprocess.Popen([program, "train", "--resume", "out=r8", "--quiet"], stderr=subprocess.PIPE, text=True)
    begun = json.load(open("r8/status.json"))["step"]
    for _ in range(300):
        status = json.load(open("r8/status.json"))
        if status["state"] == "running" and status["step"] > begun:
            break
        time.sleep(0.1)
    slow.send_signal(signal.SIGHUP)
    slow.send_signal(signal.SIGHUP)  # a closed terminal: shell and kernel send one each
    _, text = slow.communicate(timeout=60)
    expect("a closed terminal saves and says how to go on", subprocess.CompletedProcess([], slow.returncode, "", text),
           143, "--resume")

    # Nobody reads what it says; the training goes on, and a usage error keeps its exit code.
    for name, redirect in {"full": "2>/dev/full", "closed": "2>&-", "left": "2>&1 | head -c 1"}.items():
        quiet = [word for word in QUICK if word != "--quiet"]
        line = " ".join([program, "train", "data=good", f"out=r9-{name}", *quiet, redirect])
        result = subprocess.run(["bash", "-c", "set -o pipefail; " + line], capture_output=True, text=True)
        expect(f"a standard error that is {name}", result, 0)
        state = json.load(open(f"r9-{name}/status.json"))["state"] if os.path.exists(f"r9-{name}") else "none"
        expect(f"a run whose standard error is {name} ends", subprocess.CompletedProcess([], state != "finished", "", ""), 0)
        if os.path.getsize(f"r9-{name}/.lock"):
            failed.append("lock")
            print(f"FAILED  the lock of r9-{name} was written into")
    expect("a usage error onto a full disk", subprocess.run(["bash", "-c", program + " nonsense 2>/dev/full"],
                                                            capture_output=True, text=True), 2)

    line = f"{program} predict r7 bad/train/across 2>/dev/full | wc -l"
    result = subprocess.run(["bash", "-c", "set -o pipefail; " + line], capture_output=True, text=True)
    expect("predict whose notices go onto a full disk", result, 0)
    expect("and whose rows are whole", subprocess.CompletedProcess([], result.stdout.strip() != "7", "", result.stdout), 0)
    os.makedirs("elsewhere")
    expect("evaluate from another folder", run("evaluate", "../r7", cwd="elsewhere"), 0)
    expect("probes from another folder", run("evaluate", "../r7", "--probe", "knn", cwd="elsewhere"), 0)

    with open("r7/model/model.safetensors", "r+b") as file:
        file.seek(-5, 2)
        byte = file.read(1)
        file.seek(-5, 2)
        file.write(bytes((byte[0] ^ 1,)))
    expect("a damaged model", run("predict", "r7", "good/test"), 6, "model.safetensors")
    write("broken/across/1.png", whole[: len(whole) // 2])
    write("broken/down/2.png", b"")
    write("broken/unlabeled/3.png", whole)
    expect("evaluate where every labelled image is damaged", run("evaluate", "r1", "broken"), 3, "every image",
           "is damaged", "1.png")
    expect("predict on text", run("predict", "r1", "bad/train/across/text.jpg"), 3, "text.jpg")
    expect("predict --format yaml", run("predict", "r1", "good/test", "--format", "yaml"), 2, "csv")

sys.exit(f"{len(failed)} failed" if failed else 0)
