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

    def refused(self, *parts, encoder="small"):
        done = self.train(f"encoder={encoder}", code=2 if encoder != "small" else 3)
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

    def test_a_frozen_method_needs_something_to_look_through(self):
        done = self.train("encoder=none", "method=logistic", code=2)
        self.assertIn("encoder=NAME", done.stderr)

    def test_a_text_encoder_for_pictures(self):
        self.assertIn("of texts", self.run_program("train", "data=fashion_mnist@100", "encoder=small", "out=run",
                                                   "--progress", "none", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
