#!/usr/bin/env python3
"""Strings of spoken digits, made by joining recordings of one speaker with pauses.

    python3 scripts/digit_strings.py FSDD OUT [--transcribed 60] [--strings 2000] [--test 300] [--seed 0]

FSDD is a folder with train.csv and test.csv (path,label) of single digits as `{digit}_{speaker}_{index}.wav`, 8 kHz,
16 bits, one channel (Jakobovski/free-spoken-digit-dataset). Training strings are made of its training recordings, test
strings of its test recordings. Each string has 4 to 7 digits and pauses of 0.05 to 0.25 seconds, with faint noise as a
microphone has it. OUT gets recordings/, train.csv and test.csv (path,transcript); only the first --transcribed strings
of train.csv have a transcript.
"""
import argparse
import array
import csv
import pathlib
import random
import wave

RATE, SILENCE = 8000, 8  # samples a second; deviation of the noise in a pause, of 32,768


def read(path):
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise SystemExit(f"{path}: wanted 8 kHz, one channel, 16 bits")
        samples = array.array("h")
        samples.frombytes(file.readframes(file.getnframes()))
        return samples


def by_speaker(folder, table):
    """{speaker: {digit: [path, …]}}"""
    speakers = {}
    with open(folder / table, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            speaker = pathlib.Path(row["path"]).stem.split("_")[1]
            speakers.setdefault(speaker, {}).setdefault(row["label"], []).append(folder / row["path"])
    return speakers


def pause(draw, low=0.05, high=0.25):
    return array.array("h", (round(draw.gauss(0, SILENCE)) for _ in range(int(draw.uniform(low, high) * RATE))))


def string(draw, digits):
    chosen = [draw.choice(sorted(digits)) for _ in range(draw.randint(4, 7))]
    samples = pause(draw)
    for digit in chosen:
        samples += read(draw.choice(digits[digit])) + pause(draw)
    return samples, " ".join(chosen)


def make(draw, speakers, count, out, name, transcribed):
    rows = []
    for i in range(count):
        speaker = draw.choice(sorted(speakers))
        samples, transcript = string(draw, speakers[speaker])
        path = f"recordings/{name}_{i:05d}_{speaker}.wav"
        with wave.open(str(out / path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples.tobytes())
        rows.append((path, transcript if i < transcribed else ""))
    with open(out / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "transcript"), *rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fsdd", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--transcribed", type=int, default=60)
    parser.add_argument("--strings", type=int, default=2000)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    (arguments.out / "recordings").mkdir(parents=True, exist_ok=True)
    draw = random.Random(arguments.seed)
    make(draw, by_speaker(arguments.fsdd, "train.csv"), arguments.strings, arguments.out, "train", arguments.transcribed)
    make(draw, by_speaker(arguments.fsdd, "test.csv"), arguments.test, arguments.out, "test", arguments.test)


if __name__ == "__main__":
    main()
