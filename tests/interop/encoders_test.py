#!/usr/bin/env python3
"""Features of public encoders are those of the field's own readers: `transformers` for texts, `timm` for images, both
with weights drawn at random, `onnxruntime` for recordings, with those that `make encoders` brings where they are there.

Reads the program from the variable FEWLABEL.
"""
import csv
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (BertConfig, BertModel, DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast,
                          RobertaConfig, RobertaModel)

PROGRAM = os.environ["FEWLABEL"]
WORDS = ("the of a to in is you that it he was for on are as with his they at be this have from or one had by word but "
         "not what all were we when your can said there use an each which she do how their if will up other about out "
         "many then them these so some her would make like him into time has look two more write go see number").split()
NEAR = 1e-4


def sentences(count):
    draw = numpy.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, draw.integers(1, 30))) for _ in range(count)]


def tokenizer(first, last, padding, unknown, mask):
    """Whole words, so that an unknown one occurs; ids in no special order."""
    vocabulary = {word: i for i, word in enumerate([*WORDS[:40], padding, *WORDS[40:-5], last, unknown, first, mask])}
    own = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    own.normalizer = normalizers.Lowercase()
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])])
    return PreTrainedTokenizerFast(tokenizer_object=own, cls_token=first, sep_token=last, pad_token=padding,
                                   unk_token=unknown, mask_token=mask)


def shaken(model):
    """Norms start at 1 and 0 everywhere; drawn anew, they show whether each is in its place."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


class EncodersTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.texts = sentences(60)
        with open(self.root / "texts.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows([text, "ab"[i % 2]] for i, text in enumerate(self.texts))

    def tearDown(self):
        self.folder.cleanup()

    def run_program(self, *arguments):
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.root / "cache")}
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def features(self, encoder, data, *arguments):
        run = self.root / "run"
        self.run_program("train", f"data={data}", f"encoder={encoder}", "method=logistic", f"out={run}", "--overwrite",
                         "--quiet", "estimate=none", *arguments)
        self.run_program("embed", run, data, "-o", self.root / "features.npy")
        return numpy.load(self.root / "features.npy")

    def compare_text(self, model, own, pool="mean"):
        encoder = self.root / "encoder"
        model.save_pretrained(encoder)
        own.save_pretrained(encoder)
        if pool == "first":
            (encoder / "1_Pooling").mkdir()
            (encoder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
        found = self.features(encoder, self.root / "texts.csv", "data.length=40")
        batch = own(self.texts, padding=True, return_tensors="pt")
        batch.pop("token_type_ids", None)
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(2).float()
        wanted = hidden[:, 0] if pool == "first" else (hidden * mask).sum(1) / mask.sum(1)
        self.assertEqual(found.shape, tuple(wanted.shape))
        difference = float(numpy.abs(found - wanted.numpy()).max())
        self.assertGreater(float(wanted.std(0).mean()), 100 * NEAR)  # texts differ by more than what is allowed
        self.assertLessEqual(difference, NEAR)

    SIZES = dict(vocab_size=len(WORDS), intermediate_size=96, hidden_size=48, num_attention_heads=4,
                 num_hidden_layers=3)

    def test_bert(self):
        own = tokenizer("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
        model = shaken(BertModel(BertConfig(**self.SIZES, max_position_embeddings=64)))
        self.compare_text(model, own)

    def test_the_first_token_of_bert(self):
        own = tokenizer("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
        model = shaken(BertModel(BertConfig(**self.SIZES, max_position_embeddings=64)))
        self.compare_text(model, own, "first")

    def test_roberta(self):
        own = tokenizer("<s>", "</s>", "<pad>", "<unk>", "<mask>")
        # Its places count from the padding's id.
        model = shaken(RobertaModel(RobertaConfig(**self.SIZES, max_position_embeddings=64 + own.pad_token_id,
                                                  layer_norm_eps=1e-5, pad_token_id=own.pad_token_id,
                                                  type_vocab_size=1)))
        self.compare_text(model, own)

    def test_distilbert(self):
        own = tokenizer("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
        model = shaken(DistilBertModel(DistilBertConfig(vocab_size=len(WORDS), dim=48, hidden_dim=96, n_heads=4,
                                                        n_layers=3, max_position_embeddings=64)))
        self.compare_text(model, own)

    def test_efficientnet(self):
        import timm
        from PIL import Image
        from safetensors.torch import save_file
        model = shaken(timm.create_model("tf_efficientnet_lite0", pretrained=False))
        encoder = self.root / "encoder"
        encoder.mkdir()
        save_file(model.state_dict(), encoder / "model.safetensors")
        (encoder / "config.json").write_text(json.dumps({
            "architecture": "tf_efficientnet_lite0",
            "pretrained_cfg": {"input_size": [3, 224, 224], "mean": [0.5, 0.4, 0.3], "std": [0.5, 0.6, 0.7]}}))
        draw = numpy.random.default_rng(0)
        pictures = []
        for i in range(12):
            folder = self.root / "photos" / "ab"[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            small = Image.fromarray(draw.integers(0, 255, (16, 16, 3), dtype=numpy.uint8))
            picture = small.resize((128, 128), Image.Resampling.BICUBIC)
            picture.save(folder / f"{i:02}.png")
        found = self.features(encoder, self.root / "photos", "data.size=128")
        with open(self.root / "features.csv", newline="", encoding="utf-8") as file:
            names = [row["name"] for row in csv.DictReader(file)]
        for name in names:
            pictures.append(numpy.asarray(Image.open(self.root / "photos" / name), dtype=numpy.float32) / 255)
        x = (torch.tensor(numpy.stack(pictures)) - torch.tensor([0.5, 0.4, 0.3])) / torch.tensor([0.5, 0.6, 0.7])
        with torch.no_grad():
            wanted = model.forward_head(model.forward_features(x.permute(0, 3, 1, 2)), pre_logits=True).numpy()
        scale = float(numpy.abs(wanted).max())
        self.assertGreater(float(wanted.std(0).mean()), 100 * NEAR * scale)
        self.assertLessEqual(float(numpy.abs(found - wanted).max()), NEAR * max(scale, 1))


class OnnxEncodersTest(unittest.TestCase):
    """What torch.onnx exports, beside onnxruntime."""
    tearDown = EncodersTest.tearDown

    def setUp(self):
        EncodersTest.setUp(self)
        torch.manual_seed(0)

    run_program, features = EncodersTest.run_program, EncodersTest.features

    def export(self, model, examples, inputs, free=(0,)):
        path = self.root / "exported" / "net.onnx"
        path.parent.mkdir(exist_ok=True)
        torch.onnx.export(model, examples, path, opset_version=17, dynamo=False, input_names=inputs, output_names=["y"],
                          dynamic_axes={name: {axis: f"a{axis}" for axis in free} for name in inputs})
        return path

    def judged(self, path, **inputs):
        import onnxruntime
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, inputs)[0]

    def near(self, found, wanted):
        scale = float(numpy.abs(wanted).max())
        self.assertEqual(found.shape, wanted.shape)
        self.assertGreater(float(wanted.std(0).mean()), 20 * NEAR * scale)
        self.assertLessEqual(float(numpy.abs(found - wanted).max()), NEAR * scale)

    def photos(self, side):
        from PIL import Image
        draw = numpy.random.default_rng(0)
        for i in range(12):
            folder = self.root / "photos" / "ab"[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            small = Image.fromarray(draw.integers(0, 255, (16, 16, 3), dtype=numpy.uint8))
            small.resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{i:02}.png")

    def pixels(self, mean, deviation):
        from PIL import Image
        with open(self.root / "features.csv", newline="", encoding="utf-8") as file:
            names = [row["name"] for row in csv.DictReader(file)]
        raw = numpy.stack([numpy.asarray(Image.open(self.root / "photos" / name)) for name in names]) / 255
        return ((raw - numpy.array(mean)) / numpy.array(deviation)).transpose(0, 3, 1, 2).astype(numpy.float32)

    def folder_of(self, path, **own):
        own = {"format": 1, "licence": "MIT", "graphs": [{"file": path.name}], **own}
        (path.parent / "encoder.json").write_text(json.dumps(own))
        return path.parent

    def test_a_convolutional_net_of_any_size(self):
        import timm
        model = shaken(timm.create_model("test_resnet", pretrained=False, num_classes=0, global_pool=""))
        path = self.export(model, (torch.zeros(2, 3, 96, 96),), ["x"], free=(0, 2, 3))
        encoder = self.folder_of(path, kind="image", mean=[0.5, 0.4, 0.3], std=[0.5, 0.6, 0.7])
        self.photos(128)
        found = self.features(encoder, self.root / "photos", "data.size=128")
        wanted = self.judged(path, x=self.pixels([0.5, 0.4, 0.3], [0.5, 0.6, 0.7]))
        self.assertEqual(wanted.ndim, 4)
        self.near(found, wanted.mean((2, 3)))

    def test_a_vision_transformer_by_itself(self):
        import timm
        model = shaken(timm.create_model("test_vit", pretrained=False, num_classes=0, global_pool=""))
        path = self.export(model, (torch.zeros(2, 3, 160, 160),), ["x"])
        self.photos(160)
        mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        done = self.run_program("train", f"data={self.root / 'photos'}", f"encoder={path}", "method=logistic",
                                f"out={self.root / 'said'}", "estimate=none")
        self.assertIn("ImageNet's, since net comes without its own", done.stderr)
        self.assertIn("data.size = 160: net takes no other", done.stderr)
        tokens = None
        for pool in ("mean", "first"):
            encoder = path if pool == "mean" else self.folder_of(path, kind="image", pool=pool)
            found = self.features(encoder, self.root / "photos")
            tokens = self.judged(path, x=self.pixels(mean, deviation))
            self.near(found, tokens.mean(1) if pool == "mean" else tokens[:, 0])

    def test_one_image_at_a_time(self):
        import timm
        model = shaken(timm.create_model("test_resnet", pretrained=False, num_classes=0))
        path = self.export(model, (torch.zeros(1, 3, 64, 64),), ["x"], free=())
        self.photos(64)
        found = self.features(path, self.root / "photos")
        x = self.pixels([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        self.near(found, numpy.concatenate([self.judged(path, x=row[None]) for row in x]))

    def test_it_is_trained_and_a_run_holds_all_of_it(self):
        import timm
        model = shaken(timm.create_model("test_resnet", pretrained=False, num_classes=0))
        path = self.export(model, (torch.zeros(2, 3, 64, 64),), ["x"])
        self.photos(64)
        before = self.features(path, self.root / "photos")
        after = self.features(path, self.root / "photos", "method=supervised", "train.steps=5", "optimizer.lr=0.01")
        self.assertGreater(float(numpy.abs(before - after).max()), 10 * NEAR)
        path.rename(path.with_suffix(".gone"))
        self.run_program("embed", self.root / "run", self.root / "photos", "-o", self.root / "again.npy")
        self.assertTrue(numpy.array_equal(after, numpy.load(self.root / "again.npy")))

    def bert(self, free=(0, 1), length=7, types=True):
        own = tokenizer("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
        model = shaken(BertModel(BertConfig(**EncodersTest.SIZES, max_position_embeddings=64)))

        class Plain(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, input_ids, attention_mask, token_type_ids=None):
                return self.model(input_ids=input_ids, attention_mask=attention_mask,
                                  token_type_ids=token_type_ids).last_hidden_state

        names = ["input_ids", "attention_mask", "token_type_ids"][:3 if types else 2]
        ones = torch.ones(2 if 0 in free else 1, length, dtype=torch.long)
        path = self.export(Plain(), (ones, ones, 0 * ones)[:len(names)], names, free)
        own.save_pretrained(path.parent)
        batch = own(self.texts, padding=True, return_tensors="np")
        return path, {name: batch.get(name, 0 * batch["input_ids"]) for name in names}

    def test_bert(self):
        path, batch = self.bert()
        hidden, mask = self.judged(path, **batch), batch["attention_mask"][:, :, None]
        self.near(self.features(path, self.root / "texts.csv", "data.length=40"), (hidden * mask).sum(1) / mask.sum(1))
        self.near(self.features(self.folder_of(path, kind="text", pool="first"), self.root / "texts.csv",
                                "data.length=40"), hidden[:, 0])

    def test_bert_of_one_text_and_length_alone(self):
        path, batch = self.bert(free=(), length=40, types=False)
        rows = []
        for i in range(len(self.texts)):
            one = {name: numpy.pad(value[i:i + 1], ((0, 0), (0, 40 - value.shape[1]))) for name, value in batch.items()}
            mask = one["attention_mask"][:, :, None]
            rows.append((self.judged(path, **one) * mask).sum(1) / mask.sum(1))
        self.near(self.features(path, self.root / "texts.csv"), numpy.concatenate(rows))

    def test_texts_can_be_moved_and_mixed(self):
        path, _ = self.bert()
        arguments = ("data.length=40", f"data={self.root / 'texts.csv'}@20:seed=0", "train.steps=3",
                     "optimizer.lr=0.01", "train.batch=8")
        before = self.features(path, self.root / "texts.csv", "data.length=40")
        for method in ("vat", "mixmatch", "setfit"):
            with self.subTest(method):
                after = self.features(path, self.root / "texts.csv", f"method={method}",
                                      *(arguments if method != "setfit" else arguments[:2]))
                self.assertGreater(float(numpy.abs(before - after).max()), 10 * NEAR)


if __name__ == "__main__":
    unittest.main()
