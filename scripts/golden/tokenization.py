#!/usr/bin/env python3
"""Golden values of the tokenizer's components, one by one: writes tests/golden/tokenizers.json.

    python3 scripts/golden/tokenization.py        (needs PyPI's `tokenizers`, see tests/interop/requirements.txt)

Normalizers are seen through a model that gives the bytes of what they leave, pre-tokenizers through one that knows no
word, so that its offsets are the words. Offsets are in bytes, as ours.
"""
import json
import pathlib

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "tokenizers.json"
TEXTS = [
    "Hello, y'all! How are you 😁 ?", "  Élan vital\u00a0 e\u0301te\u0323\u0302 \ufb01ne ", "İstanbul ΑΣ ǅ straße",
    "東京タワー ｶﾞｷﾞ 가각 각", "tab\tnul\x01\u200b\ufeffend\r\n\r\n  x", "a--b---c 12345 ½ ٣٤ it'S they'LL 'ſ",
    "\u0e01\u0e33 \u0915\u094d\u0937\u093f \U0001d400\u0344\u0323", "▁low ▁▁x``''", "", " ",
]
BYTES = {f"<0x{byte:02X}>": byte for byte in range(256)}


def byte_offsets(text, offsets):
    places = [0]
    for character in text:
        places.append(places[-1] + len(character.encode()))
    return [[places[a], places[b]] for a, b in offsets]


def case(tokenizer, text):
    encoding = tokenizer.encode(text)
    return {"text": text, "ids": encoding.ids, "offsets": byte_offsets(text, encoding.offsets),
            "plain_ids": tokenizer.encode(text, add_special_tokens=False).ids,
            "decoded": tokenizer.decode(encoding.ids),
            "decoded_whole": tokenizer.decode(encoding.ids, skip_special_tokens=False)}


def entry(name, tokenizer, texts=TEXTS):
    return {"name": name, "tokenizer": json.loads(tokenizer.to_str()), "cases": [case(tokenizer, t) for t in texts]}


def normalizer_entries():
    kinds = {
        "NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD(),
        "Lowercase": normalizers.Lowercase(), "StripAccents": normalizers.Sequence([normalizers.NFD(),
                                                                                    normalizers.StripAccents()]),
        "Strip": normalizers.Strip(left=True, right=True), "Strip left": normalizers.Strip(left=True, right=False),
        "Replace": normalizers.Replace("--", "\u2014"), "Replace regex": normalizers.Replace(Regex(r"\s{2,}|\d"), "é"),
        "Prepend": normalizers.Prepend("▁x"), "BertNormalizer": normalizers.BertNormalizer(),
        "BertNormalizer cased": normalizers.BertNormalizer(lowercase=False, strip_accents=True),
        "Nmt": normalizers.Nmt(),
        "ByteLevel": normalizers.ByteLevel(),
    }
    for name, normalizer in kinds.items():
        tokenizer = Tokenizer(models.BPE(vocab=BYTES, merges=[], byte_fallback=True))
        tokenizer.normalizer = normalizer
        yield entry("normalizer " + name, tokenizer)


def pre_tokenizer_entries():
    kinds = {
        "BertPreTokenizer": pre_tokenizers.BertPreTokenizer(), "Whitespace": pre_tokenizers.Whitespace(),
        "WhitespaceSplit": pre_tokenizers.WhitespaceSplit(), "ByteLevel": pre_tokenizers.ByteLevel(),
        "ByteLevel plain": pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        "Metaspace": pre_tokenizers.Metaspace(), "Metaspace first": pre_tokenizers.Metaspace(prepend_scheme="first"),
        "Metaspace whole": pre_tokenizers.Metaspace(prepend_scheme="never", split=False),
        "Punctuation": pre_tokenizers.Punctuation(), "Digits": pre_tokenizers.Digits(),
        "Digits apart": pre_tokenizers.Digits(individual_digits=True),
        "CharDelimiterSplit": pre_tokenizers.CharDelimiterSplit("l"), "FixedLength": pre_tokenizers.FixedLength(3),
        "ByteLevel, then Whitespace": pre_tokenizers.Sequence([pre_tokenizers.ByteLevel(),
                                                               pre_tokenizers.Whitespace()]),
    }
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        kinds["Split " + behavior] = pre_tokenizers.Split("-", behavior)
        kinds["Split regex inverted " + behavior] = pre_tokenizers.Split(Regex(r"\w+"), behavior, invert=True)
    cl100k = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
              r"\s*[\r\n]+|\s+(?!\S)|\s+")
    kinds["Split as cl100k"] = pre_tokenizers.Split(Regex(cl100k), "isolated")
    for name, pre_tokenizer in kinds.items():
        tokenizer = Tokenizer(models.WordLevel(vocab={"?": 0}, unk_token="?"))
        tokenizer.pre_tokenizer = pre_tokenizer
        yield entry("pre_tokenizer " + name, tokenizer)


def model_entries():
    letters = {c: i for i, c in enumerate("?abcdefgl")}
    bpe = {**letters, "ab": 9, "bc": 10, "abc": 11, "aa": 12, "aaa": 13, "▁": 14}
    merges = [("a", "b"), ("b", "c"), ("ab", "c"), ("a", "a"), ("aa", "a"), ("a", "bc")]
    texts = ["abcabbcaaaaaxyz?", "zzé", "", "cab"]
    for options in [{}, {"unk_token": "?"}, {"unk_token": "?", "fuse_unk": True}, {"ignore_merges": True}]:
        yield entry(f"model BPE {options}", Tokenizer(models.BPE(vocab=bpe, merges=merges, **options)), texts)
    mixed = {**bpe, **{token: 20 + i for token, i in BYTES.items() if 0xC0 <= i or 0x61 <= i < 0x80}}
    yield entry("model BPE, some bytes", Tokenizer(models.BPE(vocab=mixed, merges=merges, byte_fallback=True,
                                                              unk_token="?", fuse_unk=True)), texts + ["zqé-é"])
    ends = {"a": 0, "b": 1, "##b": 2, "##b</w>": 3, "a</w>": 4, "ab</w>": 5, "##c": 6, "ab": 7, "abc": 8}
    yield entry("model BPE, prefix and suffix", Tokenizer(models.BPE(
        vocab=ends, merges=[("a", "##b</w>"), ("a", "##b"), ("ab", "##c")], continuing_subword_prefix="##",
        end_of_word_suffix="</w>")), ["ab", "abcb", "a", "b"])
    scores = [("<unk>", 0.0), ("a", -1.0), ("b", -1.5), ("ab", -2.2), ("abc", -3.9), ("c", -1.1), ("aa", -2.0)]
    yield entry("model Unigram", Tokenizer(models.Unigram(scores, 0)), texts)
    fallback = scores + [(token, -9.0) for token in BYTES]
    yield entry("model Unigram, bytes", Tokenizer(models.Unigram(fallback, 0, byte_fallback=True)), texts)
    pieces = {t: i for i, t in enumerate(["[UNK]", "a", "ab", "##c", "##ca", "##b", "##bc", "abcabb", "##é"])}
    word_piece = Tokenizer(models.WordPiece(vocab=pieces, unk_token="[UNK]", max_input_chars_per_word=6))
    word_piece.decoder = decoders.WordPiece()
    yield entry("model WordPiece", word_piece, ["abca", "abcabb", "abcabbc", "abé", "zz", ""])


def frame_entries():
    lines = ["low lower lowest", "new newer newest", " wide  wider "] * 3

    def byte_level(post_processor, prefix_space):
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
        tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
            vocab_size=290, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False))
        tokenizer.post_processor = post_processor
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([])
        return tokenizer

    texts = ["low newest", "  low   é \u3000 x ", "wider", "<s>low</s> x", ""]
    template = processors.TemplateProcessing(single="<s> <s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    frames = {
        "ByteLevel": processors.ByteLevel(trim_offsets=True), "Template": template,
        "BertProcessing": processors.BertProcessing(("</s>", 1), ("<s>", 0)),
        "RobertaProcessing": processors.RobertaProcessing(("</s>", 1), ("<s>", 0)),
        "RobertaProcessing untrimmed": processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=False),
        "Sequence": processors.Sequence([processors.ByteLevel(trim_offsets=True), template]),
        "Sequence, other order": processors.Sequence([template, processors.ByteLevel(trim_offsets=True)]),
    }
    for name, frame in frames.items():
        for prefix_space in (False, True):
            yield entry(f"post_processor {name}, prefix space {prefix_space}", byte_level(frame, prefix_space), texts)


def added_entries():
    tokenizer = Tokenizer(models.BPE(vocab=BYTES, merges=[], byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace("\u00df", "ss")])
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    added = [dict(flags, content="[A]", special=True), dict(flags, content="[A]B", lstrip=True),
             dict(flags, content="word", single_word=True), dict(flags, content="Stra\u00dfe", normalized=True),
             dict(flags, content="end", rstrip=True, normalized=True),
             dict(flags, content="[M]", lstrip=True, rstrip=True)]
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [dict(token, id=256 + i) for i, token in enumerate(added)]
    tokenizer = Tokenizer.from_str(json.dumps(state))
    texts = ["x[A]B [A]  [A]B.", "word words sword word\u00e9 (word)", "STRASSE stra\u00dfe Stra\u00dfe",
             "END  of\u3000end \u3000",
             "a \u3000[M] \t b[M][M] ", "[a]", ""]
    yield entry("added tokens", tokenizer, texts)


def decoder_entries():
    kinds = {
        "ByteLevel": decoders.ByteLevel(), "WordPiece": decoders.WordPiece(), "Metaspace": decoders.Metaspace(),
        "WordPiece untidied": decoders.WordPiece(cleanup=False), "BPEDecoder": decoders.BPEDecoder(),
        "ByteFallback": decoders.ByteFallback(), "CTC": decoders.CTC(),
        "Metaspace never": decoders.Metaspace(prepend_scheme="never"),
        "Sequence": decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                       decoders.Strip(" ", 1, 0)]),
        "Replace regex": decoders.Replace(Regex("[a-c]+"), "-"), "Strip": decoders.Strip("a", 2, 1),
    }
    tokens = ["▁a", "aab", "##c", "n't", ".", "b</w>", "</w>c</w>", "<pad>", "|", "<0xE2>", "<0x82>", "<0xAC>", "<0x41>",
              "Ġx",
              "Ã", "©", "â", "Ĥ", "ð", "Ł", "é", "▁", " ", "do", "not", "'s", "aaaa", "<0xff>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    rows = [[0, 1, 2, 3, 4], [5, 6, 5], [7, 7, 1, 1, 8, 0], [9, 10, 11, 12], [9, 10, 1, 11, 27], [13, 14, 15, 16, 17],
            [18, 19, 13, 16, 20], [21, 21, 0, 21], [23, 24, 25, 4], [26, 1, 26], [], [22, 22],
            [14, 17, 16, 18, 19, 17, 17]]
    for name, decoder in kinds.items():
        tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="?"))
        tokenizer.decoder = decoder
        yield {"name": "decoder " + name, "tokenizer": json.loads(tokenizer.to_str()),
               "decodes": [{"ids": ids, "text": tokenizer.decode(ids)} for ids in rows if ids or "BPE" not in name]}


def trainings():
    texts = ["aaaaa aaaa baaa banana Banana", "the cat sat on the mat, the cat's mat", "É é e\u0301 naïve",
             "hug pug pun bun hugs",
             "ababab abab bababa", "low lower lowest newest widest"] * 3
    for lower in (False, True):
        tokenizer = Tokenizer(models.BPE())
        if lower:
            tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
            vocab_size=330, min_frequency=2, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
        model = json.loads(tokenizer.to_str())["model"]
        yield {"lower_case": lower, "size": 330, "texts": texts, "vocab": model["vocab"], "merges": model["merges"]}


def main():
    entries = [*normalizer_entries(), *pre_tokenizer_entries(), *model_entries(), *frame_entries(), *added_entries(),
               *decoder_entries()]
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    learnt = ",\n".join(json.dumps(training) for training in trainings())
    OUT.write_text(f'{{"entries": [\n{lines}\n],\n"trainings": [\n{learnt}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
