"""tokenizer.json files with the architecture of well-known ones, by PyPI's `tokenizers`, taught made-up text."""
import base64
import struct

from made_up_text import SENTENCES
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

GPT4_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
              r"\s*[\r\n]+|\s+(?!\S)|\s+")
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())


def taught(tokenizer, trainer, lines):
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def framed(tokenizer, first, last):
    ids = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    return processors.TemplateProcessing(single=f"{first} $A {last}", pair=f"{first} $A {last} $B {last}",
                                         special_tokens=ids)


def charsmap(rules):
    """SentencePiece's form of rules {text: text}: a darts-clone double array with a free place for each node."""
    texts, values = b"", {}
    for source, target in sorted(rules.items()):
        values[source.encode()] = len(texts)
        texts += target.encode() + b"\0"
    trie = {}
    for key, value in values.items():
        node = trie
        for byte in key:
            node = node.setdefault(byte, {})
        node[None] = value
    units, used = [0] * 256, {0}

    def place(node, at):
        labels = [0 if label is None else label for label in node]
        base = 256
        while any((base ^ label) in used for label in labels):
            base += 1
        # Small jumps take 21 bits; larger ones would need blocks, which this text never fills.
        assert (at ^ base) < 1 << 21
        used.update(base ^ label for label in labels)
        while len(units) <= base | 255:
            units.append(0)
        units[at] |= (at ^ base) << 10
        if None in node:
            units[at] |= 1 << 8
            units[base] = 1 << 31 | node[None]
        for label in labels:
            if label or None not in node:
                units[base ^ label] = label
        for label, child in node.items():
            if label is not None:
                place(child, base ^ label)

    place(trie, 0)
    blob = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(blob)) + blob + texts


def nmt_nfkc():
    """As much of SentencePiece's nmt_nfkc as matters: compatible forms, spaces, what vanishes."""
    import unicodedata
    rules = {}
    for code in [*range(0xA0, 0x250), *range(0x1E00, 0x1F00), *range(0x2000, 0x2200), *range(0x2460, 0x2500),
                 *range(0x3000, 0x3040), *range(0x3130, 0x3400), *range(0xF900, 0xFA6E), *range(0xFB00, 0xFB07),
                 *range(0xFF01, 0xFFEF)]:
        character = chr(code)
        better = unicodedata.normalize("NFKC", character)
        if better != character and "\0" not in better:
            rules[character] = better
    for code in [*range(0x1, 0x9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]:
        rules[chr(code)] = ""
    for code in [0x9, 0xA, 0xC, 0xD, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]:
        rules[chr(code)] = " "
    for base in "aeiou":
        rules[base + "\u0301"] = unicodedata.normalize("NFC", base + "\u0301")
    return charsmap(rules)


def bert(lines, lowercase):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    taught(tokenizer, trainers.WordPieceTrainer(vocab_size=3000, special_tokens=specials, show_progress=False), lines)
    tokenizer.post_processor = framed(tokenizer, "[CLS]", "[SEP]")
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def gpt2(lines):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    taught(tokenizer, trainers.BpeTrainer(vocab_size=2000, special_tokens=["<|endoftext|>"], initial_alphabet=BYTES,
                                          show_progress=False), lines)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def roberta(lines):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    specials = ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True, normalized=False)]
    taught(tokenizer, trainers.BpeTrainer(vocab_size=2000, special_tokens=specials, initial_alphabet=BYTES,
                                          show_progress=False), lines)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True,
                                                            add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def clip(lines):
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>",
                                     continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
                                                 normalizers.Lowercase()])
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(words), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(vocab_size=2500, special_tokens=["<|startoftext|>", "<|endoftext|>"],
                                  initial_alphabet=BYTES, end_of_word_suffix="</w>", show_progress=False)
    taught(tokenizer, trainer, lines)
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0),
                                                            trim_offsets=False, add_prefix_space=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("</w>", " "), decoders.ByteLevel()])
    return tokenizer


def llama(lines, metaspace):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    short = [line[:80] for line in lines]  # without words, a line is one
    trainer = trainers.BpeTrainer(vocab_size=2500, special_tokens=specials, limit_alphabet=700, max_token_length=12,
                                  show_progress=False)
    taught(tokenizer, trainer, short)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B",
                                                             special_tokens=[("<s>", 1)])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    return tokenizer


def llama3(lines, pattern=GPT4_SPLIT):
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    taught(tokenizer, trainers.BpeTrainer(vocab_size=2500, special_tokens=["<|begin_of_text|>", "<|end_of_text|>"],
                                          initial_alphabet=BYTES, show_progress=False), lines)
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), framed(
        tokenizer, "<|begin_of_text|>", "<|end_of_text|>")])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def unigram(lines, normalizer, specials, fallback=False):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    # Every character of the texts becomes a token, so that few of them may be taught.
    common = set("".join(SENTENCES))
    lines = ["".join(c for c in line if c in common) for line in lines]
    taught(tokenizer, trainers.UnigramTrainer(vocab_size=1500, special_tokens=specials, unk_token="<unk>",
                                              show_progress=False), lines)
    if fallback:
        import json
        state = json.loads(tokenizer.to_str())
        state["model"]["byte_fallback"] = True
        state["model"]["vocab"] += [[f"<0x{byte:02X}>", -15.0] for byte in range(256)]
        tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def xlm_roberta(lines):
    normalizer = normalizers.Sequence([normalizers.Precompiled(nmt_nfkc()), normalizers.Replace(Regex(" {2,}"), " ")])
    specials = ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True, normalized=False)]
    tokenizer = unigram(lines, normalizer, specials)
    tokenizer.post_processor = framed(tokenizer, "<s>", "</s>")
    return tokenizer


def t5(lines):
    tokenizer = unigram(lines, normalizers.Precompiled(nmt_nfkc()), ["<pad>", "</s>", "<unk>"], fallback=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def albert(lines):
    normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
        normalizers.Lowercase(), normalizers.Nmt(), normalizers.Strip(left=True, right=True),
        normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer = unigram(lines, normalizer, ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.post_processor = framed(tokenizer, "[CLS]", "[SEP]")
    return tokenizer


def word_level(lines):
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Strip(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=False),
        pre_tokenizers.Punctuation("merged_with_next"), pre_tokenizers.CharDelimiterSplit("a")])
    taught(tokenizer, trainers.WordLevelTrainer(vocab_size=2000, special_tokens=["[UNK]", "[PAD]"],
                                                show_progress=False), lines)
    tokenizer.add_tokens([AddedToken("fox jumps", single_word=True), AddedToken("STRASSE", normalized=True),
                          AddedToken("dog", single_word=True, rstrip=True)])
    return tokenizer


def subword_prefix(lines):
    """BPE with a prefix and unknown characters that are not fused, as no well-known one has it."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.StripAccents()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\d+"), "contiguous"), pre_tokenizers.Split(" ", "merged_with_previous"),
        pre_tokenizers.FixedLength(7)])
    taught(tokenizer, trainers.BpeTrainer(vocab_size=2000, special_tokens=["[UNK]"], limit_alphabet=300,
                                          continuing_subword_prefix="##", show_progress=False), lines)
    tokenizer.decoder = decoders.BPEDecoder()
    return tokenizer


def all_kinds(lines):
    """(name, tokenizer) of each."""
    yield "bert_uncased", bert(lines, lowercase=True)
    yield "bert_cased", bert(lines, lowercase=False)
    yield "gpt2", gpt2(lines)
    yield "roberta", roberta(lines)
    yield "clip", clip(lines)
    yield "llama_prepend", llama(lines, metaspace=False)
    yield "llama_metaspace", llama(lines, metaspace=True)
    yield "llama3", llama3(lines)
    yield "qwen", llama3(lines, GPT4_SPLIT.replace("{1,3}", ""))
    yield "xlm_roberta", xlm_roberta(lines)
    yield "t5", t5(lines)
    yield "albert", albert(lines)
    yield "word_level", word_level(lines)
    yield "subword_prefix", subword_prefix(lines)
