"""Recordings from outside: training, predicting and transcribing on sounds that are made here."""
import array
import csv
import io
import json
import math
import pathlib
import random
import struct
import tempfile
import unittest
import wave

from cli_test import call

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

    def test_methods_of_the_other_target_are_refused(self):
        refused = call("train", f"data={self.folder / 'train.csv'}", "method=fixmatch", "train.steps=1",
                       f"out={self.folder / 'other'}")
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("fixmatch learns classes, and the labels are transcripts", refused.stderr)


if __name__ == "__main__":
    unittest.main()
