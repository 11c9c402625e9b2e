"""Cases for hostile.py: tables and lines, damaged data for training and predicting, damaged runs."""
import json
import os
import random
import struct

import seeds
from cases import GOOD, Case, deep
from cases_files import one
from seeds import member, npy, png, tar


ROWS = [("I liked this film a lot, it was good", "pos"), ("what a waste of an evening, so bad", "neg"),
        ("the actors play well and I laughed", "pos"), ("dull from the first minute to the last", "neg")] * 2


def table(separator=",", rows=None):
    return "".join(f"{text}{separator}{label}\n" for text, label in
                   [("text", "label"), *(rows or [(t.replace(",", ""), n) for t, n in ROWS])]).encode()


def json_rows(*more):
    return b"\n".join([*(json.dumps({"text": t, "label": n}).encode() for t, n in ROWS), *more]) + b"\n"


def with_row(before, row, separator=b","):
    return lambda: before + (row() if callable(row) else row).replace(b",", separator) + b"\n"


def tables():
    good, after = table(), len(ROWS) + 2
    name = lambda file: (f"{file}:{after}",)
    yield one("csv/whole", "t.csv", good, "read", examples=8)
    for size in (0, 1, 8):
        yield one(f"csv/cut-{size}", "t.csv", good[:size])
    yield one("csv/cut-half", "t.csv", good[:len(good) // 2], "read|damaged", damaged=("t.csv:",))
    for what, row, expect in (
        ("too-few-columns", b"alone", "damaged"),
        ("too-many-columns", b"a,b,c", "damaged"),
        ("empty-text", b",pos", "damaged"),
        ("nul", b"a\0b,pos", "damaged"),
        ("bytes", b"caf\xe9,pos", "damaged"),
        ("overlong", b"\xc0\xaf,pos", "damaged"),
        ("open-quote", b'"a,pos', "read|damaged"),
        ("open-quote-in-the-middle", b'a "b,pos', "read"),
        ("text-behind-quote", b'"a"b,pos', "read"),
        ("quote-alone", b'"', "damaged"),
        ("1-MB-text", lambda: b"a" * ((1 << 20) + 9) + b",pos", "damaged"),
        ("100-MB-line", lambda: b"a" * 100_000_000 + b",pos", "damaged"),
        ("100-MB-quoted", lambda: b'"' + b"a\n" * 50_000_000 + b'",pos', "damaged"),
        ("100000-columns", lambda: b"a," * 100_000, "damaged"),
        ("formula", b"=cmd|' /C calc'!A0,pos", "read"),
        ("escape", b"\x1b[31mred,pos", "read"),
        ("carriage-returns", b"a\r\r\rb,pos", "read"),
            ("missing-label", b"a b,", "read")):
        yield one(f"csv/{what}", "t.csv", with_row(good, row), expect, damaged=name("t.csv"))
        if what not in ("open-quote-in-the-middle", "100-MB-quoted"):
            yield one(f"tsv/{what}", "t.tsv", with_row(table("\t"), row, b"\t"), expect, damaged=name("t.tsv"))
    yield one("csv/label-of-bytes", "t.csv", good + b"a b,\xff\n", "refused|damaged", damaged=name("t.csv"))
    yield one("csv/label-with-nul", "t.csv", good + b"a b,p\0s\n", "refused|damaged|read", damaged=name("t.csv"))
    yield one("csv/label-of-1-MB", "t.csv", good + b"a b," + b"x" * (1 << 20) + b"\n", "refused|damaged|read",
            damaged=name("t.csv"))
    yield one("csv/open-quote-at-the-start", "t.csv", good.replace(b"I liked", b'"I liked', 1), "read|damaged",
            damaged=("t.csv:2",))
    yield one("csv/open-quote-in-names", "t.csv", b'"' + good, "read|refused")
    yield one("csv/50000-open-quotes", "t.csv", good + b'"a,pos\n' * 50_000, "read|damaged", damaged=("t.csv:",))
    yield one("csv/half-of-rows-wrong", "t.csv", good + b"a,b,c\n" * 30)
    yield one("csv/names-alone", "t.csv", b"text,label\n")
    yield one("csv/newlines", "t.csv", b"\n" * 100_000)
    yield one("csv/commas", "t.csv", b"," * 100_000)
    yield one("csv/quotes", "t.csv", b'"' * 100_001, "refused|damaged|read", damaged=("t.csv:",))
    yield one("csv/nuls", "t.csv", bytes(100_000), "refused|damaged", damaged=("t.csv:1",))
    yield one("csv/noise", "t.csv", random.Random(2).randbytes(100_000), "refused|damaged", damaged=("t.csv:",))
    yield one("csv/million-equal-lines", "t.csv", lambda: b"text,label\n" + b"the same again,pos\n" * 1_000_000,
            "read", examples=1_000_000)
    yield one("csv/million-labels", "t.csv",
            lambda: b"text,label\n" + b"".join(b"a b,l%d\n" % i for i in range(200_000)), "read|refused")
    yield one("csv/names-twice", "t.csv", good.replace(b"text,label", b"text,text"), "read|refused")
    yield one("csv/100000-names", "t.csv",
            lambda: b",".join(b"c%d" % i for i in range(100_000)) + b"\n" + b"a," * 99_999 + b"b\n", "refused|read")
    yield one("csv/256-rows-of-100000", "t.csv", lambda: (b"1," * 99_999 + b"1\n") * 256, "refused|read")
    yield one("csv/name-of-10-MB", "t.csv", lambda: b"a" * 10_000_000 + b",label\n" + b"1,pos\n" * 9, "refused|read")
    yield one("csv/mark", "t.csv", b"\xef\xbb\xbf" + good, "read", examples=8)
    yield one("csv/two-marks", "t.csv", b"\xef\xbb\xbf" * 2 + good, "read|refused")
    yield one("csv/utf-16", "t.csv", good.decode().encode("utf-16"), "read", examples=8)
    yield one("csv/utf-16-odd", "t.csv", good.decode().encode("utf-16")[:-1], "refused|damaged", damaged=("t.csv:9",))
    yield one("csv/utf-16-without-mark", "t.csv", good.decode().encode("utf-16-le"), "refused|damaged",
            damaged=("t.csv:",))
    yield one("csv/utf-32", "t.csv", good.decode().encode("utf-32"), "refused|damaged", damaged=("t.csv:",))
    yield one("csv/semicolons", "t.csv", table(";"), "read", examples=8)
    yield one("csv/tabs", "t.csv", table("\t"), "refused|read")
    yield one("csv/pipes", "t.csv", table("|"), "refused|read")
    yield one("tsv/commas", "t.tsv", good, "refused|read")
    yield one("csv/is-gzip", "t.csv", seeds.gzip(good), "refused|damaged|read", damaged=("t.csv:",))
    yield one("csv/is-png", "t.csv", png(), "refused|damaged", damaged=("t.csv:",))
    yield one("csv/is-xlsx", "t.csv", b"PK\3\4" + random.Random(3).randbytes(5000), "refused|damaged|read",
            damaged=("t.csv:",))
    yield one("csv/split-unknown", "t.csv", b"text,label,split\na b,pos,train\nc d,neg,\x1b[31m\n")
    numbers = b"a,b,label\n" + b"".join(b"%d,%d,%s\n" % (i, i * i, [b"x", b"y"][i % 2]) for i in range(8))
    for what, cell in (
        ("text", b"abc"),
        ("nan", b"nan"),
        ("infinite", b"inf"),
        ("empty", b""),
        ("hex", b"0x10"),
        ("1e999", b"1e999"),
        ("comma-for-a-point", b"\"1,5\""),
        ("1000-digits", b"9" * 1000),
            ("nul", b"1\0")):
        yield one(f"csv/number-{what}", "t.csv", numbers + cell + b",1,x\n", "damaged|refused", damaged=("t.csv:10",))
    yield one("csv/number-1e-999", "t.csv", numbers + b"1e-999,1,x\n", "read|damaged|refused", damaged=("t.csv:10",))

    files = {**GOOD, "t.csv": b"path,label\ncat/g0.png,cat\ncat/g1.png,cat\ndog/g2.png,dog\ndog/g3.png,dog\n"}
    for what, path in (
        ("missing", b"no.png"),
        ("absolute", b"/etc/passwd"),
        ("up", b"../../../../../../etc/passwd"),
        ("folder", b"cat"),
        ("device", b"/dev/zero"),
        ("proc", b"/proc/self/mem"),
        ("long", b"a" * 5000 + b".png"),
        ("control", b"\x1b[31m.png"),
        ("url", b"https://example.org/a.png"),
            ("fifo", b"pipe.png")):
        yield Case(f"csv/file-{what}", "damaged", with_pipe({**files, "t.csv": files["t.csv"] + path + b",cat\n"}),
                path="t.csv",
                   damaged=("",))
    for what, row in (
        ("none", b",cat"),
        ("twice", b"cat/g0.png,cat"),
        ("too-many-columns", b"a,b,c"),
        ("open-quote", b'"cat/g0.png,cat'),
        ("bytes", b"\xff.png,cat"),
        ("nul", b"a\0.png,cat"),
            ("quote-in-the-middle", b'"a"b.png,cat')):
        yield Case(f"csv/files-{what}", "refused", {**files, "t.csv": files["t.csv"] + row + b"\n"}, path="t.csv")
    yield Case("csv/files-utf-16", "refused", {**files, "t.csv": files["t.csv"].decode().encode("utf-16")},
            path="t.csv")

    yield one("jsonl/whole", "t.jsonl", json_rows(), "read", examples=8)
    line = (f"t.jsonl:{len(ROWS) + 1}",)
    deep_lists = b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b', "label": "pos"}'
    for what, row, expect in (
            ("cut", b'{"text": "a b", "label": "p', "damaged"), ("no-json", b"hello", "damaged"), ("list",
                b'["a", "pos"]', "damaged"),
            ("number", b"7", "damaged"), ("deep", deep_lists, "damaged"), ("deep-objects", b'{"a":' * 100_000,
                "damaged"),
            ("nul", b'{"text": "a\0b", "label": "pos"}', "damaged"), ("escaped-nul",
                b'{"text": "a\\u0000b", "label": "pos"}', "damaged"),
            ("bytes", b'{"text": "\xff", "label": "pos"}', "damaged"), ("half-pair",
                b'{"text": "\\ud800", "label": "pos"}', "damaged"),
            ("text-is-list", b'{"text": ["a"], "label": "pos"}', "damaged"), ("text-is-number",
                b'{"text": 7, "label": "pos"}', "read"),
            ("text-is-null", b'{"text": null, "label": "pos"}', "damaged"), ("no-text", b'{"label": "pos"}', "damaged"),
            ("label-is-object", b'{"text": "a b", "label": {}}', "damaged"), ("label-is-1e999",
                b'{"text": "a b", "label": 1e999}', "damaged|read|refused"),
            ("label-is-long", b'{"text": "a b", "label": ' + b"9" * 400 + b"}", "damaged|read|refused"),
            ("key-twice", b'{"text": "a", "text": "b", "label": "pos"}', "read"), ("2-MB-line",
                lambda: b'{"text": "' + b"a" * (2 << 20) + b'"}', "damaged"),
            ("100-MB-line", lambda: b'{"text": "' + b"a" * 100_000_000 + b'", "label": "pos"}', "damaged"),
            ("100000-keys",
                lambda: b'{"text": "a b", "label": "pos", ' + b", ".join(b'"%d":1' % i for i in range(80_000)) + b"}",
                "read|damaged"),
            ("comment", b"// a", "damaged"), ("two-on-a-line", b'{"text": "a"} {"text": "b"}', "damaged"), ("nan",
                b'{"text": NaN, "label": "pos"}', "damaged")):
        yield one(f"jsonl/{what}", "t.jsonl", with_row(json_rows(), row), expect, damaged=line)
    yield one("jsonl/a-list", "t.jsonl", b"[\n" + json_rows() + b"]\n", "damaged|refused", damaged=("t.jsonl:1",
            "t.jsonl:10"))
    yield one("jsonl/256-rows-of-1000-new-keys", "t.jsonl", json_rows(*[b'{"text": "a b", ' + b",".join(
              b'"%d":1' % (i * 1000 + k) for k in range(1000)) + b"}" for i in range(256)]), "read|refused")
    yield one("jsonl/empty", "t.jsonl", b"")
    yield one("jsonl/braces", "t.jsonl", b"{}\n" * 1000)
    yield one("jsonl/mark", "t.jsonl", b"\xef\xbb\xbf" + json_rows(), "read")
    yield one("jsonl/utf-16", "t.jsonl", json_rows().decode().encode("utf-16"), "read")
    yield one("jsonl/carriage-returns", "t.jsonl", json_rows().replace(b"\n", b"\r\n"), "read", examples=8)
    yield one("jsonl/key-of-control", "t.jsonl", b'{"\\u001b[31m": "a b c", "x": "d"}\n' * 9, "read|refused")


def with_pipe(files):
    def fill(root):
        Case("", "", files).fill(root)
        os.mkfifo(root / "pipe.png")
    return fill


def lines():
    for name, content, expect in (
        ("empty", b"", "refused"),
        ("newlines", b"\n" * 99, "refused"),
        ("nul", b"good\na\0b\n", "damaged"),
        ("bytes", b"good\n\xff\n", "damaged"),
        ("nuls", bytes(1000),
         "damaged|refused"),
        ("100-MB-line", lambda: b"good\n" + b"a" * 100_000_000, "damaged"),
        ("two-MB-line", b"good\n" + b"a" * (2 << 20),
         "damaged"),
        ("million-equal", lambda: b"again\n" * 1_000_000, "read"),
        ("utf-16", "good\nbad\n".encode("utf-16"),
         "read"),
        ("utf-16-odd", "good\nbad".encode("utf-16")[: -1],
         "damaged"),
        ("escape", b"\x1b[31m\n", "read"),
        ("mark-alone", b"\xef\xbb\xbf", "refused"),
        ("labels-alone", b"__label__a\n__label__b\n", "damaged"),
        ("label-of-bytes", b"__label__\xff a\n__label__b c\n", "refused"),
        ("two-labels", b"__label__a x\n__label__a __label__b y\n", "damaged"),
        ("million-labels", b"__label__a " * 100_000 + b"x\n__label__b y\n", "damaged"),
        ("only-tabs", b"\t\t\n" * 99, "refused|damaged|read"),
        ("tabs-unlike", b"a\tb\n" * 9 + b"a\n", "read|damaged"),
        ("carriage-returns", b"a b\rc d\re f\r", "read|damaged"),
        ("png", png(),
         "refused|damaged")):
        where = {"nuls": "1", "utf-16-odd": "2", "labels-alone": "", "carriage-returns": "1",
                 "png": "", "only-tabs": "", "tabs-unlike": "", "million-labels": "1"}.get(name, "2")
        yield one(f"lines/{name}", "t.txt", content, expect, damaged=(f"t.txt:{where}",))
    yield Case("lines/test-of-another-class", "refused", {"x.train": b"__label__a b\n__label__c d\n",
            "x.test": b"__label__e f\n"}, says="x.test")
    yield Case("lines/test-empty", "refused|read", {"x.train": b"__label__a b\n__label__c d\n", "x.test": b""},
            says="x.test")
    yield Case("lines/called-idx", "refused", {"a": b"\0\0\x08\x03"}, path="a")
    yield one("lines/no-suffix", "data", b"some text\n")
    yield one("lines/empty-without-suffix", "data", b"")


def training():
    bad = {"cat/x.png": b"no image", "dog/y.png": png()[:30]}
    yield Case("train/damaged-images", "damaged", {**GOOD, **bad}, verb="train", damaged=tuple(bad))
    yield Case("train/only-damaged", "refused", {"cat/x.png": b"no image", "dog/y.png": b""}, verb="train",
               says="cat/x.png")
    yield Case("train/strict", "refused", {**GOOD, **bad}, verb="train", words=("data.strict=true",), says="cat/x.png")
    yield Case("train/one-class-damaged", "damaged|refused", {**{k: v for k, v in GOOD.items() if "cat" in k},
            "dog/y.png": b"x"}, verb="train",
               damaged=("dog/y.png",), says="dog")
    yield Case("train/rows", "damaged", {"t.csv": table() + b"a,b,c\n"}, path="t.csv", verb="train", words=("net=bag",),
               damaged=("t.csv:10",))
    yield Case("train/tar", "damaged", {"a.tar": tar(*seeds.good_members(), member("9.png", b"x"))}, path="a.tar",
            verb="train", damaged=("a.tar/9",))
    yield Case("train/million-classes", "refused", {"images.npy": npy(), "labels.npy": npy("<i8", "(4,)",
            struct.pack("<4q", 0, 1, 2, 1_000_000))},
               verb="train", says="")
    for kind in ("empty", "text", "cut"):
        content = {"empty": b"", "text": b"no image", "cut": png()[:40]}[kind]
        yield Case(f"predict/{kind}", "refused|damaged", {"x.png": content}, path="x.png", verb="predict",
                damaged=("x.png",))
    yield Case("predict/folder", "damaged", {"a.png": png(), "b\x1b[31m\n.png": b"x", "c\udcff.png": b""},
            verb="predict", damaged=(".png", ".png"))
    yield Case("predict/bomb", "refused|damaged", {"x.png": png(50000, 50000, pixels=seeds.zeros_deflated(1 << 20))},
            path="x.png", verb="predict",
               damaged=("x.png",))
    yield Case("predict/names-of-formulas", "read", {"=1+1.png": png(), "+a.png": png(), '"a,b.png': png()},
            verb="predict")
    yield Case("predict/missing", "refused", {}, path="none.png", verb="predict")
    yield Case("predict/empty-folder", "refused", lambda root: None, verb="predict")
    yield Case("predict/csv", "refused", {"t.csv": table()}, path="t.csv", verb="predict")
    yield Case("predict/idx-cut", "refused", {"images-idx3-ubyte": seeds.idx()[:-1]}, path="images-idx3-ubyte",
            verb="predict")
    yield Case("predict/deep", "refused|damaged", lambda root: [(root / "cat").mkdir(), deep(root, 200, 25, b"")],
            verb="predict", says="deep",
               damaged=("x.png",))


def change_header(data, change):
    size = struct.unpack("<Q", data[:8])[0]
    header = json.dumps(change(json.loads(data[8:8 + size]))).encode()
    return struct.pack("<Q", len(header)) + header + data[8 + size:]


def of_tensors(**changes):
    return lambda header: {
        name: entry if name == "__metadata__" else {**entry, **changes} for name, entry in header.items()}


def models():
    """`files` changes a whole run's folder: {name: function of the bytes, or None to take it out}."""
    tensors = "model/model.safetensors"
    damages = {
        "empty": lambda data: b"", "cut-8": lambda data: data[: 8],
        "cut-half": lambda data: data[: len(data) // 2],
        "cut-all-but-1": lambda data: data[: -1],
        "noise": lambda data: random.Random(4).randbytes(len(data)),
        "gone": None}
    for name, change in {
            **damages, "longer": lambda data: data + b"x", "header-of-16-EB": lambda data: b"\xff" * 8 + data[8:],
            "header-of-100-MB": lambda data: struct.pack("<Q", 100 << 20) + data[8:],
            "header-of-0": lambda data: bytes(8) + data[8:],
            "header-deep": lambda data: struct.pack("<Q", 100_000) + b"[" * 100_000,
            "header-of-bytes": lambda data: data[:8] + b"\xff" * (len(data) - 8),
            "offsets-past-the-end": lambda data: change_header(data, of_tensors(data_offsets=[0, 1 << 40])),
            "offsets-backwards": lambda data: change_header(data, of_tensors(data_offsets=[8, 0])),
            "offsets-negative": lambda data: change_header(data, of_tensors(data_offsets=[-8, 0])),
            "offsets-of-text": lambda data: change_header(data, of_tensors(data_offsets=["a", "b"])),
            "shape-overflows": lambda data: change_header(data, of_tensors(shape=[1 << 62, 4])),
            "shape-negative": lambda data: change_header(data, of_tensors(shape=[-1])),
            "type-unknown": lambda data: change_header(data, of_tensors(dtype="F7")),
            "no-tensor": lambda data: change_header(data, lambda header: {}),
            "other-names": lambda data: change_header(data, lambda header: {f"x{name}": entry for name,
            entry in header.items()}),
            "a-list": lambda data: change_header(data, lambda header: [header])}.items():
        yield Case(f"model/tensors-{name}", "refused", {tensors: change}, verb="model", says="model.safetensors")
    for file in ("model/meta.json",):
        for name, change in {
            **damages, "list": lambda data: b"[]", "null": lambda data: b"null", "empty-object": lambda data: b"{}",
            "deep": lambda data: b"[" * 200_000, "bytes": lambda data: b'{"a": "\xff"}',
            "numbers-for-all": lambda data: json.dumps({key: 7 for key in json.loads(data)}).encode(),
                "texts-for-all":
                lambda data: json.dumps({key: "\x1b[31m" for key in json.loads(data)}).encode()}.items():
            expect = "refused|read" if name == "cut-all-but-1" else "refused"  # a line break at the end
            yield Case(f"model/{os.path.basename(file)}-{name}", expect, {file: change}, verb="model",
                       says=os.path.basename(file)[:4])
    for file in (
        "config.toml", "plan.toml", "result.json", "stages.json", "status.json", "summary.json", "data.json",
            "metrics.jsonl"):
        for name in ("empty", "cut-half", "noise", "gone"):
            yield Case(f"run/{file}-{name}", "read|refused", {file: damages[name]}, verb="show", says="")


def all_cases():
    for make in (tables, lines, training, models):
        yield from make()
