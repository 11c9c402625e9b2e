"""Encoders from folders, as a user meets them: a small BERT is made here, number by number, so that nothing is fetched."""
import csv
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["FEWLABEL"]
WIDTH, BLOCKS, HEADS, INNER, PLACES = 16, 2, 2, 32, 40
GOOD = "sun light warm bright day summer gold shine clear dawn".split()
BAD = "rain dark cold grey night winter storm cloud wet gloom".split()
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *GOOD, *BAD, "the", "a", "of", "and"]


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def bert_tensors():
    draw = random.Random(0)
    tensors = {}

    def matrix(name, *shape):
        size = 1
        for side in shape:
            size *= side
        tensors[name] = (list(shape), [draw.gauss(0, 0.3) for _ in range(size)])

    def norm(name):
        tensors[name + ".weight"] = ([WIDTH], [1.0] * WIDTH)
        tensors[name + ".bias"] = ([WIDTH], [0.0] * WIDTH)

    def layer(name, rows, columns):
        matrix(name + ".weight", rows, columns)
        tensors[name + ".bias"] = ([rows], [0.0] * rows)

    matrix("embeddings.word_embeddings.weight", len(WORDS), WIDTH)
    matrix("embeddings.position_embeddings.weight", PLACES, WIDTH)
    matrix("embeddings.token_type_embeddings.weight", 2, WIDTH)
    norm("embeddings.LayerNorm")
    for i in range(BLOCKS):
        at = f"encoder.layer.{i}."
        for part in ("query", "key", "value"):
            layer(at + "attention.self." + part, WIDTH, WIDTH)
        layer(at + "attention.output.dense", WIDTH, WIDTH)
        norm(at + "attention.output.LayerNorm")
        layer(at + "intermediate.dense", INNER, WIDTH)
        layer(at + "output.dense", WIDTH, INNER)
        norm(at + "output.LayerNorm")
    layer("pooler.dense", WIDTH, WIDTH)
    return tensors


def field(number, value):
    """Of a protobuf message: a number, or bytes and texts with their length before them."""
    def varint(rest):
        out = b""
        while rest > 127:
            out, rest = out + bytes([rest & 127 | 128]), rest >> 7
        return out + bytes([rest])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx_value(name, *sizes, kind=1):
    shape = b"".join(field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in sizes)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def onnx_node(op, inputs, output, *attributes):
    return b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, op) + b"".join(
        field(5, field(1, name) + field(8, value) + field(20, 7)) for name, value in attributes)


def onnx_net(nodes, inputs, tensors=()):
    graph = b"".join(field(1, node) for node in nodes) + field(2, "net") + b"".join(field(5, t) for t in tensors)
    graph += b"".join(field(11, value) for value in inputs) + field(12, onnx_value("y", "n", "d"))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


CONFIG = {"model_type": "bert", "hidden_size": WIDTH, "num_hidden_layers": BLOCKS, "num_attention_heads": HEADS,
          "intermediate_size": INNER, "max_position_embeddings": PLACES, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
TOKENIZER = {
    "version": "1.0", "truncation": None, "padding": None,
    "added_tokens": [{"id": i, "content": word, "single_word": False, "lstrip": False, "rstrip": False,
                      "normalized": False, "special": True} for i, word in enumerate(WORDS[:5])],
    "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": {"type": "TemplateProcessing",
                       "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                  {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                       "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                                          "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
    "decoder": None, "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(WORDS)},
                               "unk_token": "[UNK]"}}


def texts(count, seed):
    draw = random.Random(seed)
    for i in range(count):
        own = (GOOD, BAD)[i % 2]
        yield " ".join(draw.choice(own + ["the", "a", "of", "and"]) for _ in range(8)), ("good", "bad")[i % 2]


class Encoders(unittest.TestCase):
    def setUp(self):
        self.kept = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.kept.name)
        self.encoder = self.root / "encoders" / "small"
        self.encoder.mkdir(parents=True)
        write_safetensors(self.encoder / "model.safetensors", bert_tensors())
        (self.encoder / "config.json").write_text(json.dumps(CONFIG))
        (self.encoder / "tokenizer.json").write_text(json.dumps(TOKENIZER))
        for name, count, seed in (("train", 120, 1), ("test", 60, 2)):
            with open(self.root / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("text", "label"), *texts(count, seed)])

    def tearDown(self):
        self.kept.cleanup()

    def run_program(self, *words, code=0):
        environment = {**os.environ, "FEWLABEL_ENCODERS": str(self.root / "encoders"),
                       "XDG_CACHE_HOME": str(self.root / "cache")}
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, env=environment,
                              cwd=self.root)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def train(self, *words, code=0):
        return self.run_program("train", "data=train.csv@8:seed=0", "data.test=test.csv", "out=run", "--overwrite",
                                "--progress", "none", *words, code=code)

    def summary(self):
        return json.loads((self.root / "run" / "summary.json").read_text())

    def test_lists_what_is_there_and_what_is_known(self):
        text = self.run_program("encoders").stdout
        self.assertIn("small", text)
        self.assertIn("make encoders", text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()))
        found = {entry["name"]: entry for entry in json.loads(self.run_program("encoders", "--json").stdout)}
        self.assertEqual(found["small"]["architecture"], "bert")
        self.assertTrue(found["small"]["installed"])
        self.assertFalse(found["minilm"]["installed"])

    def test_texts_tune_their_encoder_where_there_is_time(self):
        done = self.train("encoder=small")
        self.assertIn("method.name = setfit: tuning the encoder takes about", done.stderr)
        found = self.summary()
        self.assertEqual(found["method"], "setfit")
        self.assertGreater(found["accuracy"], 0.8)
        self.assertTrue(any("on which two agree" in note for note in found["notes"]))
        first = (self.root / "run" / "model" / "model.safetensors").read_bytes()
        self.train("encoder=small")
        self.assertEqual(first, (self.root / "run" / "model" / "model.safetensors").read_bytes())
        said = self.run_program("predict", "run", "warm bright summer day").stdout
        self.assertIn("good", said)

    def test_and_leave_it_where_there_is_none(self):
        with open(self.root / "train.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *texts(6000, 1)])
        done = self.train("encoder=small", "train.minutes=0.01")
        self.assertIn("method.name = best_head: tuning the encoder would take", done.stderr)
        self.assertEqual(self.summary()["method"], "best_head")

    def test_another_run_goes_on_with_its_tokenizer(self):
        self.train("encoder=small", "method=setfit")
        os.rename(self.root / "run", self.root / "before")
        (self.root / "other.csv").write_text("text,label\n" + "".join(f"quite other words {i},{i % 2}\n" for i in range(40)))
        done = self.run_program("train", "data=other.csv", "init=before", "method=logistic", "out=run", "--overwrite",
                                "--progress", "none", "estimate=none")
        self.assertIn("before", done.stderr)

    def test_a_frozen_encoder_learns_predicts_and_moves(self):
        done = self.train("encoder=small", "method=best_head")
        self.assertIn("encoder = small", done.stderr)
        found = self.summary()
        self.assertEqual(found["method"], "best_head")
        self.assertGreater(found["accuracy"], 0.8)
        (self.root / "elsewhere").mkdir()
        os.rename(self.root / "run", self.root / "elsewhere" / "run")
        os.rename(self.encoder, self.root / "gone")  # a run holds all of its net
        said = self.run_program("predict", "elsewhere/run", "warm bright summer day").stdout
        self.assertIn("good", said)

    def test_the_same_bits_again_and_from_kept_features(self):
        weights = []
        for _ in range(2):
            self.train("encoder=small", "method=best_head")
            weights.append((self.root / "run" / "model" / "model.safetensors").read_bytes())
        self.assertEqual(weights[0], weights[1])
        self.assertTrue(list((self.root / "cache" / "fewlabel" / "features").iterdir()))

    def test_killed_while_it_looks_or_tunes_it_ends_in_the_same_bits(self):
        with open(self.root / "train.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *texts(3000, 1)])
        for method in ("best_head", "setfit"):
            with self.subTest(method=method):
                self.train("encoder=small", f"method={method}")
                whole = (self.root / "run" / "model" / "model.safetensors").read_bytes()
                shutil.rmtree(self.root / "cache")
                words = ["data=train.csv@8:seed=0", "data.test=test.csv", "encoder=small", f"method={method}",
                         f"out=killed-{method}"]
                folder, kills = self.root / f"killed-{method}", 0
                for wait in (0.05, 0.4, 0.8):
                    child = subprocess.Popen(
                        [PROGRAM, "train", *(["--resume", folder.name] if (folder / "stages.json").exists() else
                                             ["--overwrite", *words])],
                        cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                        env={**os.environ, "FEWLABEL_ENCODERS": str(self.root / "encoders"),
                             "XDG_CACHE_HOME": str(self.root / "cache")})
                    while child.poll() is None and not (folder / "stages.json").exists():
                        time.sleep(0.02)
                    time.sleep(wait)
                    kills += child.poll() is None
                    child.kill()
                    child.wait()
                self.assertGreater(kills, 0)
                if not (folder / "result.json").exists():
                    self.run_program("train", "--resume", folder.name)
                self.assertEqual(whole, (folder / "model" / "model.safetensors").read_bytes())

    def test_every_method_can_be_fine_tuned(self):
        self.train("encoder=small", "method=fixmatch", "train.steps=30")
        self.assertEqual(self.summary()["net"], "bert")
        self.assertIn("small", self.summary()["init"])

    def test_nothing_is_taken_that_was_not_asked_for(self):
        self.train("encoder=none", "method=supervised", "train.steps=5")
        self.assertNotIn("init", self.summary())

    def refused(self, *parts, encoder="small", code=None):
        done = self.train(f"encoder={encoder}", code=code or (2 if encoder != "small" else 3))
        self.assertEqual(done.stdout, "")
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertFalse((self.root / "run").exists())

    def test_a_name_that_is_not_there(self):
        self.refused("there is no encoder", "smal", encoder="smal")
        self.refused("minilm is not installed", "make encoders", encoder="minilm")

    def test_a_missing_tensor_is_named(self):
        tensors = bert_tensors()
        del tensors["encoder.layer.1.output.dense.bias"]
        write_safetensors(self.encoder / "model.safetensors", tensors)
        self.refused("encoder.layer.1.output.dense.bias", "missing")

    def test_a_tensor_too_many_is_named(self):
        tensors = bert_tensors()
        tensors["encoder.layer.2.output.dense.bias"] = ([2], [0.0, 0.0])
        write_safetensors(self.encoder / "model.safetensors", tensors)
        self.refused("encoder.layer.2.output.dense.bias", "no part that is known")

    def test_a_wrong_shape_is_named(self):
        tensors = bert_tensors()
        tensors["encoder.layer.0.intermediate.dense.weight"] = ([WIDTH, INNER], [0.0] * WIDTH * INNER)
        write_safetensors(self.encoder / "model.safetensors", tensors)
        self.refused("encoder.layer.0.intermediate.dense.weight", "[16, 32], wanted [32, 16]")

    def test_configs_that_are_none(self):
        for change, part in (({"model_type": "t5"}, "t5"), ({"hidden_size": 15}, "do not divide"),
                             ({"hidden_size": "16"}, "hidden_size"), ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
                             ({"hidden_size": 16384, "num_hidden_layers": 200}, "million weights"),
                             ({"hidden_act": "relu"}, "relu"), ({"max_position_embeddings": -1}, "max_position")):
            with self.subTest(part):
                (self.encoder / "config.json").write_text(json.dumps({**CONFIG, **change}))
                self.refused(part)
        (self.encoder / "config.json").write_text("[" * 100000)
        self.refused("no JSON object")
        (self.encoder / "config.json").unlink()
        self.refused("config.json is missing")

    def test_a_tokenizer_of_another_encoder(self):
        larger = json.loads(json.dumps(TOKENIZER))
        larger["model"]["vocab"]["more"] = len(WORDS)
        (self.encoder / "tokenizer.json").write_text(json.dumps(larger))
        self.refused(f"embeds {len(WORDS)} tokens, and tokenizer.json has {len(WORDS) + 1}")

    def test_pickles_are_refused(self):
        os.rename(self.encoder / "model.safetensors", self.encoder / "pytorch_model.bin")
        self.refused("model.safetensors is missing", "can run code")

    def refused_graph(self, *parts, code=3, **net):
        (self.root / "net.onnx").write_bytes(onnx_net(**net))
        done = self.run_program("train", "data=fashion_mnist@20", "encoder=net.onnx", "method=logistic", "out=run",
                                "--progress", "none", code=code)
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertIn("net.onnx", done.stderr)
        self.assertFalse((self.root / "run").exists())

    def test_graphs_that_cannot_be_run(self):
        x = onnx_value("x", "n", 3, "h", "w")
        pool, flat = onnx_node("GlobalAveragePool", ["x"], "p"), onnx_node("Flatten", ["p"], "y")
        self.refused_graph("is control flow", nodes=[onnx_node("If", ["x"], "y")], inputs=[x])
        self.refused_graph("is an operator that is not known", "Trilu", nodes=[pool, onnx_node("Trilu", ["p"], "y")],
                           inputs=[x])
        self.refused_graph("has 2 inputs (x, z), and one is wanted", nodes=[pool, flat],
                           inputs=[x, onnx_value("z", 1)])
        self.refused_graph("has no input", nodes=[pool, flat], inputs=[])
        self.refused_graph("takes 'x' of N x 1 x N x N", nodes=[pool, flat], inputs=[onnx_value("x", "n", 1, "h", "w")])
        self.refused_graph("takes values of the type float16", nodes=[pool, flat],
                           inputs=[onnx_value("x", "n", 3, "h", "w", kind=10)])
        self.refused_graph("takes exactly 4 examples", nodes=[pool, flat], inputs=[onnx_value("x", 4, 3, "h", "w")])
        self.refused_graph("of 1 dimensions", nodes=[onnx_node("Shape", ["x"], "y")], inputs=[x])
        large = field(1, 1 << 20) + field(2, 1) + field(8, "w") + field(14, 1)
        for location, length in (("../away.bin", 1 << 22), ("beside.bin", 1 << 22), ("beside.bin", 8)):
            (self.root / "beside.bin").write_bytes(b"12345678")
            where = field(13, field(1, "location") + field(2, location))
            how = field(13, field(1, "length") + field(2, str(length)))
            self.refused_graph("net.onnx", code=6, nodes=[pool, onnx_node("Add", ["p", "w"], "y")], inputs=[x],
                               tensors=[large + where + how])

    def test_graphs_of_texts_that_cannot_be_run(self):
        ids = onnx_value("input_ids", "n", "t", kind=7)
        cast = onnx_node("Cast", ["input_ids"], "y")
        (self.root / "graph").mkdir()
        (self.root / "graph" / "net.onnx").write_bytes(onnx_net([cast], [ids]))
        self.refused("tokenizer.json is not beside it", encoder="graph/net.onnx", code=3)
        shutil.copy(self.encoder / "tokenizer.json", self.root / "graph")
        (self.root / "graph" / "net.onnx").write_bytes(onnx_net([cast], [ids, onnx_value("position_ids", "n", kind=7)]))
        self.refused("has an input 'position_ids'", encoder="graph/net.onnx", code=3)
        (self.root / "graph" / "net.onnx").write_bytes(onnx_net([cast], [onnx_value("input_ids", "n", "t")]))
        self.refused("takes 'input_ids' of the type float", encoder="graph/net.onnx", code=3)
        for own, part in (({"kind": "video"}, "kind = 'video'"), ({"kind": "text", "pool": "last"}, "pool = 'last'"),
                          ({"kind": "text", "graphs": []}, "one file"), ({"kind": "image", "std": [0, 1, 1]}, "mean and std"),
                          ({"kind": "text", "graphs": [{"file": "../net.onnx"}]}, "without a file of this folder"),
                          ({"kind": "text", "graphs": [{"file": "gone.onnx"}]}, "gone.onnx is missing")):
            with self.subTest(part):
                (self.root / "graph" / "encoder.json").write_text(json.dumps({"graphs": [{"file": "net.onnx"}], **own}))
                self.refused(part, encoder="graph", code=3)

    def test_a_frozen_method_needs_something_to_look_through(self):
        done = self.train("encoder=none", "method=logistic", code=2)
        self.assertIn("encoder=NAME", done.stderr)

    def test_a_text_encoder_for_pictures(self):
        self.assertIn("of texts", self.run_program("train", "data=fashion_mnist@100", "encoder=small", "out=run",
                                                   "--progress", "none", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
