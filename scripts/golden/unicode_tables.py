#!/usr/bin/env python3
"""Prints the character classes as PyPI's `tokenizers` sees them, for src/modalities/text/tokenizer/unicode_tables.inc.

It asks the library itself, since its parts follow four versions of Unicode (8 in BertNormalizer, 12 in the normal
forms, 16 and 17 elsewhere) and no library offers all of them.
Needs `tokenizers` (tests/interop/requirements.txt). Takes a minute.
Usage: scripts/golden/unicode_tables.py > src/modalities/text/tokenizer/unicode_tables.inc
"""
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
WIDTH = 118


def ranges(holds):
    found = []
    for character in CHARACTERS:
        if holds(character):
            code = ord(character)
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    return found


def vanishes(pre_tokenizer):
    return lambda character: pre_tokenizer.pre_tokenize_str(character) == []


def removed(normalizer):
    return lambda character: normalizer.normalize_str(character) == ""


def bert(**chosen):
    return normalizers.BertNormalizer(**{"clean_text": False, "handle_chinese_chars": False, "strip_accents": False,
                                         "lowercase": False, **chosen})


def matches(pattern):
    return vanishes(pre_tokenizers.Split(Regex(pattern), "removed"))


def table(name, kind, items):
    print(f"constexpr {kind} {name}[] = {{")
    line = "   "
    for item in items:
        if len(line) + 1 + len(item) > WIDTH:
            print(line)
            line = "   "
        line += " " + item
    print(line + "};")


def lower_runs():
    """(first, last, step, difference): rows of letters whose lower case lies equally far away."""
    normalizer = normalizers.Lowercase()
    runs = []
    for character in CHARACTERS:
        small = normalizer.normalize_str(character)
        if small == character or len(small) > 1:
            continue
        code, difference = ord(character), ord(small) - ord(character)
        run = runs[-1] if runs else None
        if run and run[3] == difference and (run[0] == run[1] or code - run[1] == run[2]) and code - run[1] <= 2:
            run[2] = code - run[1]
            run[1] = code
        else:
            runs.append([code, code, 1, difference])
    return runs


def main():
    digits = pre_tokenizers.Digits(individual_digits=True)
    words = pre_tokenizers.Whitespace()
    classes = {
        "kWhitespaceRanges": vanishes(pre_tokenizers.WhitespaceSplit()),
        "kPunctuationRanges": vanishes(pre_tokenizers.Punctuation("removed")),
        "kControlRanges": removed(bert(clean_text=True)),
        "kNonspacingRanges": removed(bert(strip_accents=True)),
        "kMarkRanges": removed(normalizers.StripAccents()),
        "kNumericRanges": lambda c: len(digits.pre_tokenize_str("a" + c + "a")) == 3,
        "kWordRanges": lambda c: len(words.pre_tokenize_str("a" + c)) == 1 and words.pre_tokenize_str(c) != [],
        "kLetterRanges": matches(r"\p{L}"),
        "kNumberRanges": matches(r"\p{N}"),
    }
    print(f"// Written by scripts/golden/unicode_tables.py from PyPI's tokenizers {tokenizers.__version__}; see there.")
    print("// clang-format off")
    for name, holds in classes.items():
        table(name, "CodeRange", [f"{{0x{a:x}, 0x{b:x}}}," for a, b in ranges(holds)])
    table("kLowerRuns", "LowerRun", [f"{{0x{a:x}, 0x{b:x}, {s}, {d}}}," for a, b, s, d in lower_runs()])
    print("// clang-format on")


main()
