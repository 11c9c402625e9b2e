#!/usr/bin/env python3
"""How long a folder of many files takes to open: 50 classes, two thirds of the files PNG, the rest others, some broken links.

  bench/many_files.py [--files 100000] [--program …]

Prints the seconds of `data split` (which opens the folder and draws labels) for a first and a second time. Of the cold
disk it says nothing: the files have just been written.
"""
import argparse
import os
import struct
import subprocess
import tempfile
import time
import zlib

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--files", type=int, default=100_000)
parser.add_argument("--program", default=os.path.join(here, "..", "build", "product", "bin", "fewlabel"))
options = parser.parse_args()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


png = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)) +
       chunk(b"IDAT", zlib.compress(bytes(72))) + chunk(b"IEND", b""))
with tempfile.TemporaryDirectory() as root:
    for i in range(options.files):
        folder = os.path.join(root, f"c{i % 50:02}")
        os.makedirs(folder, exist_ok=True)
        if i % 500 == 499:
            os.symlink("nowhere", os.path.join(folder, f"{i}.png"))
        else:
            suffix = ".png" if i // 50 % 10 < 7 else (".md", ".json", ".xml")[i % 3]
            with open(os.path.join(folder, f"{i}{suffix}"), "wb") as file:
                file.write(png)
    for turn in ("first", "second"):
        start = time.perf_counter()
        subprocess.run([options.program, "data", "split", f"{root}@50:seed=0"], check=True, stdout=subprocess.DEVNULL)
        print(f"{options.files:,} files, {turn} time: {time.perf_counter() - start:.2f} s")
