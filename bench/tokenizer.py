#!/usr/bin/env python3
"""Lines a second of our tokenizer and of PyPI's `tokenizers`, on one core, in turns.

  bench/tokenizer.py FILE.csv… [--rounds 3] [--program build/release/tests/interop/tokenize_lines]

Reads the column `text` of the files. Two vocabularies are learnt from them by PyPI's package: WordPiece as BERT's files
have it (lower case) and byte-level BPE as GPT-2's. Seconds are the processor's, of reading nothing but lines in memory.
The package takes one text a call (encode) or all at once (encode_batch, on one thread); the faster counts.
"""
import argparse
import csv
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("files", nargs="+")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--program", default=here.parent / "build" / "release" / "tests" / "interop" / "tokenize_lines")
options = parser.parse_args()
csv.field_size_limit(1 << 30)


def vocabularies(lines):
    words = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer(lowercase=True)
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=8000, special_tokens=special))
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", words.token_to_id("[CLS]")), ("[SEP]", words.token_to_id("[SEP]"))])
    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=8000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return {"WordPiece": words, "byte-level BPE": pieces}


def ours(path, lines):
    sent = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([options.program, "time", path], input=sent, capture_output=True, text=True, check=True)
    # The first of its figures: with offsets, as theirs are, and no word seen before.
    rate, tokens = re.search(r"([\d.e+]+) lines a second, (\d+) tokens", done.stderr).groups()
    return float(rate), int(tokens)


def theirs(tokenizer, lines):
    rates = []
    for encode in (lambda: [tokenizer.encode(line) for line in lines], lambda: tokenizer.encode_batch(lines)):
        begin = time.process_time()
        tokens = sum(len(found.ids) for found in encode())
        rates.append(len(lines) / (time.process_time() - begin))
    return max(rates), tokens


texts = []
for file in options.files:
    with open(file, newline="", encoding="utf-8") as opened:
        texts += [row["text"] for row in csv.DictReader(opened)]
print(f"{len(texts)} lines, {sum(map(len, texts)) / len(texts):.0f} characters each")
with tempfile.TemporaryDirectory() as folder:
    for name, tokenizer in vocabularies(texts).items():
        path = os.path.join(folder, "tokenizer.json")
        tokenizer.save(path)
        found = []
        for _ in range(options.rounds):
            (own, own_tokens), (other, other_tokens) = ours(path, texts), theirs(tokenizer, texts)
            assert own_tokens == other_tokens, f"{name}: {own_tokens} tokens against {other_tokens}"
            found.append((own, other))
        ratio = [own / other for own, other in found]
        print(f"{name}: {statistics.median(own for own, _ in found):,.0f} lines a second and core against "
              f"{statistics.median(other for _, other in found):,.0f}: {statistics.median(ratio):.1f} x "
              f"({min(ratio):.1f} to {max(ratio):.1f})")
