#!/usr/bin/env python3
"""Features of public encoders are those of the field's own readers: `transformers` for texts, images and recordings,
`timm` for images, `onnxruntime` for ONNX files, all with weights drawn at random.

Reads the program from the variable FEWLABEL.
"""
import csv
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import wave

import numpy
import onnxruntime
import timm
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (BertConfig, BertModel, CamembertConfig, CamembertModel, ConvNextConfig,
                          ConvNextForImageClassification, ConvNextModel, ConvNextV2Config, ConvNextV2Model,
                          DistilBertConfig, DistilBertModel, ElectraConfig, ElectraForPreTraining, MPNetConfig,
                          MPNetForMaskedLM, MPNetModel, PreTrainedTokenizerFast, ResNetConfig,
                          ResNetForImageClassification, ResNetModel, RobertaConfig, RobertaModel, XLMRobertaConfig,
                          XLMRobertaForMaskedLM)

PROGRAM = os.environ["FEWLABEL"]
WORDS = ("the of a to in is you that it he was for on are as with his they at be this have from or one had by word but "
         "not what all were we when your can said there use an each which she do how their if will up other about out "
         "many then them these so some her would make like him into time has look two more write go see number").split()
NEAR = 1e-4
MEAN, DEVIATION = [0.5, 0.4, 0.3], [0.5, 0.6, 0.7]
IMAGENET = dict(mean=[0.485, 0.456, 0.406], deviation=[0.229, 0.224, 0.225])


def sentences(count, longest=30):
    draw = numpy.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, draw.integers(1, longest))) for _ in range(count)]


def tokenizer(first, last, padding, unknown, mask, padding_at=40):
    """Whole words, so that an unknown one occurs; ids in no special order."""
    words = [*WORDS[:padding_at], padding, *WORDS[padding_at:-5], last, unknown, first, mask]
    vocabulary = {word: i for i, word in enumerate(words)}
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


class Comparing(unittest.TestCase):
    """Features by the program beside those of another reader."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.write_texts(sentences(60))

    def write_texts(self, texts):
        self.texts = texts
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

    def compare(self, found, wanted):
        self.assertEqual(found.shape, wanted.shape)
        allowed = NEAR * float(numpy.abs(wanted).max())
        self.assertGreater(float(wanted.std(0).mean()), 10 * allowed)  # examples differ by more
        self.assertLessEqual(float(numpy.abs(found - wanted).max()), allowed)

    def photos(self, side, count=12):
        """A folder of pictures of that side, so that none is resized."""
        draw = numpy.random.default_rng(0)
        for i in range(count):
            folder = self.root / f"photos{side}" / "ab"[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            small = Image.fromarray(draw.integers(0, 255, (16, 16, 3), dtype=numpy.uint8))
            small.resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{i:02}.png")
        return self.root / f"photos{side}"

    def compare_images(self, wanted_of, side, *arguments, encoder=None, mean=MEAN, deviation=DEVIATION):
        """wanted_of: normalised pixels N × 3 × side × side → features."""
        photos = self.photos(side)
        found = self.features(encoder or self.root / "encoder", photos, *(arguments or [f"data.size={side}"]))
        with open(self.root / "features.csv", newline="", encoding="utf-8") as file:
            names = [row["name"] for row in csv.DictReader(file)]
        x = torch.tensor(numpy.stack([numpy.asarray(Image.open(photos / name), dtype=numpy.float32) for name in names]))
        with torch.no_grad():
            wanted = wanted_of(((x / 255 - torch.tensor(mean)) / torch.tensor(deviation)).permute(0, 3, 1, 2))
        self.compare(found, numpy.asarray(wanted))


class EncodersTest(Comparing):
    def compare_text(self, model, own, pooling=None, length=40, inner=None):
        """pooling: of a sentence-transformers folder. inner: the net within `model`, which then has a head as well."""
        encoder = self.root / "encoder"
        model.save_pretrained(encoder)
        own.save_pretrained(encoder)
        if pooling:
            (encoder / "modules.json").write_text(json.dumps([
                {"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + path[2:]}
                for i, path in enumerate(["0_Transformer", "1_Pooling", "2_Normalize"])]))
            (encoder / "1_Pooling").mkdir()
            (encoder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
        found = self.features(encoder, self.root / "texts.csv", f"data.length={length}")
        batch = own(self.texts, padding=True, return_tensors="pt")
        batch.pop("token_type_ids", None)
        with torch.no_grad():
            hidden = (inner or model)(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(2).float()
        wanted = {"pooling_mode_cls_token": lambda: hidden[:, 0],
                  "pooling_mode_max_tokens": lambda: hidden.masked_fill(mask == 0, -1e9).max(1).values,
                  "pooling_mode_mean_sqrt_len_tokens": lambda: (hidden * mask).sum(1) / mask.sum(1).sqrt(),
                  "pooling_mode": lambda: (hidden * mask).sum(1) / mask.sum(1),  # "mean"
                  }[next(iter(pooling)) if pooling else "pooling_mode"]()
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
        self.compare_text(model, own, {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": False})

    def test_the_largest_of_tokens_and_the_mean_by_the_root_of_the_length(self):
        own = tokenizer("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
        model = shaken(BertModel(BertConfig(**self.SIZES, max_position_embeddings=64)))
        for pooling in ({"pooling_mode_max_tokens": True}, {"pooling_mode_mean_sqrt_len_tokens": True},
                        {"pooling_mode": "mean"}):
            with self.subTest(pooling):
                self.compare_text(model, own, pooling)
                shutil.rmtree(self.root / "encoder")

    def test_mpnet(self):
        # As long as distances are told apart, and longer.
        self.write_texts(sentences(40, 150))
        own = tokenizer("<s>", "</s>", "<pad>", "[UNK]", "<mask>", padding_at=1)
        config = MPNetConfig(**self.SIZES, max_position_embeddings=160, layer_norm_eps=1e-5)
        model = shaken(MPNetModel(config))
        with torch.no_grad():
            model.encoder.relative_attention_bias.weight.normal_()  # so that each bucket shows
        self.compare_text(model, own, length=152)
        shutil.rmtree(self.root / "encoder")
        headed = shaken(MPNetForMaskedLM(config))
        self.compare_text(headed, own, {"pooling_mode": "mean"}, length=152, inner=headed.mpnet)

    def test_electra(self):
        own = tokenizer("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")
        model = shaken(ElectraForPreTraining(ElectraConfig(**self.SIZES, embedding_size=20, max_position_embeddings=64)))
        self.compare_text(model, own, inner=model.electra)

    def test_roberta_by_other_names(self):
        own = tokenizer("<s>", "</s>", "<pad>", "<unk>", "<mask>", padding_at=1)
        sizes = dict(**self.SIZES, max_position_embeddings=66, layer_norm_eps=1e-5, pad_token_id=1, type_vocab_size=1)
        model = shaken(XLMRobertaForMaskedLM(XLMRobertaConfig(**sizes)))
        self.compare_text(model, own, inner=model.roberta)
        shutil.rmtree(self.root / "encoder")
        self.compare_text(shaken(CamembertModel(CamembertConfig(**sizes))), own)

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

    def save_timm(self, model, architecture, **config):
        encoder = self.root / "encoder"
        shutil.rmtree(encoder, ignore_errors=True)
        encoder.mkdir()
        save_file(model.state_dict(), encoder / "model.safetensors")
        (encoder / "config.json").write_text(json.dumps({
            "architecture": architecture, **config,
            "pretrained_cfg": {"input_size": [3, 224, 224], "mean": MEAN, "std": DEVIATION}}))

    def save_images(self, model, **processor):
        encoder = self.root / "encoder"
        shutil.rmtree(encoder, ignore_errors=True)
        model.save_pretrained(encoder)
        (encoder / "preprocessor_config.json").write_text(json.dumps({
            "do_normalize": True, "do_rescale": True, "rescale_factor": 1 / 255, "image_mean": MEAN,
            "image_std": DEVIATION, **processor}))

    # Convolutional nets

    def compare_timm(self, name, side=128):
        model = settled(shaken(timm.create_model(name, pretrained=False)), side)
        self.save_timm(model, name, num_classes=1000, global_pool="avg")
        self.compare_images(lambda x: model.forward_head(model.forward_features(x), pre_logits=True), side)

    def compare_hugging_face(self, model, side):
        """Of a net or a classifier of `transformers`."""
        self.save_images(settled(shaken(model), side), size={"shortest_edge": 224})
        self.compare_images(lambda x: model.base_model(x).pooler_output.flatten(1), side)

    def test_efficientnet(self):
        self.compare_timm("tf_efficientnet_lite0")

    def test_resnet_of_timm(self):
        for name, size in (("resnet18", 128), ("resnet50", 75)):
            with self.subTest(name):
                self.compare_timm(name, size)

    def test_resnet_of_hugging_face(self):
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
        sizes = dict(hidden_sizes=[16, 24, 48], depths=[1, 2, 1], num_stages=3)
        for name, model in (("classifier", ConvNextForImageClassification(ConvNextConfig(**sizes))),
                            ("plain", ConvNextModel(ConvNextConfig(**sizes, layer_scale_init_value=0.0, layer_norm_eps=1e-3))),
                            ("second", ConvNextV2Model(ConvNextV2Config(**sizes)))):
            with self.subTest(name):
                self.compare_hugging_face(model, 96)

    # Vision transformers

    VISION = dict(hidden_size=48, intermediate_size=96, num_attention_heads=4, num_hidden_layers=3, image_size=64,
                  patch_size=16)
    DINO = {key: value for key, value in VISION.items() if key != "intermediate_size"}

    def test_vit(self):
        model = shaken(transformers.ViTModel(transformers.ViTConfig(**self.VISION)))
        self.save_images(model)
        self.compare_images(lambda x: model(x).last_hidden_state[:, 0], 64, "data.size=auto")
        for side in (32, 112):
            with self.subTest(side=side):
                self.compare_images(lambda x: model(x, interpolate_pos_encoding=True).last_hidden_state[:, 0], side)

    def test_vit_with_a_head_and_other_pixels(self):
        config = transformers.ViTConfig(**{**self.VISION, "hidden_act": "gelu_new", "layer_norm_eps": 1e-2})
        model = shaken(transformers.ViTForImageClassification(config))
        self.save_images(model, rescale_factor=1 / 510, image_mean=[x / 2 for x in MEAN],
                         image_std=[x / 2 for x in DEVIATION])
        self.compare_images(lambda x: model.vit(x).last_hidden_state[:, 0], 64)

    def test_deit(self):
        model = shaken(transformers.DeiTForImageClassificationWithTeacher(transformers.DeiTConfig(**self.VISION)))
        self.save_images(model)
        # What both of its heads read, whose answers are averaged.
        for side in (64, 96):
            with self.subTest(side=side):
                self.compare_images(
                    lambda x: model.deit(x, interpolate_pos_encoding=True).last_hidden_state[:, :2].mean(1), side)

    def test_dinov2(self):
        for gated in (False, True):
            model = shaken(transformers.Dinov2Model(transformers.Dinov2Config(**self.DINO, use_swiglu_ffn=gated)))
            self.save_images(model)
            for side in (64, 96):
                with self.subTest(gated=gated, side=side):
                    self.compare_images(lambda x: model(x).pooler_output, side)

    def test_dinov2_with_registers(self):
        config = transformers.Dinov2WithRegistersConfig(**self.DINO, num_register_tokens=3)
        model = shaken(transformers.Dinov2WithRegistersModel(config))
        self.save_images(model)
        for side in (64, 48, 96):
            with self.subTest(side=side):
                self.compare_images(lambda x: model(x).pooler_output, side)

    TEXTS = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)

    def test_clip(self):
        for activation in ("quick_gelu", "gelu"):
            config = transformers.CLIPConfig(vision_config={**self.VISION, "hidden_act": activation},
                                             text_config=self.TEXTS)
            model = shaken(transformers.CLIPModel(config))
            self.save_images(model)
            for side in (64, 80):
                with self.subTest(activation=activation, side=side):
                    self.compare_images(
                        lambda x: model.vision_model(x, interpolate_pos_encoding=True).pooler_output, side)

    def test_the_tower_of_clip_alone(self):
        config = transformers.CLIPVisionConfig(**self.VISION, projection_dim=24)
        model = shaken(transformers.CLIPVisionModelWithProjection(config))
        self.save_images(model)
        self.compare_images(lambda x: model.vision_model(x).pooler_output, 64)

    def test_siglip(self):
        whole = transformers.SiglipConfig(vision_config=self.VISION, text_config=self.TEXTS)
        for model in (transformers.SiglipModel(whole),
                      transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**self.VISION))):
            shaken(model)
            self.save_images(model)
            tower = getattr(model, "vision_model", model)
            for side in (64, 80):
                with self.subTest(model=type(model).__name__, side=side):
                    self.compare_images(lambda x: tower(x, interpolate_pos_encoding=True).pooler_output, side)

    def test_vision_transformers_of_timm(self):
        small = {"embed_dim": 48, "depth": 3, "num_heads": 4, "img_size": 64}
        dino = {**small, "img_size": 56}
        for name, changed, sides in (("vit_tiny_patch16_224", small, (64, 32, 96)),
                                     ("deit_tiny_patch16_224", small, (64,)),
                                     ("deit_tiny_distilled_patch16_224", small, (64, 96)),
                                     ("deit3_small_patch16_224", small, (64, 96)),
                                     ("vit_small_patch14_dinov2", dino, (56, 84)),
                                     ("vit_small_patch14_reg4_dinov2", dino, (56, 84))):
            model = shaken(timm.create_model(name, pretrained=False, dynamic_img_size=True, **changed))
            with torch.no_grad():  # which begins at nothing, so that images would hardly differ
                for part, parameter in model.named_parameters():
                    if part.endswith("gamma"):
                        parameter.add_(0.5)
            self.save_timm(model, name + ".of_a_training", model_args=changed)
            for side in sides:
                with self.subTest(name=name, side=side):
                    self.compare_images(lambda x: model.forward_head(model.forward_features(x), pre_logits=True), side)

    def test_a_size_of_timm_is_known_by_its_name(self):
        model = shaken(timm.create_model("vit_tiny_patch16_224", pretrained=False, num_classes=0))
        self.save_timm(model, "vit_tiny_patch16_224.augreg_in21k", global_pool="token")
        self.compare_images(lambda x: model.forward_head(model.forward_features(x), pre_logits=True), 224,
                            "data.size=auto")

    # Recordings

    def write_recordings(self):
        """Of different lengths but for two, with silence in the middle of one, and none at an end."""
        draw = numpy.random.default_rng(0)
        heard = {}
        for i, length in enumerate((6400, 16000, 9999, 12345, 12345, 17600, 8001, 15200, 11111, 6399)):
            wave_of = 0.02 * draw.standard_normal(length)
            for _ in range(3):
                wave_of += draw.uniform(0.02, 0.2) * numpy.sin(
                    numpy.arange(length) * draw.uniform(0.05, 1.5) + draw.uniform(0, 6))
            whole = numpy.clip(numpy.round(wave_of * 32768), -32768, 32767).astype(numpy.int16)
            whole[3000:4000] *= i != 1
            whole[[0, -1]] = 500
            folder = self.root / "sounds" / "ab"[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            with wave.open(str(folder / f"{i:02}.wav"), "wb") as file:
                file.setparams((1, 2, 16000, length, "NONE", ""))
                file.writeframes(whole.tobytes())
            heard[f"{'ab'[i % 2]}/{i:02}.wav"] = whole.astype(numpy.float32) / 32768
        return heard

    def compare_sound(self, heard, features_of):
        found = self.features(self.root / "encoder", self.root / "sounds", "data.seconds=1.2")
        with open(self.root / "features.csv", newline="", encoding="utf-8") as file:
            names = [row["name"] for row in csv.DictReader(file)]
        with torch.no_grad():
            wanted = numpy.stack([features_of(heard[name]).numpy() for name in names])
        self.compare(found, wanted)

    SPEECH = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, vocab_size=10,
                  conv_dim=[16, 24, 32], conv_kernel=[10, 3, 2], conv_stride=[5, 4, 4], num_conv_pos_embeddings=16,
                  num_conv_pos_embedding_groups=4)

    def compare_speech(self, model, inner, normalize, older_names=False):
        from transformers import Wav2Vec2FeatureExtractor
        heard = self.write_recordings()
        extractor = Wav2Vec2FeatureExtractor(do_normalize=normalize)
        encoder = self.root / "encoder"
        shutil.rmtree(encoder, ignore_errors=True)
        model.save_pretrained(encoder)
        extractor.save_pretrained(encoder)
        if older_names:
            tensors = load_file(encoder / "model.safetensors")
            renamed = {name.replace("parametrizations.weight.original0", "weight_g")
                           .replace("parametrizations.weight.original1", "weight_v"): tensor
                       for name, tensor in tensors.items()}
            self.assertNotEqual(set(renamed), set(tensors))
            save_file(renamed, encoder / "model.safetensors")
        self.compare_sound(heard, lambda samples: inner(**extractor(
            samples, sampling_rate=16000, return_tensors="pt")).last_hidden_state[0].mean(0))

    def test_wav2vec2(self):
        from transformers import Wav2Vec2Config, Wav2Vec2ForCTC, Wav2Vec2ForPreTraining, Wav2Vec2Model
        base = shaken(Wav2Vec2Model(Wav2Vec2Config(**self.SPEECH, feat_extract_norm="group")))
        self.compare_speech(base, base, normalize=True)
        large = Wav2Vec2Config(**self.SPEECH, feat_extract_norm="layer", conv_bias=True, do_stable_layer_norm=True,
                               codevector_dim=16, proj_codevector_dim=16)
        for head in (Wav2Vec2ForCTC, Wav2Vec2ForPreTraining):
            with self.subTest(head.__name__):
                model = shaken(head(large))
                self.compare_speech(model, model.wav2vec2, normalize=True, older_names=True)

    def test_hubert(self):
        from transformers import HubertConfig, HubertForSequenceClassification, HubertModel
        base = shaken(HubertModel(HubertConfig(**self.SPEECH, feat_extract_norm="group")))
        self.compare_speech(base, base, normalize=False, older_names=True)
        # An odd kernel of places, frames that are brought to the width without a norm, layer norms in one place only.
        odd = {**self.SPEECH, "num_conv_pos_embeddings": 15}
        model = shaken(HubertForSequenceClassification(HubertConfig(
            **odd, feat_extract_norm="layer", feat_proj_layer_norm=False, layer_norm_eps=1e-3)))
        self.compare_speech(model, model.hubert, normalize=True)

    def compare_whisper(self, model, encoder_of, bands):
        from transformers import WhisperFeatureExtractor
        heard = self.write_recordings()
        extractor = WhisperFeatureExtractor(feature_size=bands)
        shutil.rmtree(self.root / "encoder", ignore_errors=True)
        model.save_pretrained(self.root / "encoder")
        extractor.save_pretrained(self.root / "encoder")
        places = encoder_of.embed_positions.weight.detach().clone()

        def features_of(samples):
            # Up to a whole place, in place of 30 seconds.
            mels = extractor(samples, sampling_rate=16000, padding="longest", pad_to_multiple_of=320, truncation=False,
                             return_tensors="pt").input_features
            count = mels.shape[2] // 2
            encoder_of.config.max_source_positions = count
            encoder_of.embed_positions = torch.nn.Embedding.from_pretrained(places[:count])
            return encoder_of(mels).last_hidden_state[0].mean(0)

        self.compare_sound(heard, features_of)

    def test_whisper(self):
        from transformers import WhisperConfig, WhisperForConditionalGeneration, WhisperModel
        sizes = dict(d_model=48, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=96, decoder_layers=1,
                     decoder_attention_heads=4, decoder_ffn_dim=96, vocab_size=60, max_source_positions=75,
                     pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)
        whole = shaken(WhisperForConditionalGeneration(WhisperConfig(**sizes, num_mel_bins=80)))
        self.compare_whisper(whole, whole.model.encoder, 80)
        model = shaken(WhisperModel(WhisperConfig(**sizes, num_mel_bins=128)))
        self.compare_whisper(model, model.encoder, 128)


class OnnxEncodersTest(Comparing):
    """What torch.onnx exports, beside onnxruntime."""

    def setUp(self):
        super().setUp()
        torch.manual_seed(0)

    def export(self, model, examples, inputs, free=(0,)):
        path = self.root / "exported" / "net.onnx"
        path.parent.mkdir(exist_ok=True)
        torch.onnx.export(model, examples, path, opset_version=17, dynamo=False, input_names=inputs, output_names=["y"],
                          dynamic_axes={name: {axis: f"a{axis}" for axis in free} for name in inputs})
        return path

    def judged(self, path, **inputs):
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, inputs)[0]

    def folder_of(self, path, **own):
        own = {"format": 1, "licence": "MIT", "graphs": [{"file": path.name}], **own}
        (path.parent / "encoder.json").write_text(json.dumps(own))
        return path.parent

    def test_a_convolutional_net_of_any_size(self):
        model = shaken(timm.create_model("test_resnet", pretrained=False, num_classes=0, global_pool=""))
        path = self.export(model, (torch.zeros(2, 3, 96, 96),), ["x"], free=(0, 2, 3))
        encoder = self.folder_of(path, kind="image", mean=MEAN, std=DEVIATION)

        def averaged(x):
            places = self.judged(path, x=x.numpy())
            self.assertEqual(places.ndim, 4)
            return places.mean((2, 3))

        self.compare_images(averaged, 128, encoder=encoder)

    def test_each_output_of_a_graph_has_features_of_its_own(self):
        torch.manual_seed(3)
        body = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=4), torch.nn.ReLU())

        class Two(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.body = body

            def forward(self, x):
                places = self.body(x)
                return places.mean((2, 3)), places.amax((2, 3))

        path = self.root / "exported" / "net.onnx"
        path.parent.mkdir()
        torch.onnx.export(Two(), (torch.zeros(2, 3, 64, 64),), path, opset_version=17, dynamo=False, input_names=["x"],
                          output_names=["mean", "largest"], dynamic_axes={"x": {0: "n"}})
        for output in ("mean", "largest"):
            with self.subTest(output):
                encoder = self.folder_of(path, kind="image", graphs=[{"file": path.name, "output": output}])
                session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
                self.compare_images(lambda x: session.run([output], {"x": x.numpy()})[0], 64, "data.size=auto",
                                    encoder=encoder, **IMAGENET)

    def test_a_vision_transformer_by_itself(self):
        model = shaken(timm.create_model("test_vit", pretrained=False, num_classes=0, global_pool=""))
        path = self.export(model, (torch.zeros(2, 3, 160, 160),), ["x"])
        done = self.run_program("train", f"data={self.photos(160)}", f"encoder={path}", "method=logistic",
                                f"out={self.root / 'said'}", "estimate=none")
        self.assertIn("ImageNet's, since net comes without its own", done.stderr)
        self.assertIn("data.size = 160: net takes no other", done.stderr)
        for pool in ("mean", "first"):
            encoder = path if pool == "mean" else self.folder_of(path, kind="image", pool=pool)

            def pooled(x):
                tokens = self.judged(path, x=x.numpy())
                return tokens.mean(1) if pool == "mean" else tokens[:, 0]

            self.compare_images(pooled, 160, "data.size=auto", encoder=encoder, **IMAGENET)

    def test_one_image_at_a_time(self):
        model = shaken(timm.create_model("test_resnet", pretrained=False, num_classes=0))
        path = self.export(model, (torch.zeros(1, 3, 64, 64),), ["x"], free=())
        self.compare_images(lambda x: numpy.concatenate([self.judged(path, x=row[None].numpy()) for row in x]), 64,
                            "data.size=auto", encoder=path, **IMAGENET)

    def test_it_is_trained_and_a_run_holds_all_of_it(self):
        model = shaken(timm.create_model("test_resnet", pretrained=False, num_classes=0))
        path = self.export(model, (torch.zeros(2, 3, 64, 64),), ["x"])
        photos = self.photos(64)
        before = self.features(path, photos)
        after = self.features(path, photos, "method=supervised", "train.steps=5", "optimizer.lr=0.01")
        self.assertGreater(float(numpy.abs(before - after).max()), 10 * NEAR)
        path.rename(path.with_suffix(".gone"))
        self.run_program("embed", self.root / "run", photos, "-o", self.root / "again.npy")
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
        self.compare(self.features(path, self.root / "texts.csv", "data.length=40"), (hidden * mask).sum(1) / mask.sum(1))
        self.compare(self.features(self.folder_of(path, kind="text", pool="first"), self.root / "texts.csv",
                                "data.length=40"), hidden[:, 0])

    def test_bert_of_one_text_and_length_alone(self):
        path, batch = self.bert(free=(), length=40, types=False)
        rows = []
        for i in range(len(self.texts)):
            one = {name: numpy.pad(value[i:i + 1], ((0, 0), (0, 40 - value.shape[1]))) for name, value in batch.items()}
            mask = one["attention_mask"][:, :, None]
            rows.append((self.judged(path, **one) * mask).sum(1) / mask.sum(1))
        self.compare(self.features(path, self.root / "texts.csv"), numpy.concatenate(rows))

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
