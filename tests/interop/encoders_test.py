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


def settled(model, size):
    """Batch norms with the statistics of what they see, each channel its own, and not quite those."""
    torch.manual_seed(2)
    norms = [part for part in model.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean over all batches
    model.train()
    with torch.no_grad():
        for _ in range(4):
            small = torch.rand(6, 3, 16, 16) * 2 - 1
            model(torch.nn.functional.interpolate(small, size=(size, size), mode="bicubic"))
        for norm in norms:
            norm.running_mean.add_(0.1 * norm.running_var.sqrt() * torch.randn_like(norm.running_mean))
            norm.running_var.mul_(1 + 0.5 * torch.rand_like(norm.running_var))
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

    def pictures(self, size):
        """A folder of photos, of two classes."""
        from PIL import Image
        draw = numpy.random.default_rng(0)
        for i in range(12):
            folder = self.root / "photos" / "ab"[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            small = Image.fromarray(draw.integers(0, 255, (16, 16, 3), dtype=numpy.uint8))
            small.resize((size, size), Image.Resampling.BICUBIC).save(folder / f"{i:02}.png")
        return self.root / "photos"

    def compare_images(self, model_features, encoder, size, mean, std):
        """Features by the program of photos are those that a function gives of normalised pixels, N x 3 x size x size."""
        from PIL import Image
        photos = self.pictures(size)
        found = self.features(encoder, photos, f"data.size={size}")
        with open(self.root / "features.csv", newline="", encoding="utf-8") as file:
            names = [row["name"] for row in csv.DictReader(file)]
        pixels = [numpy.asarray(Image.open(photos / name), dtype=numpy.float32) / 255 for name in names]
        x = (torch.tensor(numpy.stack(pixels)) - torch.tensor(mean)) / torch.tensor(std)
        with torch.no_grad():
            wanted = model_features(x.permute(0, 3, 1, 2)).numpy()
        self.assertEqual(found.shape, wanted.shape)
        scale = float(numpy.abs(wanted).max())
        self.assertGreater(float(wanted.std(0).mean()), 10 * NEAR * scale)  # pictures differ by more than what is allowed
        difference = float(numpy.abs(found - wanted).max())
        self.assertLessEqual(difference, NEAR * max(scale, 1))

    def new_folder(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.root))

    MEAN, STD = [0.5, 0.4, 0.3], [0.5, 0.6, 0.7]

    def compare_timm(self, name, size=128, **options):
        """A net of timm with weights drawn at random, written as its folders are."""
        import timm
        from safetensors.torch import save_file
        model = settled(shaken(timm.create_model(name, pretrained=False, **options)), size)
        encoder = self.new_folder()
        save_file(model.state_dict(), encoder / "model.safetensors")
        (encoder / "config.json").write_text(json.dumps({
            "architecture": name, "num_classes": 1000, "global_pool": "avg",
            "pretrained_cfg": {"input_size": [3, 224, 224], "mean": self.MEAN, "std": self.STD}}))
        self.compare_images(lambda x: model.forward_head(model.forward_features(x), pre_logits=True), encoder, size,
                            self.MEAN, self.STD)

    def compare_hugging_face(self, model, size=128):
        """Of a net or a classifier of `transformers`."""
        encoder = self.new_folder()
        settled(shaken(model), size).save_pretrained(encoder)
        (encoder / "preprocessor_config.json").write_text(json.dumps({
            "do_normalize": True, "do_rescale": True, "rescale_factor": 0.00392156862745098, "image_mean": self.MEAN,
            "image_std": self.STD, "size": {"shortest_edge": 224}}))
        base = model.base_model
        self.compare_images(lambda x: base(pixel_values=x).pooler_output.flatten(1), encoder, size, self.MEAN,
                            self.STD)

    def test_efficientnet(self):
        self.compare_timm("tf_efficientnet_lite0")

    def test_resnet_of_timm(self):
        for name, size in (("resnet18", 128), ("resnet50", 75)):
            with self.subTest(name):
                self.compare_timm(name, size)

    def test_resnet_of_hugging_face(self):
        from transformers import ResNetConfig, ResNetForImageClassification, ResNetModel
        basic = ResNetConfig(embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[2, 1, 2, 1], layer_type="basic")
        wide = dict(embedding_size=32, hidden_sizes=[64, 96, 128], depths=[1, 2, 1], layer_type="bottleneck")
        for name, model in (("basic", ResNetModel(basic)), ("bottleneck", ResNetForImageClassification(ResNetConfig(**wide))),
                            ("v1", ResNetModel(ResNetConfig(**wide, downsample_in_bottleneck=True)))):
            with self.subTest(name):
                self.compare_hugging_face(model, 96)

    def test_mobile_nets_of_timm(self):
        for name, size in (("mobilenetv3_large_100", 101), ("mobilenetv3_small_050", 128), ("efficientnet_b0", 75),
                           ("tf_efficientnet_b0", 101), ("tf_mobilenetv3_small_075", 64)):
            with self.subTest(name):
                self.compare_timm(name, size)

    def test_convnext_of_timm(self):
        for name, size in (("convnext_atto", 128), ("convnextv2_atto", 75)):
            with self.subTest(name):
                self.compare_timm(name, size)

    def test_convnext_of_hugging_face(self):
        from transformers import (ConvNextConfig, ConvNextForImageClassification, ConvNextModel, ConvNextV2Config,
                                  ConvNextV2Model)
        sizes = dict(hidden_sizes=[16, 24, 48], depths=[1, 2, 1], num_stages=3)
        for name, model in (("classifier", ConvNextForImageClassification(ConvNextConfig(**sizes))),
                            ("plain", ConvNextModel(ConvNextConfig(**sizes, layer_scale_init_value=0.0, layer_norm_eps=1e-3))),
                            ("second", ConvNextV2Model(ConvNextV2Config(**sizes)))):
            with self.subTest(name):
                self.compare_hugging_face(model, 96)


if __name__ == "__main__":
    unittest.main()
