#!/usr/bin/env python3
"""Features of public encoders are those of the field's own readers: `transformers` for texts and recordings, `timm` for
images, all with weights drawn at random.

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
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (BertConfig, BertModel, CamembertConfig, CamembertModel, DistilBertConfig, DistilBertModel,
                          ElectraConfig, ElectraForPreTraining, MPNetConfig, MPNetForMaskedLM, MPNetModel,
                          PreTrainedTokenizerFast, RobertaConfig, RobertaModel, XLMRobertaConfig, XLMRobertaForMaskedLM)

PROGRAM = os.environ["FEWLABEL"]
WORDS = ("the of a to in is you that it he was for on are as with his they at be this have from or one had by word but "
         "not what all were we when your can said there use an each which she do how their if will up other about out "
         "many then them these so some her would make like him into time has look two more write go see number").split()
NEAR = 1e-4


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


class EncodersTest(unittest.TestCase):
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
        self.assertEqual(found.shape, wanted.shape)
        scale = max(float(numpy.abs(wanted).max()), 1)
        self.assertGreater(float(wanted.std(0).mean()), 20 * NEAR * scale)  # recordings differ by more than what is allowed
        self.assertLessEqual(float(numpy.abs(found - wanted).max()), NEAR * scale)

    SPEECH = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, vocab_size=10,
                  conv_dim=[16, 24, 32], conv_kernel=[10, 3, 2], conv_stride=[5, 4, 4], num_conv_pos_embeddings=16,
                  num_conv_pos_embedding_groups=4)

    def compare_speech(self, model, inner, normalize, older_names=False):
        from safetensors.torch import load_file, save_file
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


if __name__ == "__main__":
    unittest.main()
