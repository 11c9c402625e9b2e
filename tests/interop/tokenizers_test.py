#!/usr/bin/env python3
"""Ids, offsets and decoded texts are those of PyPI's `tokenizers`, for files made as the well-known ones are.

Reads the program tokenize_lines from the variable TOKENIZE_LINES. Further tokenizer.json files may be named by
TOKENIZER_FILES, separated by ':', and further texts, a line each, by TEXT_FILES.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from made_up_text import made_up_lines
from tokenizer_files import BYTES, all_kinds

PROGRAM = os.environ["TOKENIZE_LINES"]
LINES = 12000


def named_files(variable):
    return [pathlib.Path(name) for name in os.environ.get(variable, "").split(":") if name]


def run(*arguments, lines):
    # Texts as JSON, so that they may hold ends of lines.
    sent = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=sent, capture_output=True, text=True, check=True)
    return done.stdout


def character_offsets(line, offsets):
    """Bytes to characters, as `tokenizers` counts."""
    places, at = {}, 0
    for i, character in enumerate(line):
        places[at] = i
        at += len(character.encode())
    places[at] = len(line)
    return [(places[begin], places[end]) for begin, end in offsets]


class TokenizersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.lines = made_up_lines(LINES)
        for path in named_files("TEXT_FILES"):
            cls.lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
        cls.any_lines = made_up_lines(2000, seed=3, any_code=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def compare(self, path, lines):
        theirs = Tokenizer.from_file(str(path))
        theirs.no_truncation()
        theirs.no_padding()
        # Not splitlines(), which takes U+2028 for an end as well.
        answers = run("encode", path, lines=lines).split("\n")[:-1]
        self.assertEqual(len(answers), len(lines))
        unequal = []
        for line, answer in zip(lines, map(json.loads, answers)):
            wanted = theirs.encode(line)
            pairs = {"ids": (answer["ids"], wanted.ids), "ids alone": (answer["ids_alone"], wanted.ids),
                     "offsets": (character_offsets(line, answer["offsets"]), wanted.offsets),
                     "text": (answer["text"], theirs.decode(wanted.ids)),
                     "whole text": (answer["whole_text"], theirs.decode(wanted.ids, skip_special_tokens=False))}
            unequal += [(what, line, got, want) for what, (got, want) in pairs.items() if got != want]
        if unequal:
            what, line, got, want = min(unequal, key=lambda case: len(case[1]))
            self.fail(f"{len(unequal)} differences in {len(lines)} lines; the {what} of {line!r}:\n"
                      f"  got    {got}\n  wanted {want}")

    def test_well_known_architectures(self):
        only = os.environ.get("ONLY", "")
        for name, tokenizer in all_kinds(made_up_lines(4000, seed=2)):
            if only and only != name:
                continue
            path = pathlib.Path(self.folder.name) / f"{name}.json"
            tokenizer.save(str(path))
            with self.subTest(name):
                self.compare(path, self.lines)
            if name not in ("clip",):  # whose pattern is oniguruma's to match
                with self.subTest(name + ", characters of any version of Unicode"):
                    self.compare(path, self.any_lines)

    def test_files_from_elsewhere(self):
        for path in named_files("TOKENIZER_FILES"):
            with self.subTest(str(path)):
                self.compare(path, self.lines)

    def test_bpe_is_learnt_alike(self):
        for lower in (False, True):
            with self.subTest(lower=lower):
                self.compare_training(lower)

    def compare_training(self, lower):
        lines = made_up_lines(6000, seed=5)
        path = pathlib.Path(self.folder.name) / "learnt.json"
        path.write_text(run("train", 3000, 2, int(lower), lines=lines), encoding="utf-8")
        theirs = Tokenizer(models.BPE())
        if lower:
            theirs.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
        theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        theirs.decoder = decoders.ByteLevel()
        specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        theirs.train_from_iterator(lines, trainers.BpeTrainer(
            vocab_size=3000, min_frequency=2, special_tokens=specials, initial_alphabet=BYTES, show_progress=False))
        got, wanted = json.loads(path.read_text(encoding="utf-8"))["model"], json.loads(theirs.to_str())["model"]
        self.assertEqual(got["merges"], wanted["merges"])
        self.assertEqual(got["vocab"], wanted["vocab"])
        self.compare(path, self.lines[:3000])


if __name__ == "__main__":
    unittest.main()
