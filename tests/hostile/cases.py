"""The case that hostile.py runs, and those of images and folders. cases_files.py and cases_tables.py
hold the others."""
import dataclasses
import os
import pathlib
import random
import socket
import struct
import typing
import zlib

import seeds
from known import SLOW


@dataclasses.dataclass
class Case:
    name: str  # "png/cut-1": format, damage
    expect: str  # refused, damaged (named, the others live) or read; several separated by |
    files: typing.Any  # {relative name: bytes, or a function that gives them}, or a function that fills a folder
    path: str = "."  # what the program is given, inside the folder
    says: str = ""  # what a refusal must name; by default the last part of the path
    damaged: tuple = ()  # names that the list of damaged examples must hold, and no others
    examples: int = -1  # how many there are, damaged ones included; -1 is not looked at
    suffix: str = ""  # of a format that the program may not know: then the file must be left out and counted
    verb: str = "inspect"  # or train, predict; model: predict with a damaged run; show: look at one
    words: tuple = ()  # further ones for the program
    memory_mb: int = 1024  # above that of an ordinary run

    @property
    def slow(self):
        return self.verb in ("train", "predict", "model") or self.name in SLOW

    def fill(self, folder):
        if callable(self.files):
            self.files(folder)
            return
        for name, content in self.files.items():
            path = os.path.join(os.fsencode(folder), os.fsencode(name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(content() if callable(content) else content)


GOOD = {"cat/g0.png": seeds.png(value=10), "cat/g1.png": seeds.png(value=20), "dog/g2.png": seeds.png(value=30),
        "dog/g3.png": seeds.png(value=40)}
# Those that other readers than PNG's, JPEG's and WebP's take: a build without them leaves them out.
MAYBE_UNKNOWN = ("bmp", "gif", "tiff", "heic", "avif")
WHOLE = {"png": seeds.png(), "jpg": seeds.JPEG, "progressive.jpg": seeds.JPEG_PROGRESSIVE, "webp": seeds.WEBP,
         "lossless.webp": seeds.WEBP_LOSSLESS, "bmp": seeds.bmp(), "gif": seeds.gif(), "tiff": seeds.tiff(),
         "lzw.tiff": seeds.TIFF_LZW, "heic": seeds.HEIC, "avif": seeds.AVIF}


def image(name, content, suffix, expect="damaged", **more):
    """One image among four whole ones."""
    file = f"cat/x.{suffix}"
    return Case(name, expect, {**GOOD, file: content}, damaged=(file,), examples=5,
                suffix=suffix if suffix in MAYBE_UNKNOWN else "", **more)


def cuts_and_flips():
    for kind, content in WHOLE.items():
        suffix = kind.rsplit(".", maxsplit=1)[-1]
        yield image(f"{kind}/whole", content, suffix, "read")
        for size in (0, 1, 8, 16, len(content) // 3, len(content) // 2):
            yield image(f"{kind}/cut-{size}", content[:size], suffix)
        # What a file ends with may be no pixel.
        yield image(f"{kind}/cut-all-but-1", content[:-1], suffix, "damaged|read")
        yield image(f"{kind}/cut-all-but-16", content[:-16], suffix, "damaged|read")
        yield image(f"{kind}/flipped-magic", bytes([content[0] ^ 0x40]) + content[1:], suffix)
        for seed in range(4):
            yield image(f"{kind}/flipped-{seed}", seeds.flipped(content, f"{kind}{seed}", 1 + seed * 3), suffix,
                        "damaged|read")
        yield image(f"{kind}/tail-of-noise", content + random.Random(kind).randbytes(4096), suffix, "read")
        yield image(f"{kind}/magic-and-noise", content[:12] + random.Random(kind).randbytes(4096), suffix)


def lying_images():
    sized = seeds.chunk
    header = lambda *values: sized(b"IHDR", struct.pack(">IIBBBBB", *values))
    whole = seeds.png()
    with_header = lambda *values: whole[:8] + header(*values) + whole[33:]
    for width, height in ((0, 8), (8, 0), (50000, 50000), (13000, 13000), (0x7fffffff, 1), (0xffffffff, 0xffffffff)):
        yield image(f"png/size-{width}x{height}", with_header(width, height, 8, 0, 0, 0, 0), "png")
    yield image("png/depth-3", with_header(8, 8, 3, 0, 0, 0, 0), "png")
    yield image("png/colour-9", with_header(8, 8, 8, 9, 0, 0, 0), "png")
    yield image("png/interlace-7", with_header(8, 8, 8, 0, 0, 0, 7), "png")
    yield image("png/palette-missing", with_header(8, 8, 8, 3, 0, 0, 0), "png")
    yield image("png/bomb-50000", lambda: seeds.png(50000, 50000, pixels=seeds.zeros_deflated(64 << 20)), "png")
    yield image("png/below-the-limit", lambda: seeds.png(13000, 13000, pixels=seeds.zeros_deflated(13001 * 13000)),
            "png",
                "read")
    yield image("png/below-the-limit-with-alpha", lambda: seeds.png(13000, 13000, colour=6,
                pixels=seeds.zeros_deflated(52001 * 13000)), "png", "read")
    yield image("png/too-few-pixels", seeds.png(100, 100, pixels=zlib.compress(bytes(500))), "png")
    yield image("png/too-many-pixels", lambda: seeds.png(8, 8, pixels=seeds.zeros_deflated(64 << 20)), "png",
            "damaged|read")
    yield image("png/chunk-of-4-GB", whole[:33] + struct.pack(">I", 0xffffffff) + whole[37:], "png")
    yield image("png/chunk-of-2-GB", whole[:33] + struct.pack(">I", 0x7fffffff) + whole[37:], "png")
    profile = lambda: sized(b"iCCP", b"x\0\0" + seeds.zeros_deflated(1 << 28))
    yield image("png/bomb-in-profile", lambda: seeds.png(more=profile()), "png", "damaged|read")
    text = lambda: sized(b"zTXt", b"x\0\0" + seeds.zeros_deflated(1 << 28))
    yield image("png/bomb-in-text", lambda: seeds.png(more=text()), "png", "damaged|read")
    yield image("png/100000-texts", seeds.png(more=sized(b"tEXt", b"a\0b") * 100_000), "png", "damaged|read")
    yield image("png/two-headers", whole[:8] + header(8, 8, 8, 0, 0, 0, 0) + whole[8:], "png")
    yield image("png/no-header", whole[:8] + whole[33:], "png")
    yield image("png/palette-index-out", seeds.png(colour=3, value=200, more=sized(b"PLTE", bytes(6))), "png",
                "damaged|read")

    for kind, content in (("jpg", seeds.JPEG), ("progressive.jpg", seeds.JPEG_PROGRESSIVE)):
        for width, height in ((0, 8), (8, 0), (9000, 9000), (13000, 13000), (65500, 65500), (65535, 1)):
            yield image(f"{kind}/size-{width}x{height}", seeds.with_jpeg_size(content, width, height), "jpg")
    scans = seeds.JPEG_PROGRESSIVE
    first = scans.index(b"\xff\xda")
    second = scans.index(b"\xff\xda", first + 2)
    yield image("jpg/10000-scans", seeds.with_jpeg_size(scans[:first], 2000, 2000) + scans[first:second] * 10_000 +
                b"\xff\xd9", "jpg")
    yield image("jpg/segment-past-the-end", seeds.JPEG[:20] + b"\xff\xe1\xff\xff" + seeds.JPEG[20:60], "jpg")
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff"
    yield image("jpg/exif-past-the-end", seeds.JPEG[:20] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif +
                seeds.JPEG[20:], "jpg", "damaged|read")
    entries = struct.pack("<H", 65535) + struct.pack("<HHIHH", 0x112, 3, 1, 99, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + entries
    yield image("jpg/exif-of-65535-entries", seeds.JPEG[:20] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif +
                seeds.JPEG[20:], "jpg", "damaged|read")

    webp = seeds.WEBP
    yield image("webp/size-of-riff", webp[:4] + b"\xff\xff\xff\xff" + webp[8:], "webp", "damaged|read")
    yield image("webp/size-of-chunk", webp[:16] + b"\xff\xff\xff\x7f" + webp[20:], "webp")
    yield image("webp/16383x16383", webp[:26] + struct.pack("<HH", 0x3fff, 0x3fff) + webp[30:], "webp")
    yield image("webp/0x0", webp[:26] + struct.pack("<HH", 0, 0) + webp[30:], "webp")
    yield image("webp/animated", seeds.WEBP_ANIMATED, "webp")
    big = seeds.WEBP_LOSSLESS[:21] + b"\xff\xff\xff\x0f" + seeds.WEBP_LOSSLESS[25:]
    yield image("lossless.webp/16384x16384", big, "webp")

    for name, change in (("0x0", {"width": 0, "height": 0}), ("50000x50000", {"width": 50000, "height": 50000}),
                         ("-8x8", {"width": -8}), ("least-height", {"height": -2**31}), ("bits-7", {"bits": 7}),
                         ("compression-99", {"compression": 99}), ("pixels-past-the-end", {"offset": 0x7fffffff}),
                         ("header-of-4-GB", {"header": 0xffffffff}), ("header-of-0", {"header": 0}),
                         ("4-billion-colours", {"bits": 8, "colours": 0xffffffff})):
        yield image(f"bmp/{name}", seeds.bmp(**change), "bmp")
    yield image("bmp/top-down", seeds.bmp(height=-8), "bmp", "damaged|read")
    yield image("bmp/runs-past-the-row", seeds.bmp(bits=8, compression=1, offset=1078,
                body=bytes(1024) + b"\xff\x07" * 900), "bmp", "damaged|read")
    yield image("bmp/runs-jump-out", seeds.bmp(bits=8, compression=1, offset=1078,
                body=bytes(1024) + b"\0\2\xff\xff" * 900), "bmp", "damaged|read")
    yield image("bmp/huge-of-runs", seeds.bmp(13000, 13000, bits=8, compression=1, offset=1078,
                body=bytes(1024) + b"\0\1"), "bmp", "damaged|read")

    yield image("gif/0x0", seeds.gif(0, 0), "gif")
    yield image("gif/screen-65535", seeds.gif(screen=(65535, 65535)), "gif")
    yield image("gif/frame-65535", seeds.gif(65535, 65535, data=b"\x00\x03"), "gif")
    yield image("gif/frame-larger-than-screen", seeds.gif(screen=(2, 2)), "gif", "damaged|read")
    yield image("gif/no-frame", seeds.gif(frames=0), "gif")
    yield image("gif/10000-frames", lambda: seeds.gif(frames=10_000), "gif", "damaged|read")
    yield image("gif/codes-not-in-the-table", seeds.gif(data=b"\x00\xff\xff\xff\xff"), "gif", "damaged|read")

    for name, change in (("0x0", {256: 0, 257: 0}), ("50000x50000", {256: 50000, 257: 50000}),
                         ("4-billion-wide", {256: 0xffffffff}), ("strip-past-the-end", {273: 0x7fffffff}),
                         ("strip-of-4-GB", {279: 0xffffffff}), ("compression-9999", {259: 9999}),
                         ("64-bits", {258: 64}), ("65535-samples", {277: 65535}), ("no-width", {256: None}),
                         ("no-strip", {273: None})):
        yield image(f"tiff/{name}", seeds.tiff(changed=change), "tiff", "damaged" if name != "strip-of-4-GB" else
                    "damaged|read")
    yield image("tiff/rows-a-strip-0", seeds.tiff(changed={278: 0}), "tiff", "damaged|read")
    yield image("tiff/directories-in-a-loop", seeds.tiff(following=72), "tiff", "damaged|read")
    yield image("tiff/directory-past-the-end", seeds.tiff()[:4] + b"\xff\xff\xff\x7f" + seeds.tiff()[8:], "tiff")
    yield image("tiff/65535-entries", seeds.tiff()[:72] + b"\xff\xff" + seeds.tiff()[74:], "tiff", "damaged|read")
    yield image("tiff/deflate-bomb", lambda: seeds.tiff(30000, 30000, seeds.zeros_deflated(64 << 20), {259: 8}), "tiff")
    yield image("tiff/of-the-other-order", seeds.tiff(order=">"), "tiff", "read")

    for kind, content in (("heic", seeds.HEIC), ("avif", seeds.AVIF)):
        at = content.index(b"ispe") + 8
        for width, height in ((0, 0), (50000, 50000), (0xffffffff, 0xffffffff), (9, 9)):
            yield image(f"{kind}/size-{width}x{height}", content[:at] + struct.pack(">II", width, height) +
                        content[at + 8:], kind, "damaged|read" if width in (0, 9) else "damaged")
        for box in (b"meta", b"iloc", b"iprp", b"ipma", b"mdat"):
            at = content.index(box) - 4
            yield image(f"{kind}/{box.decode()}-of-4-GB", content[:at] + b"\xff\xff\xff\xff" + content[at + 4:], kind,
                        "damaged|read")
            yield image(f"{kind}/{box.decode()}-of-0", content[:at] + b"\0\0\0\0" + content[at + 4:], kind,
                        "damaged|read")
        at = content.index(b"iloc") + 8
        yield image(f"{kind}/extents-past-the-end", content[:at] + b"\x44\0\0\1" + b"\xff" * 12 + content[at + 16:],
                kind)


def other_contents():
    for name, content in (("text", b"no image at all\n" * 9), ("html", b"<!DOCTYPE html><html>404</html>"),
                          ("zeros", bytes(4096)), ("gzip", seeds.gzip(seeds.png())), ("svg", b"<svg width='9'/>"),
                          ("pdf", b"%PDF-1.7\n"), ("zip", b"PK\3\4" + bytes(60)), ("elf", b"\x7fELF" + bytes(60))):
        yield image(f"content/{name}", content, "png")
    yield image("content/jpeg-called-png", seeds.JPEG, "png", "read")
    for kind in ("bmp", "gif", "tiff", "heic", "avif"):  # told by content: damaged where no reader is built in
        yield image(f"content/{kind}-called-png", WHOLE[kind], "png", "damaged|read")


def folder(name, expect, fill=None, **more):
    def files(root):
        Case("", "", GOOD).fill(root)
        if fill is not None:
            fill(pathlib.Path(root))
    return Case(f"folder/{name}", expect, files, **more)


def link(name, target):
    return lambda root: (root / name).symlink_to(target)


def listen(root):
    home = os.getcwd()
    os.chdir(root / "cat")  # the path of a socket may have 107 bytes
    try:
        socket.socket(socket.AF_UNIX).bind("x.png")
    finally:
        os.chdir(home)


def deep(root, length, levels, content):
    """A file below so many folders, each with a name of that length, beyond what one path may have."""
    at = os.open(root / "cat", os.O_RDONLY)
    for level in range(levels):
        part = chr(97 + level) * length
        os.mkdir(part, dir_fd=at)
        inner = os.open(part, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    with open(os.open("x.png", os.O_WRONLY | os.O_CREAT, dir_fd=at), "wb") as out:
        out.write(content)
    os.close(at)


def unreadable(name):
    def fill(root):
        path = root / name
        if name.endswith("x.png"):
            path.write_bytes(seeds.png())
        elif not path.exists():
            path.mkdir()
        path.chmod(0)
    return fill


def sparse(root):
    with open(root / "cat/x.png", "wb") as out:
        out.truncate(1 << 36)


def folders():
    x = ("cat/x.png",)
    yield folder("dangling-link", "damaged", link("cat/x.png", "nowhere"), damaged=x)
    yield folder("link-to-itself", "damaged", link("cat/x.png", "x.png"), damaged=x)
    yield folder("link-to-etc-passwd", "damaged", link("cat/x.png", "/etc/passwd"), damaged=x)
    yield folder("link-to-proc-mem", "damaged", link("cat/x.png", "/proc/self/mem"), damaged=x)
    yield folder("link-to-dev-zero", "damaged", link("cat/x.png", "/dev/zero"), damaged=x)
    yield folder("link-to-dev-stdin", "damaged", link("cat/x.png", "/dev/stdin"), damaged=x)
    yield folder("fifo", "damaged", lambda root: os.mkfifo(root / "cat/x.png"), damaged=x)
    yield folder("socket", "damaged", listen, damaged=x)
    yield folder("file-of-64-GB-of-holes", "damaged", sparse, damaged=x)
    yield folder("file-unreadable", "damaged", unreadable("cat/x.png"), damaged=x)
    yield folder("class-unreadable", "refused", unreadable("dog"), says="dog")
    yield folder("folder-unreadable", "refused", unreadable("."))
    yield folder("loop-of-folders", "read", link("cat/loop", ".."), examples=4)
    yield folder("loop-at-the-top", "read", link("loop", "loop"), examples=4)
    yield folder("link-to-the-folder-at-the-top", "read|refused", link("again", "."), says="again")
    yield folder("dangling-link-at-the-top", "read", link("bird", "nowhere"), examples=4)
    yield folder("fifo-at-the-top", "read", lambda root: os.mkfifo(root / "pipe"), examples=4)
    yield folder("folder-called-png", "read", lambda root: (root / "cat/x.png").mkdir(), examples=4)
    yield folder("empty-class", "read", lambda root: (root / "bird").mkdir(), examples=4)
    yield folder("3000-empty-classes", "read", lambda root: [(root / f"{i}").mkdir() for i in range(3000)], examples=4)
    for name in ("x.tar", "train.csv", "images.npy", "x.npy", "train-images-idx3-ubyte", "data_batch_1.bin",
                 "train.txt", "x.train", "test.csv", "classes.txt", "batches.meta.txt"):
        yield folder(f"folder-called-{name}", "read|refused", lambda root, name=name: (root / name).mkdir(), says=name)
        yield folder(f"dangling-link-called-{name}", "read|refused", link(name, "nowhere"), says=name)
        yield folder(f"fifo-called-{name}", "read|refused", lambda root, name=name: os.mkfifo(root / name), says=name)
    yield Case("folder/empty", "refused", lambda root: None)
    yield Case("folder/of-empty-folders", "refused", lambda root: os.makedirs(root / "a/b/c"))
    yield Case("folder/hidden-alone", "refused", {".hidden/x.png": seeds.png(), ".x.png": seeds.png()})
    yield Case("folder/train-empty", "refused", lambda root: [os.mkdir(root / "train"), os.mkdir(root / "test")])
    yield Case("folder/test-empty", "refused", lambda root: [Case("", "", {f"train/{name}": content for name, content in
               GOOD.items()}).fill(root), os.mkdir(root / "test")])
    yield Case("folder/test-of-another-class", "refused", {**{f"train/{name}": content for name, content in
               GOOD.items()}, "test/bird/x.png": seeds.png()}, says="bird")
    yield Case("folder/unlabeled-empty", "refused", lambda root: [Case("", "", GOOD).fill(root),
               os.mkdir(root / "unlabeled")], says="unlabeled")
    yield Case("folder/all-damaged", "damaged", {"cat/a.png": b"", "dog/b.png": b"no"}, damaged=("cat/a.png",
            "dog/b.png"))
    yield Case("folder/all-test-damaged", "damaged", {**{f"train/{name}": content for name, content in GOOD.items()},
               "test/cat/a.png": b"", "test/dog/b.png": b"x"}, damaged=("test/cat/a.png", "test/dog/b.png"))
    yield Case("folder/macosx", "read", {**GOOD, "__MACOSX/cat/._g0.png": b"\0\5\x16\7", "cat/._g0.png": b"\0\5\x16\7",
               ".DS_Store": b"\0\0\0\1Bud1", "cat/Thumbs.db": bytes(9)}, examples=4)
    yield folder("path-of-3800-bytes", "damaged", lambda root: deep(root, 250, 15, b""), damaged=("x.png",))
    yield folder("path-of-4300-bytes", "refused|damaged", lambda root: deep(root, 255, 16, b""), damaged=("x.png",),
                 says="aaaa")
    yield folder("too-deep", "refused", lambda root: deep(root, 1, 40, b""), says="cat/a/b")
    for name, part in (
        ("newline", "a\nb"),
        ("tab", "a\tb"),
        ("escape", "a\x1b[31mb"),
        ("bell", "a\x07b"),
        ("delete", "a\x7fb"),
        ("carriage-return", "a\rb"),
        ("c1-control", "a\x9bb"),
        ("quote", 'a"b'),
        ("apostrophe", "a'b"),
        ("backslash", "a\\b"),
        ("comma", "a,b"),
        ("semicolon", "a;b"),
        ("space", " "),
        ("plus", "+a"),
        ("minus", "-a"),
        ("equals", "=a"),
        ("at", "@a"),
        ("dots", "..."),
        ("dotdot-a", "..a"),
        ("percent", "%s%n"),
        ("braces", "{}{0}"),
        ("brackets", "[a]*?"),
        ("dollar", "$(a)`b`"),
        ("html", "<b>&amp;"),
        ("emoji", "🐈"),
        ("right-to-left", "a\u202egpj"),
        ("nfd", "e\u0301"),
        ("bytes", "a\udcff\udc80b"),
        ("overlong", "\udcc0\udcaf"),
            ("half-utf-8", "a\udce2\udc82")):
        raw = "\udc80" <= max(part) <= "\udcff"
        hidden = part.startswith(".")
        bad = () if hidden else ((f"cat/{part}.png",) if not raw else (".png",))
        yield Case(f"name/file-{name}", "read" if hidden else "damaged", {**GOOD, f"cat/{part}.png": b"bad"},
                damaged=bad)
        yield Case(f"name/class-{name}", "refused" if raw else "read", {**GOOD, f"{part}/x.png": seeds.png()},
                   says="not UTF-8", words=("--strict",))
        yield Case(f"name/data-{name}", "read", {f"{part}/{file}": content for file, content in GOOD.items()},
                path=part)
        yield Case(f"name/refused-{name}", "refused", {f"{part}/none.xyz": b"x"}, path=part,
                   says="" if part.isprintable() else ".")
    longest = "x" * 251 + ".png"
    yield Case("name/file-of-255-bytes", "damaged", {**GOOD, f"cat/{longest}": b""}, damaged=(f"cat/{longest}",))
    yield Case("name/class-of-255-bytes", "read", {**GOOD, f"{'c' * 255}/x.png": seeds.png()}, examples=5)
    yield Case("name/file-of-suffix-alone", "read", {**GOOD, "cat/.png": b"bad"}, examples=4)
    yield Case("name/data-longer-than-a-path", "refused", {}, path="/".join(["x" * 250] * 20), says="xxxx")
    yield Case("name/data-longer-than-a-name", "refused", {}, path="x" * 300)
    yield Case("name/file-below-a-file", "refused", {"a": b"x"}, path="a/b")


def texts():
    good = {"pos/a.txt": b"a good film", "pos/b.txt": b"a very good one", "neg/c.txt": b"bad", "neg/d.txt": b"very bad"}
    x = "pos/x.txt"
    for name, content, expect in (
            ("empty", b"", "damaged"), ("nul", b"a\0b", "damaged"), ("nuls", bytes(1000), "damaged"),
            ("bytes", b"caf\xe9 au lait", "damaged"), ("overlong", b"a\xc0\xafb", "damaged"),
            ("surrogate", b"a\xed\xa0\x80b", "damaged"), ("mark-alone", b"\xef\xbb\xbf", "damaged"),
            ("blanks", b" \n\t\r\n", "damaged|read"), ("utf-16", "caf\u00e9".encode("utf-16"), "read"),
            ("utf-16-odd", "good".encode("utf-16")[:-1], "damaged"), ("utf-16-mark-alone", b"\xff\xfe", "damaged"),
            ("utf-16-half-pair", b"\xff\xfea\0\x00\xd8b\0", "damaged"), ("utf-32", "ab".encode("utf-32"), "damaged"),
            ("escapes", b"\x1b[31mred\x07", "read"), ("just-too-long", b"a" * ((1 << 20) + 1), "damaged"),
            ("longest", b"a" * (1 << 20), "read"), ("100-MB", lambda: b"a" * 100_000_000, "damaged"), ("image",
                seeds.png(), "damaged")):
        yield Case(f"text/{name}", expect, {**good, x: content}, damaged=(x,), examples=5)
    yield Case("text/folder-of-both", "refused", {**{k: v for k, v in GOOD.items() if "cat" in k}, **good})


def all_cases():
    for make in (cuts_and_flips, lying_images, other_contents, folders, texts):
        yield from make()
