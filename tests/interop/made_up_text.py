"""Texts of many scripts, made from Unicode's ranges and from what Python brings; the same ones in every run."""
import random
import unicodedata

# Scripts by their blocks; lines mix words of one with spaces, marks and punctuation.
BLOCKS = {
    "latin": (0x41, 0x24F), "ipa": (0x250, 0x2AF), "greek": (0x370, 0x3FF), "cyrillic": (0x400, 0x52F),
    "armenian": (0x531, 0x58A), "hebrew": (0x591, 0x5F4), "arabic": (0x600, 0x6FF), "devanagari": (0x900, 0x97F),
    "bengali": (0x980, 0x9FE), "tamil": (0xB82, 0xBFA), "thai": (0xE01, 0xE5B), "tibetan": (0xF00, 0xFDA),
    "georgian": (0x10A0, 0x10FF), "jamo": (0x1100, 0x11FF), "ethiopic": (0x1200, 0x137C), "khmer": (0x1780, 0x17F9),
    "phonetic": (0x1D00, 0x1DBF), "extended": (0x1E00, 0x1EFF), "greek_extended": (0x1F00, 0x1FFE),
    "punctuation": (0x2000, 0x206F), "letterlike": (0x2100, 0x218B), "symbols": (0x2190, 0x27BF),
    "kana": (0x3041, 0x30FF), "bopomofo": (0x3105, 0x312F), "enclosed": (0x3200, 0x33FF), "han": (0x4E00, 0x9FFF),
    "hangul": (0xAC00, 0xD7A3), "compatibility": (0xF900, 0xFAFF), "presentation": (0xFB00, 0xFDFF),
    "half_width": (0xFF01, 0xFFEE), "gothic": (0x10330, 0x1034A), "mathematical": (0x1D400, 0x1D7FF),
    "emoji": (0x1F300, 0x1FAFF), "han_b": (0x20000, 0x2A6D6), "any": (0x0, 0xFFFF), "marks": (0x300, 0x36F),
}
SENTENCES = [
    "The quick brown fox jumps over the lazy dog; it's 12,345.67 times faster than they'd thought!",
    "Der Straßenbahnfahrer fährt über die Brücke – „schön“, sagt er.",
    "L'été dernier, nous avons mangé des œufs à la coque à 7 h 30.", "¿Dónde está la niña? ¡Mañana volverá!",
    "Привет, мир! Как дела сегодня? Всё хорошо.", "Η γρήγορη καφετιά αλεπού πηδάει.",
    "השועל החום המהיר קופץ מעל הכלב העצלן", "الثعلب البني السريع يقفز فوق الكلب الكسول",
    "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है।", "素早い茶色の狐がのろまな犬を飛び越える。", "敏捷的棕色狐狸跳过了懒狗，花了12.5元。",
    "빠른 갈색 여우가 게으른 개를 뛰어넘는다", "Tiếng Việt có rất nhiều dấu: ạ ả ấ ầ ẩ ẫ ậ.", "İstanbul'da IĞDIR ve ışık",
    "👨‍👩‍👧‍👦 family 🏳️‍🌈 flag 🇩🇪 and 👍🏽 thumbs", "Zażółć gęślą jaźń", "สวัสดีชาวโลก", "ｆｕｌｌ ｗｉｄｔｈ ＡＢＣ１２３",
    "ﬁne ﬂour oﬃce ⅷ ½ ™ ①", "for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; } // O(n)",
    "user@example.org visited https://example.org/a?b=c#d", "I'M SHOUTING: DON'T, WE'LL, THEY'RE, I'VE, HE'D! 'ſ",
    "tabs\tand\r\nlines\n\n  and   spaces  \u00a0\u3000 end ",
    "<s> [MASK] </s> [CLS][SEP] <mask> <pad> <|endoftext|>x<|endoftext|>",
    "a\u0301e\u0323\u0302 \u1e9b\u0323 \ufb01\u0301 q\u0307\u0323",
    "cafe\u0301 na\u00efve co\u00f6perate r\u00e9sum\u00e9", "\u200b\u200dzero\u200cwidth\ufeff \u2028line\u2029para",
    "\u0000nul \x07bell \x7f \ufffd", "don't do not won't . , ! ? 's", "\u2581\u2581under \u2581low", "   ", "", " ",
    "\n", "x" * 300, "word " * 60, "0123456789" * 8, "!?" * 40,
]


def assigned(code):
    """Known to Unicode 14, whose tables Debian 12's Python and oniguruma have, and no surrogate."""
    return not 0xD800 <= code <= 0xDFFF and unicodedata.category(chr(code)) != "Cn"


def made_up_lines(count, seed=1, any_code=False):
    """`any_code`: also characters that no version of Unicode knows yet."""
    draw = random.Random(seed)
    names = sorted(BLOCKS)
    usable = {n: [c for c in range(a, b + 1) if not 0xD800 <= c <= 0xDFFF and (any_code or assigned(c))]
              for n, (a, b) in BLOCKS.items()}
    astral = [c for c in range(0x10000, 0x110000, 7) if any_code or assigned(c)]

    def word():
        codes = usable[draw.choice(names)]
        letters = [chr(draw.choice(codes)) for _ in range(draw.choice([1, 1, 2, 3, 4, 5, 6, 9]))]
        if draw.random() < 0.15:
            letters.insert(draw.randrange(len(letters) + 1), chr(draw.choice(usable["marks"])))
        if draw.random() < 0.05:
            letters.append(chr(draw.choice(astral)))
        return "".join(letters)

    vocabulary = sorted({w for s in SENTENCES for w in s.split(" ") if w})
    lines = list(SENTENCES)
    while len(lines) < count:
        kind = draw.random()
        if kind < 0.35:
            parts = [draw.choice(vocabulary) for _ in range(draw.randrange(1, 15))]
        elif kind < 0.8:
            parts = [word() if draw.random() < 0.7 else draw.choice(vocabulary) for _ in range(draw.randrange(1, 12))]
        else:
            sentence = draw.choice(SENTENCES)
            parts = [sentence, word(), sentence[draw.randrange(len(sentence) + 1):]]
        between = [" "] * 12 + ["  ", "", ", ", ".\n", "\t", "\u00a0", "\r\n", " \u3000", "-", "'"]
        line = ""
        for part in parts:
            line += part + draw.choice(between)
        lines.append(line if draw.random() < 0.5 else line.strip())
    return lines[:count]
