"""Recordings from outside: training, predicting and transcribing on sounds that are made here."""
import array
import csv
import io
import json
import math
import pathlib
import random
import struct
import subprocess
import tempfile
import time
import unittest
import wave

from cli_test import FEWLABEL, call

RATE = 8000
PITCHES = {"low": 300, "high": 1500}


def tone(pitch, seconds, draw, level=9000):
    phase = draw.random()
    return array.array("h", (round(level * math.sin(2 * math.pi * (pitch * n / RATE + phase)) + draw.gauss(0, 200))
                             for n in range(round(seconds * RATE))))


def write(path, samples, rate=RATE, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def classes(folder, draw):
    """train/ with two classes and unlabelled ones, test/ with two classes."""
    for split, count in (("train", 3), ("test", 5)):
        for name, pitch in PITCHES.items():
            for i in range(count):
                write(folder / split / name / f"{i}.wav", tone(pitch * draw.uniform(0.9, 1.1), 0.4, draw))
    for i in range(24):
        pitch = list(PITCHES.values())[i % 2]
        write(folder / "train" / "unlabeled" / f"{i}.wav", tone(pitch * draw.uniform(0.9, 1.1), 0.4, draw))


def strings(folder, draw):
    """Recordings of two or three tones, of which ten are transcribed."""
    for split, count, transcribed in (("train", 20, 10), ("test", 6, 6)):
        rows = []
        for i in range(count):
            said = [draw.choice(sorted(PITCHES)) for _ in range(draw.randint(2, 3))]
            samples = array.array("h")
            for word in said:
                samples += tone(0, 0.1, draw) + tone(PITCHES[word], 0.2, draw)
            write(folder / split / f"{i}.wav", samples)
            rows.append((f"{split}/{i}.wav", " ".join(said) if i < transcribed else ""))
        with open(folder / f"{split}.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("path", "transcript"), *rows])


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


class Classes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        classes(cls.folder / "tones", random.Random(1))
        (cls.folder / "tones" / "train" / "low" / "broken.wav").write_bytes(b"no sound at all")
        cls.trained = call("train", f"data={cls.folder / 'tones'}", "train.steps=120", "train.batch=6", "seed=1",
                       f"out={cls.folder / 'run'}", "--json", "--progress", "none")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_two_pitches_are_told_apart(self):
        self.assertEqual(self.trained.returncode, 0, self.trained.stderr)
        result = json.loads(self.trained.stdout)
        self.assertEqual(result["net"], "tc_resnet")
        self.assertGreaterEqual(result["accuracy"], 0.9)
        self.assertEqual(result["damaged"]["count"], 1)
        self.assertIn("low/broken.wav", result["damaged"]["names"][0])
        self.assertIn("data:audio/wav", (self.folder / "run" / "report.html").read_text(encoding="utf-8"))
        meta = json.loads((self.folder / "run" / "model" / "meta.json").read_text(encoding="utf-8"))
        self.assertEqual(meta["task"], "audio classification")
        self.assertEqual(meta["input"]["rate"], RATE)
        self.assertTrue((self.folder / "run" / "model" / "audio.json").exists())

    def test_predict_takes_a_file_a_folder_a_table_with_times_and_standard_input(self):
        draw = random.Random(2)
        long = self.folder / "long.wav"
        write(long, tone(300, 1.0, draw) + tone(1500, 1.0, draw))
        table = self.folder / "parts.csv"
        table.write_text("path,start,end\nlong.wav,0.1,0.5\nlong.wav,1.3,1.7\n", encoding="utf-8")
        found = rows_of(call("predict", self.folder / "run", table).stdout)
        self.assertEqual([row["class"] for row in found], ["low", "high"])
        self.assertTrue(found[1]["path"].endswith("long.wav#t=1.3,1.7"), found)
        file = self.folder / "tones" / "test" / "high" / "0.wav"
        self.assertEqual(rows_of(call("predict", self.folder / "run", file).stdout)[0]["class"], "high")
        self.assertEqual(len(rows_of(call("predict", self.folder / "run", self.folder / "tones" / "test").stdout)), 10)
        listed = call("predict", self.folder / "run", table, file, long)
        self.assertEqual(len(rows_of(listed.stdout)), 4, listed.stderr)

    def test_other_rates_and_channels_are_heard_alike(self):
        mono = array.array("h", (round(9000 * math.sin(2 * math.pi * 1500 * n / 44100)) for n in range(17640)))
        write(self.folder / "stereo.wav", array.array("h", (v for value in mono for v in (value, value))), 44100, 2)
        found = rows_of(call("predict", self.folder / "run", self.folder / "stereo.wav").stdout)
        self.assertEqual(found[0]["class"], "high")

    def test_bad_files_are_named_and_the_others_answered(self):
        good = self.folder / "tones" / "test" / "low" / "0.wav"
        whole = good.read_bytes()
        bad = self.folder / "bad"
        bad.mkdir(exist_ok=True)
        (bad / "cut.wav").write_bytes(whole[:1000])
        (bad / "empty.wav").write_bytes(b"")
        (bad / "none.wav").write_bytes(whole[:40] + struct.pack("<I", 0))
        (bad / "text.mp3").write_text("I am a letter", encoding="utf-8")
        (bad / "good.wav").write_bytes(whole)
        found = call("predict", self.folder / "run", bad)
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertEqual(len(rows_of(found.stdout)), 1)
        for name in ("cut.wav", "empty.wav", "none.wav", "text.mp3"):
            self.assertRegex(found.stderr, rf"left out \S*{name}: ")
        strict = call("predict", self.folder / "run", bad, "--strict")
        self.assertEqual(strict.returncode, 3, strict.stderr)
        self.assertEqual(strict.stdout.count("\n"), 1)

    def test_times_outside_the_file_damage_their_row(self):
        table = self.folder / "tones" / "outside.csv"
        table.write_text("path,start,end\ntest/low/0.wav,0,0.3\ntest/low/1.wav,5,6\n", encoding="utf-8")
        found = call("predict", self.folder / "run", table)
        self.assertEqual(len(rows_of(found.stdout)), 1)
        self.assertIn("is 0.40 seconds long, and 5.00 to 6.00", found.stderr)


class Samples(unittest.TestCase):
    def test_a_net_may_be_shown_the_samples_themselves(self):
        with tempfile.TemporaryDirectory() as scratch:
            classes(pathlib.Path(scratch) / "tones", random.Random(2))
            small = ("data=tones", "data.mels=0", "seed=1", "method=supervised", "--progress", "none", "--json")
            run = call("train", *small, "train.steps=60", "train.batch=6", "optimizer.name=adamw", "optimizer.lr=0.001",
                       "out=run", cwd=scratch)
            self.assertEqual(run.returncode, 0, run.stderr)
            found = json.loads(run.stdout)
            self.assertEqual(found["net"], "wav2vec2")
            self.assertGreaterEqual(found["accuracy"], 0.9)
            wrong = call("train", *small, "net=tc_resnet", "train.steps=3", "out=wrong", cwd=scratch)
            self.assertEqual(wrong.returncode, 2)
            self.assertIn("net=wav2vec2", wrong.stderr)


class Killed(unittest.TestCase):
    """Views of recordings depend on what is drawn for them alone, not on who makes them or when."""

    EVERY = ("augment.strong=speed(0.9..1.1)+crop(0.8..1)+shift(0.1)+gain(6)+noise(5..30)+mix(5..20)+reverb(0.3)"
             "+warp(0.9..1.1)+equalize(6)+mel_mask(0.2)+time_mask(0.2)")

    def test_a_run_that_was_killed_ends_in_the_same_bits(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            classes(folder / "tones", random.Random(3))
            words = ("train", "data=tones", "method=fixmatch", self.EVERY, "train.steps=300", "train.batch=4", "seed=1",
                     "train.log_every=5", "train.checkpoint_seconds=0.2", "baseline=none", "estimate=none",
                     "--progress", "none")
            whole = call(*words, "train.workers=1", "out=whole", cwd=scratch)
            self.assertEqual(whole.returncode, 0, whole.stderr)
            kills = 0
            resume = [FEWLABEL, *words, "train.workers=2", "out=killed"]
            while True:
                child = subprocess.Popen(resume, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                         text=True)
                before = self.checkpoints(folder / "killed")
                while kills < 3 and child.poll() is None and self.checkpoints(folder / "killed") <= before:
                    time.sleep(0.01)
                if child.poll() is not None or kills == 3:
                    break
                child.kill()
                child.communicate()
                kills += 1
                resume = [FEWLABEL, "train", "--resume", "killed", "--progress", "none"]
            error = child.communicate()[1]
            self.assertEqual(child.returncode, 0, error)
            self.assertGreaterEqual(kills, 2, "it was over before it could be killed")
            for name in ("model.safetensors", "learnt.safetensors"):
                self.assertEqual((folder / "killed" / "model" / name).read_bytes(),
                                 (folder / "whole" / "model" / name).read_bytes(), name)

    @staticmethod
    def checkpoints(run):
        """The newest checkpoint of a run, by the time it was written; 0: none."""
        found = [path.stat().st_mtime for path in (run / "checkpoints").glob("*")] if run.exists() else []
        return max(found, default=0)


class Transcripts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        strings(cls.folder, random.Random(4))
        cls.trained = call("train", f"data={cls.folder / 'train.csv'}", f"data.test={cls.folder / 'test.csv'}", "seed=1",
                       "train.steps=60", "train.batch=4", "baseline=supervised", "baseline_steps=5",
                       f"out={cls.folder / 'run'}", "--json", "--progress", "none")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_rates_of_errors_stand_in_the_result(self):
        self.assertEqual(self.trained.returncode, 0, self.trained.stderr)
        result = json.loads(self.trained.stdout)
        self.assertEqual(result["method"], "mpl")
        self.assertEqual((result["labels"], result["unlabeled"]), (10, 10))
        for key in ("word_error_rate", "character_error_rate", "supervised_word_error_rate"):
            self.assertGreaterEqual(result[key], 0)
        self.assertNotIn("accuracy", result)
        with open(self.folder / "run" / "predictions.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 6)
        self.assertEqual(list(rows[0]), ["path", "transcript", "heard", "probability"])
        self.assertIn("word error rate", (self.folder / "run" / "report.html").read_text(encoding="utf-8"))

    def test_predict_writes_down_and_evaluate_counts(self):
        found = call("predict", self.folder / "run", self.folder / "test" / "0.wav")
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertEqual(list(rows_of(found.stdout)[0]), ["path", "transcript", "probability"])
        counted = call("evaluate", self.folder / "run", self.folder / "test.csv", "--json")
        self.assertEqual(counted.returncode, 0, counted.stderr)
        self.assertEqual(json.loads(counted.stdout)["word_error_rate"], json.loads(self.trained.stdout)["word_error_rate"])
        refused = call("predict", self.folder / "run", self.folder / "test" / "0.wav", "--top", "2")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("writes down what it hears", refused.stderr)

    def test_a_data_folder_of_kaldi_is_data(self):
        kaldi = self.folder / "kaldi"
        for split in ("train", "test"):
            with open(self.folder / f"{split}.csv", newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            (kaldi / split).mkdir(parents=True)
            names = [f"utt-{i:03}" for i in range(len(rows))]
            (kaldi / split / "wav.scp").write_text("".join(
                f"{name} {self.folder / row['path']}\n" for name, row in zip(names, rows)))
            (kaldi / split / "text").write_text("".join(
                f"{name} {row['transcript']}\n" for name, row in zip(names, rows) if row["transcript"]))
        seen = call("data", "inspect", kaldi, "--json")
        self.assertEqual(seen.returncode, 0, seen.stderr)
        run = call("train", f"data={kaldi}", "method=ctc", "train.steps=3", f"out={self.folder / 'from-kaldi'}", "--json",
                   "--progress", "none")
        self.assertEqual(run.returncode, 0, run.stderr)
        found = json.loads(run.stdout)
        self.assertEqual((found["labels"], found["test_examples"]), (10, 6))
        (kaldi / "train" / "wav.scp").write_text("utt-000 sox a.sph -t wav - |\n")
        refused = call("data", "inspect", kaldi)
        self.assertEqual(refused.returncode, 3)
        self.assertIn("comes from a command", refused.stderr)

    def test_methods_of_the_other_target_are_refused(self):
        refused = call("train", f"data={self.folder / 'train.csv'}", "method=fixmatch", "train.steps=1",
                       f"out={self.folder / 'other'}")
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("fixmatch learns classes, and the labels are transcripts", refused.stderr)


if __name__ == "__main__":
    unittest.main()
