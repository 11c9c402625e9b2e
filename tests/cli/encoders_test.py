"""Encoders from folders, as a user meets them: a small BERT is made here, number by number, so that nothing is fetched."""
import csv
import json
import math
import os
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
import wave
import zlib

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


def write_png(path, side, pixels):
    """A square of colours, row by row."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + pixels[i * side * 3:(i + 1) * side * 3] for i in range(side))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


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


SPEECH = {"model_type": "wav2vec2", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
          "intermediate_size": 32, "conv_dim": [8, 8], "conv_kernel": [10, 4], "conv_stride": [8, 8],
          "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4, "feat_extract_norm": "group",
          "do_stable_layer_norm": False}


def speech_tensors():
    draw = random.Random(0)
    tensors = {}

    def numbers(name, *shape):
        size = 1
        for side in shape:
            size *= side
        tensors[name] = (list(shape), [draw.gauss(0, 0.3) for _ in range(size)])

    def layer(name, rows, columns):
        numbers(name + ".weight", rows, columns)
        numbers(name + ".bias", rows)

    def norm(name, width):
        tensors[name + ".weight"] = ([width], [1.0] * width)
        tensors[name + ".bias"] = ([width], [0.0] * width)

    numbers("feature_extractor.conv_layers.0.conv.weight", 8, 1, 10)
    numbers("feature_extractor.conv_layers.1.conv.weight", 8, 8, 4)
    norm("feature_extractor.conv_layers.0.layer_norm", 8)
    norm("feature_projection.layer_norm", 8)
    layer("feature_projection.projection", 16, 8)
    numbers("encoder.pos_conv_embed.conv.weight_g", 1, 1, 8)
    numbers("encoder.pos_conv_embed.conv.weight_v", 16, 4, 8)
    numbers("encoder.pos_conv_embed.conv.bias", 16)
    norm("encoder.layer_norm", 16)
    at = "encoder.layers.0."
    for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
        layer(at + "attention." + part, 16, 16)
    norm(at + "layer_norm", 16)
    layer(at + "feed_forward.intermediate_dense", 32, 16)
    layer(at + "feed_forward.output_dense", 16, 32)
    norm(at + "final_layer_norm", 16)
    numbers("masked_spec_embed", 16)
    return tensors


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


VIT = {"model_type": "vit", "hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": HEADS,
       "intermediate_size": INNER, "image_size": 16, "patch_size": 8, "hidden_act": "gelu", "layer_norm_eps": 1e-6}
PIXELS = {"do_rescale": True, "do_normalize": True, "rescale_factor": 1 / 255, "image_mean": [0.5, 0.5, 0.5],
          "image_std": [0.25, 0.25, 0.25]}


def vit_tensors():
    draw, tensors = random.Random(0), {}

    def add(name, *shape):
        size = 1
        for side in shape:
            size *= side
        tensors[name] = (list(shape), [draw.gauss(0, 0.3) for _ in range(size)])

    def layer(name, *shape):
        add(name + ".weight", *shape)
        add(name + ".bias", shape[0])

    add("embeddings.cls_token", 1, 1, WIDTH)
    add("embeddings.position_embeddings", 1, 5, WIDTH)
    layer("embeddings.patch_embeddings.projection", WIDTH, 3, 8, 8)
    at = "encoder.layer.0."
    for part in ("attention.attention.query", "attention.attention.key", "attention.attention.value",
                 "attention.output.dense"):
        layer(at + part, WIDTH, WIDTH)
    layer(at + "intermediate.dense", INNER, WIDTH)
    layer(at + "output.dense", WIDTH, INNER)
    for norm in (at + "layernorm_before", at + "layernorm_after", "layernorm"):
        layer(norm, WIDTH)
    layer("pooler.dense", WIDTH, WIDTH)
    return tensors


def write_picture(path, draw, light):
    """16 × 16, mostly light or dark."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, 16, bytes(draw.randrange(128) + 127 * light for _ in range(3 * 16 * 16)))


# A small ResNet, as Hugging Face writes it.
RESNET = {"model_type": "resnet", "num_channels": 3, "embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1],
          "layer_type": "basic", "hidden_act": "relu"}


def resnet_tensors():
    draw = random.Random(0)
    tensors = {}

    def unit(name, out, inside, side):
        size = out * inside * side * side
        tensors[name + ".convolution.weight"] = ([out, inside, side, side], [draw.gauss(0, 0.3) for _ in range(size)])
        for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            tensors[f"{name}.normalization.{part}"] = ([out], [float(value)] * out)

    unit("embedder.embedder", 4, 3, 7)
    for stage, (inside, out) in enumerate(((4, 4), (4, 8))):
        at = f"encoder.stages.{stage}.layers.0."
        unit(at + "layer.0", out, inside, 3)
        unit(at + "layer.1", out, out, 3)
    unit("encoder.stages.1.layers.0.shortcut", 8, 4, 1)
    return tensors


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

    def test_what_stands_behind_the_net_is_done_or_refused(self):
        module = "sentence_transformers.models."
        (self.encoder / "1_Pooling").mkdir()
        (self.encoder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
        self.train("encoder=small", "method=logistic")
        card = json.loads((self.root / "run" / "model" / "method.json").read_text())
        self.assertEqual(card["net"]["pool"], "max")
        shutil.rmtree(self.root / "run")
        for pooling, parts in (({"pooling_mode_lasttoken": True}, ("pools by 'lasttoken'", "mean_sqrt_len_tokens")),
                               ({"pooling_mode": "best"}, ("pools by 'best'",)),
                               ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": True},
                                ("joins 2 ways of pooling (max, mean)",)),
                               ({"pooling_mode": ["cls", "max"]}, ("joins 2 ways of pooling (cls, max)",))):
            with self.subTest(pooling):
                (self.encoder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
                self.refused(*parts)
        for modules, part in (([{"type": module + "Transformer"}, {"type": module + "Dense"}], "puts 'Dense' behind"),
                              ([{"type": module + "Pooling", "path": "../elsewhere"}], "no folder beside it"),
                              ([7], "puts ''"), ({}, "is no JSON list")):
            with self.subTest(part):
                (self.encoder / "modules.json").write_text(json.dumps(modules))
                self.refused(part)

    def test_mpnet_without_its_distances(self):
        tensors = bert_tensors()
        names = {"self.query": "attn.q", "self.key": "attn.k", "self.value": "attn.v", "output.dense": "attn.o",
                 "output.LayerNorm": "LayerNorm"}
        for name in [*tensors]:
            if ".attention." in name:
                before, after = name.split(".attention.")
                part, end = after.rsplit(".", 1)
                tensors[f"{before}.attention.{names[part]}.{end}"] = tensors.pop(name)
        del tensors["embeddings.token_type_embeddings.weight"]
        write_safetensors(self.encoder / "model.safetensors", tensors)
        (self.encoder / "config.json").write_text(json.dumps({**CONFIG, "model_type": "mpnet"}))
        self.refused("'encoder.relative_attention_bias.weight' is missing")
        for change, part in (({"pad_token_id": 0}, "pad_token_id = 0"),
                             ({"relative_attention_num_buckets": 64}, "relative_attention_num_buckets = 64")):
            with self.subTest(part):
                (self.encoder / "config.json").write_text(json.dumps({**CONFIG, "model_type": "mpnet", **change}))
                self.refused(part)

    def write_sounds(self):
        draw = random.Random(0)
        for i in range(40):
            folder = self.root / "sounds" / ("low", "high")[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            with wave.open(str(folder / f"{i}.wav"), "wb") as file:
                file.setparams((1, 2, 16000, 0, "NONE", ""))
                step = (0.1, 0.4)[i % 2] * draw.uniform(0.9, 1.1)
                file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(step * t)) + draw.randint(-200, 200))
                                          for t in range(draw.randint(2000, 4000))))

    def hear(self, *words, code=0):
        return self.run_program("train", "data=sounds@8:seed=0", "encoder=small", "out=run", "--overwrite", "--progress", "none",
                                "estimate=none", *words, code=code)

    def test_samples_are_heard_frozen_and_fine_tuned(self):
        self.write_sounds()
        write_safetensors(self.encoder / "model.safetensors", speech_tensors())
        (self.encoder / "config.json").write_text(json.dumps(SPEECH))
        for words in (["method=logistic"], ["method=fixmatch", "train.steps=2", "train.batch=4", "baseline=none"]):
            with self.subTest(words):
                done = self.hear(*words)
                self.assertIn("encoder = small", done.stderr)
                self.assertRegex(self.run_program("predict", "run", "sounds/low/0.wav").stdout, "low|high")

    def test_a_speech_encoder_that_is_none(self):
        self.write_sounds()
        (self.encoder / "config.json").write_text(json.dumps(SPEECH))
        for change, part in ((lambda tensors: tensors.pop("encoder.pos_conv_embed.conv.weight_g"), "weight_g' is missing"),
                             (lambda tensors: tensors.update({"adapter.0": ([1], [0.0])}), "'adapter.0' belongs to no part")):
            tensors = speech_tensors()
            change(tensors)
            write_safetensors(self.encoder / "model.safetensors", tensors)
            self.assertIn(part, self.hear(code=3).stderr)
        write_safetensors(self.encoder / "model.safetensors", speech_tensors())
        for change, part in (({"conv_dim": [8, 0]}, "conv_dim = [8,0]"), ({"conv_kernel": [10]}, "conv_kernel of 1"),
                             ({"conv_stride": [160, 160]}, "conv_stride = [160,160]"), ({"conv_dim": "8"}, 'conv_dim = "8"'),
                             ({"num_conv_pos_embedding_groups": 3}, "do not divide"), ({"num_attention_heads": 3}, "3 heads"),
                             ({"feat_extract_norm": "batch"}, "batch"), ({"conv_bias": 1}, "conv_bias = 1"),
                             ({"add_adapter": True}, "add_adapter"), ({"hidden_act": "relu"}, "relu"),
                             ({"hidden_size": 16384, "num_hidden_layers": 200}, "million weights")):
            with self.subTest(part):
                (self.encoder / "config.json").write_text(json.dumps({**SPEECH, **change}))
                self.assertIn(part, self.hear(code=3).stderr)

    def test_a_whisper_that_is_none(self):
        self.write_sounds()
        whisper = {"model_type": "whisper", "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2,
                   "encoder_ffn_dim": 32, "num_mel_bins": 20, "max_source_positions": 50, "activation_function": "gelu"}
        for change, before, part in (({}, {}, "'encoder.conv1.weight' is missing"), ({}, {"n_fft": 512}, "n_fft = 512"),
                                     ({}, {"feature_size": 80}, "feature_size = 80"), ({"d_model": 15}, {}, "do not divide"),
                                     ({"max_source_positions": 5}, {}, "has places for 0.1 seconds"),
                                     ({"encoder_layers": 0}, {}, "encoder_layers = 0")):
            with self.subTest(part):
                (self.encoder / "config.json").write_text(json.dumps({**whisper, **change}))
                (self.encoder / "preprocessor_config.json").write_text(json.dumps(before))
                done = self.hear(code=2 if "places" in part else 3)
                self.assertIn(part, done.stderr)

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
        for own, part in (({"kind": "video"}, "kind = 'video'"), ({"kind": "text", "pool": "last"}, "pools by 'last'"),
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

    def save_vit(self, tensors=None, **changes):
        write_safetensors(self.encoder / "model.safetensors", tensors or vit_tensors())
        (self.encoder / "config.json").write_text(json.dumps({**VIT, **changes}))
        (self.encoder / "preprocessor_config.json").write_text(json.dumps(PIXELS))
        (self.encoder / "tokenizer.json").unlink(missing_ok=True)
        draw = random.Random(1)
        for i in range(24):
            write_picture(self.root / "photos" / ("dark", "light")[i % 2] / f"{i:02}.png", draw, i % 2)

    def look(self, *words, code=0):
        return self.run_program("train", "data=photos", "encoder=small", "out=run", "--overwrite", "--progress", "none",
                                "estimate=none", *words, code=code)

    def test_a_vision_transformer_frozen_and_fine_tuned(self):
        self.save_vit()
        done = self.look("method=logistic")
        self.assertIn("data.size = 16", done.stderr)
        self.assertIn("light", self.run_program("predict", "run", "photos/light/01.png").stdout)
        self.look("method=supervised", "train.steps=3", "data.size=24")
        self.assertEqual(self.summary()["net"], "vision_transformer")

    def test_a_vision_transformer_with_other_heads_sees_something_else(self):
        self.save_vit()
        features = []
        for heads in (HEADS, 2 * HEADS):  # the kept features of one must not be taken for those of the other
            (self.encoder / "config.json").write_text(json.dumps({**VIT, "num_attention_heads": heads}))
            self.look("method=logistic")
            features.append((self.root / "run" / "model" / "model.safetensors").read_bytes())
        self.assertFalse(features[0] == features[1])

    def test_vision_transformers_that_are_none(self):
        for changes, part in (({"hidden_act": "relu"}, "hidden_act = 'relu'"), ({"patch_size": 32}, "patches of 32"),
                              ({"num_attention_heads": 3}, "do not divide"), ({"qkv_bias": False}, "qkv_bias"),
                              ({"image_size": [16, 32]}, "only squares"), ({"num_hidden_layers": 2}, "is missing"),
                              ({"image_size": 24}, "[1, 5, 16], wanted [1, 10, 16]"),
                              ({"layer_norm_eps": "tiny"}, "layer_norm_eps"), ({"num_channels": 1}, "num_channels"),
                              ({"model_type": None, "architecture": "vit_small_rope_224"}, "vit_small_rope_224"),
                              ({"model_type": None, "architecture": "vit_tiny_patch8_16", "global_pool": "avg"}, "avg"),
                              ({"model_type": "clip", "vision_config": 7}, "vision_config")):
            with self.subTest(part):
                self.save_vit(**changes)
                self.assertIn(part, self.look("method=logistic", code=3).stderr)
        self.save_vit({**vit_tensors(), "embeddings.register_tokens": ([1, 1, 16], [0.0] * 16)})
        self.assertIn("'embeddings.register_tokens' belongs to no part", self.look("method=logistic", code=3).stderr)
        self.save_vit()
        self.assertIn("give 16 or 24", self.look("method=logistic", "data.size=20", code=2).stderr)
        (self.encoder / "preprocessor_config.json").write_text(json.dumps({**PIXELS, "image_std": [0.5, 0.5, 0]}))
        self.assertIn("image_mean and image_std", self.look("method=logistic", code=3).stderr)
        (self.encoder / "preprocessor_config.json").unlink()
        self.assertIn("preprocessor_config.json is missing", self.look("method=logistic", code=3).stderr)
    def look_at_pictures(self, code, *parts, config=None, pixels=None, tensors=None):
        encoder = self.root / "pictures_encoder"
        encoder.mkdir(exist_ok=True)
        write_safetensors(encoder / "model.safetensors", tensors or resnet_tensors())
        (encoder / "config.json").write_text(json.dumps(config or RESNET))
        (encoder / "preprocessor_config.json").write_text(json.dumps(PIXELS if pixels is None else pixels))
        draw = random.Random(1)
        for i in range(12):
            picture = self.root / "pictures" / "ab"[i % 2] / f"{i}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            write_png(picture, 32, bytes(draw.randrange(256) for _ in range(32 * 32 * 3)))
        done = self.run_program("train", "data=pictures", f"encoder={encoder}", "method=logistic", "out=run", "estimate=none",
                                "data.size=32", "--overwrite", "--progress", "none", code=code)
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_a_resnet_looks_at_pictures(self):
        self.look_at_pictures(0, "pictures_encoder")
        self.assertEqual(self.summary()["net"], "resnet")

    def test_image_encoders_that_are_none(self):
        for part, change in (("hidden_sizes = [4,8]: wanted", {"hidden_sizes": [4, 10**9]}), ("depths = [1]", {"depths": [1]}),
                             ("layer_type = 'wide'", {"layer_type": "wide"}), ("'gelu'", {"hidden_act": "gelu"}),
                             ("downsample_in_first_stage", {"downsample_in_first_stage": True}),
                             ("million weights", {"hidden_sizes": [8192, 8192], "depths": [100, 100]}),
                             ("encoder.stages.1.layers.1.layer.0.convolution.weight' is missing", {"depths": [1, 2]}),
                             ("wanted [8, 3, 7, 7]", {"embedding_size": 8})):
            with self.subTest(part):
                self.look_at_pictures(3, part.replace("[4,8]", "[4,1000000000]"), config={**RESNET, **change})
        for part, change in (("image_mean and image_std", {"image_std": [0, 1, 1]}),
                             ("rescale_factor = 0", {"rescale_factor": 0}), ("rescale_factor = 7", {"rescale_factor": 7})):
            with self.subTest(part):
                self.look_at_pictures(3, part, pixels={**PIXELS, **change})
        more = {**resnet_tensors(), "encoder.stages.2.layers.0.layer.0.convolution.weight": ([1], [0.0])}
        self.look_at_pictures(3, "encoder.stages.2.layers.0.layer.0.convolution.weight", "no part that is known", tensors=more)
        timm = {"architecture": "resnet18", "pretrained_cfg": {"mean": [0, 0, 0], "std": [1, 1, 1]}}
        for part, change in (("model_args.stem_type", {"model_args": {"stem_type": "deep"}}),
                             ("global_pool = 'max'", {"global_pool": "max"}),
                             ("pretrained_cfg", {"pretrained_cfg": {"mean": [0, 0, 0]}}),
                             ("'conv1.weight' is missing", {})):
            with self.subTest(part):
                self.look_at_pictures(3, part, config={**timm, **change})


if __name__ == "__main__":
    unittest.main()
