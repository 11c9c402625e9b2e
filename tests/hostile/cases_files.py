"""Cases for hostile.py: arrays and archives."""
import bz2
import lzma
import random
import struct
import tarfile

import seeds
from cases import Case
from seeds import member, npy, png, tar


def one(name, file, content, expect="refused", **more):
    """A single file that is the whole of the data."""
    return Case(f"{name}", expect, {file: content}, path=file, **more)


def cut(name, file, content, keep=(0, 1, 8), **more):
    for size in (*keep, len(content) // 2, len(content) - 1):
        yield one(f"{name}/cut-{size}", file, content[:size], **more)


def idx():
    whole, pair = seeds.idx(), {"train-images-idx3-ubyte": seeds.idx(), "train-labels-idx1-ubyte": seeds.idx_labels()}
    yield Case("idx/whole", "read", pair, examples=4)
    yield from cut("idx", "images-idx3-ubyte", whole)
    packed = seeds.gzip(seeds.idx(400, 10, body=random.Random(0).randbytes(40_000)))
    yield from cut("idx.gz", "images-idx3-ubyte.gz", packed, (0, 1, 8, 100))
    for name, sizes in (("no-example", (0, 2, 2)), ("no-height", (4, 0, 2)), ("no-width", (4, 2, 0)),
                        ("4-billion", (0xffffffff, 1000, 1000)), ("all-4-billion", (0xffffffff,) * 3),
                        ("half", (2, 2, 2)), ("double", (8, 2, 2)), ("channels-0", (4, 2, 2, 0)),
                        ("channels-7", (1, 2, 1, 7)), ("overflow", (1 << 31, 1 << 31, 4)), ("1-dimension", (16,)),
                        ("2-dimensions", (4, 4)), ("5-dimensions", (4, 2, 2, 1, 1)), ("no-dimension", ())):
        body = whole[16:]
        yield one(f"idx/{name}", "images-idx3-ubyte", seeds.idx(sizes=sizes, body=body))
        yield one(f"idx.gz/{name}", "images-idx3-ubyte.gz", seeds.gzip(seeds.idx(sizes=sizes, body=body)))
    for kind in (0, 7, 11, 13, 14, 255):
        yield one(f"idx/type-{kind}", "images-idx3-ubyte", seeds.idx(kind=kind))
    for seed in range(4):
        yield one(f"idx.gz/flipped-{seed}", "images-idx3-ubyte.gz", seeds.flipped(packed, seed, 5), "refused|read")
    head = seeds.gzip(seeds.idx())
    yield one("idx.gz/bomb-of-20-GB", "images-idx3-ubyte.gz", lambda: head + seeds.gzip_zeros(320))
    yield one("idx.gz/promises-20-GB", "images-idx3-ubyte.gz", seeds.gzip(seeds.idx(20_000_000, 32,
            body=bytes(1 << 20))))
    yield one("idx.gz/tail-of-noise", "images-idx3-ubyte.gz", head + b"noise" * 99, "refused|read")
    yield one("idx.gz/of-gzip", "images-idx3-ubyte.gz", seeds.gzip(head))
    labels = "train-labels-idx1-ubyte"
    for name, content, expect in (
            ("empty", b"", "refused"), ("cut", seeds.idx_labels()[:-1], "refused"),
            ("too-many", seeds.idx_labels(b"\0\1\0\1\0"), "refused"), ("lying", seeds.idx_labels(count=5), "refused"),
            ("4-billion", seeds.idx_labels(count=0xffffffff), "refused"), ("are-images", whole, "refused"),
            ("bombs", lambda: seeds.gzip_zeros(16), "refused"), ("negative", seeds.idx_labels(b"\xff\1\0\x80", 9),
                "read"),
            ("255", seeds.idx_labels(b"\xff\1\0\1"), "read")):
        yield Case(f"idx/labels-{name}", expect, {**pair, labels: content}, says=labels)
    yield Case("idx/twice", "refused", {**pair, "train-images-idx3-ubyte.gz": seeds.gzip(whole)})
    yield Case("idx/test-alone", "refused", {"t10k-images-idx3-ubyte": whole})
    yield Case("idx/test-cut", "refused", {**pair, "t10k-images-idx3-ubyte": whole[:-1]}, says="t10k-images-idx3-ubyte")
    yield Case("idx/test-without-labels", "refused", {**pair, "t10k-images-idx3-ubyte": whole})


def cifar():
    whole = seeds.cifar(5)
    yield one("cifar/whole", "data_batch_1.bin", whole, "read", examples=5)
    yield from cut("cifar", "data_batch_1.bin", whole, (0, 1, 8, 3072, 3074 * 3 + 1))
    yield one("cifar/hundred", "train.bin", seeds.cifar(label_bytes=2), "read")
    yield one("cifar/label-10", "data_batch_1.bin", seeds.cifar(label=10))
    yield one("cifar/label-255", "data_batch_1.bin", seeds.cifar(label=255))
    yield one("cifar/hundred-label-100", "train.bin", seeds.cifar(label_bytes=2, label=100))
    yield Case("cifar/batches-unlike", "refused", {"data_batch_1.bin": whole, "data_batch_2.bin":
               seeds.cifar(label_bytes=2)}, says="data_batch_2.bin")
    yield Case("cifar/test-cut", "refused", {"data_batch_1.bin": whole, "test_batch.bin": whole[:-1]},
            says="test_batch.bin")
    yield Case("cifar/test-empty", "refused", {"data_batch_1.bin": whole, "test_batch.bin": b""})
    yield Case("cifar/test-alone", "refused", {"test_batch.bin": whole})
    for name, content, expect in (("too-few", b"a\nb\n", "refused"), ("twice", b"a\n" * 10, "refused"),
                                  ("bytes", b"\xff\n" * 10, "refused"), ("nuls", bytes(99), "refused|read")):
        yield Case(f"cifar/names-{name}", expect, {"data_batch_1.bin": whole, "batches.meta.txt": content})


def arrays():
    whole = npy()
    yield one("npy/whole", "images.npy", whole, "read", examples=4)
    yield from cut("npy", "images.npy", whole, (0, 1, 6, 8, 10, 11, 64))
    for name, content in (
        ("objects", npy("|O", body=b"\x80\x04cos\nsystem\n(S'touch /tmp/x'\ntR.")),
        ("strings", npy("<U4", "(4,)", bytes(64))),
        ("bytes", npy("|S4", "(4,)")),
        ("fields", npy("[('a', '<f4'), ('b', '|O')]", "(4,)")),
        ("complex", npy("<c8", "(1, 1, 2)")),
        ("big-endian", npy(">f4", "(1, 2, 2)")),
        ("halves", npy("<f2", "(2, 2, 2)")),
        ("booleans", npy("|b1")),
        ("dates", npy("<M8[s]", "(2,)")),
        ("int64", npy("<i8", "(2, 1, 1)")),
        ("item-0", npy("|u0")),
        ("item-9", npy("|u9")),
        ("fortran", npy(fortran="True")),
        ("fortran-nonsense", npy(fortran="maybe")),
        ("shape-lies", npy(shape="(5, 2, 2)")),
        ("shape-too-small", npy(shape="(3, 2, 2)")),
        ("shape-negative", npy(shape="(-4, 2, 2)")),
        ("shape-overflows", npy(shape="(4611686018427387904, 4, 4)")),
        ("shape-past-int64", npy(shape="(99999999999999999999, 1, 1)")),
        ("shape-of-floats", npy(shape="(4.0, 2, 2)")),
        ("shape-in-hex", npy(shape="(0x4, 2, 2)")),
        ("shape-of-no-tuple", npy(shape="16")),
        ("shape-empty", npy(shape="()", body=b"x")),
        ("shape-1", npy(shape="(16,)")),
        ("shape-2", npy(shape="(4, 4)")),
        ("shape-5", npy(shape="(1, 1, 4, 2, 2)")),
        ("no-example", npy(shape="(0, 2, 2)", body=b"")),
        ("no-pixel", npy(shape="(4, 0, 2)", body=b"")),
        ("10-to-the-15-of-no-pixel", npy(shape="(1000000000000000, 0, 0)", body=b"")),
        ("channels-7", npy(shape="(1, 2, 2, 7)", body=bytes(28))),
        ("version-0", npy(version=0)),
        ("version-9", npy(version=9)),
        ("header-claims-64-kB", npy(claimed=65535)),
        ("header-claims-4-GB", npy(version=2, claimed=0xffffffff)),
        ("header-claims-0", npy(claimed=0)),
        ("header-empty", npy(header="")),
        ("header-of-nuls", npy(header=bytes(100))),
        ("header-nested", npy(header="{" * 10_000)),
        ("header-of-code", npy(header="__import__('os').system('touch /tmp/x')")),
        ("header-without-shape", npy(header="{'descr': '|u1', 'fortran_order': False}")),
        ("header-without-type", npy(header="{'shape': (4, 2, 2), 'fortran_order': False}")),
        ("header-of-control", npy("\x1b[31m")),
        ("header-of-bytes", npy(header=b"{'descr': '\xff\xfe', 'fortran_order': False, 'shape': (4,)}")),
        ("is-npz", b"PK\3\4" + bytes(99)),
            ("is-pickle", b"\x80\x04\x95" + bytes(99))):
        yield one(f"npy/{name}", "images.npy", content)
    yield one("npy/version-2", "images.npy", npy(version=2), "read")
    yield one("npy/version-3", "images.npy", npy(version=3), "read")
    for name, values in (("out-of-range", (0.5, 2)), ("nan", (0.5, float("nan"))), ("infinite", (0.5, float("inf")))):
        yield one(f"npy/floats-{name}", "images.npy", npy("<f4", "(2, 1, 1)", struct.pack("<2f", *values)), "damaged",
                  damaged=("1",))
        yield one(f"npy/rows-{name}", "x.npy", npy("<f8", "(2, 1)", struct.pack("<2d", *values)),
                  "read" if values[1] == 2 else "damaged", damaged=("x.npy:1",))
    yield one("npy/rows-of-no-column", "x.npy", npy("<f4", "(4, 0)", b""))
    yield one("npy/rows-of-2-million-columns", "x.npy", npy("<f4", "(1, 2000000)", bytes(8_000_000)))
    yield one("npy/no-row", "x.npy", npy("<f4", "(0, 4)", b""))
    for name, content in (
        ("cut", npy("<i8", "(4,)", bytes(31))),
        ("too-few", npy("<i8", "(3,)", bytes(24))),
        ("objects", npy("|O", "(4,)", bytes(32))),
        ("floats", npy("<f4", "(4,)", struct.pack("<4f", 0, 1, 0.5, 1))),
        ("huge", npy("<i8", "(4,)", struct.pack("<4q", 0, 1, 1, 1 << 40))),
        ("unsigned-huge", npy("<u8", "(4,)", b"\xff" * 32)),
        ("minus-2", npy("|i1", "(4,)", b"\0\1\0\xfe")),
        ("one-hot", npy("|u1", "(4, 2)", bytes(8))),
            ("empty", b"")):
        yield Case(f"npy/labels-{name}", "refused", {"images.npy": whole, "labels.npy": content}, says="labels.npy")
    yield Case("npy/label-of-100000", "read", {"images.npy": whole, "labels.npy":
               npy("<i8", "(4,)", struct.pack("<4q", 0, 1, 2, 100_000))})
    yield Case("npy/two-of-the-same", "refused", {"images.npy": whole, "x.npy": whole})
    yield Case("npy/test-of-other-columns", "refused", {"x_train.npy": npy("<f4", "(2, 2)", bytes(16)),
               "x_test.npy": npy("<f4", "(1, 4)", bytes(16)), "y_test.npy": npy("|u1", "(1,)", b"\0")})


def shards():
    good = seeds.good_members()
    whole = tar(*good)
    first = member("0.png", png())
    yield one("tar/whole", "a.tar", whole, "read", examples=4)
    for size in (0, 1, 8, 512, 700, len(first) + 100, len(whole) // 2):
        yield one(f"tar/cut-{size}", "a.tar", whole[:size])
    yield one("tar/cut-end-blocks", "a.tar", whole[:-1024], "read|refused")
    yield one("tar/cut-all-but-1", "a.tar", whole[:-1], "read|refused")
    for suffix, packed in (("gz", seeds.gzip(whole)), ("zst", seeds.zstd([whole])), ("xz", lzma.compress(whole)),
                           ("bz2", bz2.compress(whole))):
        yield one(f"tar.{suffix}/whole", f"a.tar.{suffix}", packed, "read", examples=4)
        for size in (0, 1, 8, len(packed) // 3, len(packed) // 2, len(packed) * 3 // 4):
            yield one(f"tar.{suffix}/cut-{size}", f"a.tar.{suffix}", packed[:size])
        for seed in range(2):
            yield one(f"tar.{suffix}/flipped-{seed}", f"a.tar.{suffix}", seeds.flipped(packed, seed, 8),
                      "refused|read|damaged", damaged=("a.tar.",))
    for name, content in (
        ("parent", member("../../x.png", png())),
        ("parent-inside", member("a/../../x.png", png())),
        ("absolute", member("/etc/x.png", png())),
        ("absolute-hidden", member("/.x", b"a")),
        ("size-of-8-GB", member("0.png", png(),
                                size=8 << 30)),
        ("size-of-300-MB", member("0.png", png(),
                                  size=300 << 20)),
        ("size-negative", member("0.png", png())[: 124] + b"\xff" * 12 + member("0.png", png())[136:]),
        ("wrong-checksum", member("0.png", png(),
                                  checksum=False)),
        ("noise", random.Random(1).randbytes(2048)),
        ("text", b"no archive " * 100),
        ("label-alone", member("0.cls", b"cat")),
        ("label-first", member("0.cls", b"cat") + member("1.png", png())),
        ("second-image", first + member("0.jpg", seeds.JPEG)),
        ("label-of-70-kB", first + member("0.cls", b"x" * 70_000)),
        ("label-of-bytes", first + member("0.cls", b"\xff\xfe")),
        ("label-with-nul", first + member("0.cls", b"a\0b")),
        ("labels-differ", first + member("0.cls", b"a") + member("0.json", b'{"label": "b"}')),
        ("json-cut", first + member("0.json", b'{"label": "b"')),
        ("json-deep", first + member("0.json", b"[" * 60_000)),
        ("json-list", first + member("0.json", b'{"label": [1]}')),
        ("json-float", first + member("0.json", b'{"label": 1e999}')),
        ("json-bytes", first + member("0.json", b'{"label": "\xff"}')),
        ("empty-name", member("", png())),
        ("long-name-of-2-MB", member("././@LongLink", b"a" * (2 << 20),
                                     kind=tarfile.GNUTYPE_LONGNAME) + first),
        ("long-name-cut", member("././@LongLink", b"a" * 5000, size=1 << 30, kind=tarfile.GNUTYPE_LONGNAME)),
        ("pax-size-lies", seeds.pax_member(b"20 size=99999999999\n", data=png())),
        ("pax-path-up", seeds.pax_member(b"20 path=../../x.png\n", data=png())),
        ("pax-length-lies", seeds.pax_member(b"99999 path=b.png\n", data=png()) + b"x" * 512),
            ("ends-alone", b"")):
        yield one(f"tar/{name}", "a.tar", content + seeds.TAR_END)
        if name not in ("noise", "text"):
            yield one(f"tar.gz/{name}", "a.tar.gz", seeds.gzip(content + seeds.TAR_END))
    for name, kind, target in (
        ("link", tarfile.SYMTYPE, "/etc/passwd"),
        ("hard-link", tarfile.LNKTYPE, "g0.png"),
        ("device", tarfile.CHRTYPE, ""),
        ("fifo", tarfile.FIFOTYPE, ""),
            ("folder", tarfile.DIRTYPE, "")):
        yield one(f"tar/{name}", "a.tar", tar(*good, member("9.png", kind=kind, link=target)), "read", examples=4)
    yield one("tar/unknown-kind", "a.tar", tar(*good, member("9.png", png(), kind=b"Z")), "read|refused")
    yield one("tar/sparse-of-8-GB", "a.tar", tar(*good, sparse_member()), "refused|damaged", damaged=("a.tar/9",))
    yield one("tar/hidden", "a.tar", tar(*good, member("._0.png", b"\0\5\x16\7"), member(".DS_Store", b"x")),
            "read|damaged",
              damaged=("a.tar/",))
    yield one("tar/one-damaged", "a.tar", tar(*good, member("9.png", png()[:40])), "damaged", damaged=("a.tar/9",))
    yield one("tar/one-empty", "a.tar", tar(*good, member("9.png")), "damaged", damaged=("a.tar/9",))
    yield one("tar.gz/one-damaged", "a.tar.gz", seeds.gzip(tar(*good, member("9.png", png()[:40]))), "damaged",
            damaged=("a.tar.gz/9",))
    yield one("tar/nested", "a.tar", tar(*good, member("b.tar", whole)), "read", examples=4)
    yield one("tar/control-in-name", "a.tar", tar(*good, member("9\x1b[31m\n.png", b"x")), "damaged",
            damaged=("a.tar/9",))
    yield one("tar/bytes-in-name", "a.tar", tar(*good, member("9\udcff.png", b"x")), "damaged|refused",
            damaged=("a.tar/9",))
    yield one("tar/control-in-class", "a.tar", tar(*good, first, member("0.cls", b"\x1b[31mred")), "read|refused")
    yield one("tar/same-name-twice", "a.tar", tar(*good, *good), "read|refused")
    yield one("tar/50000-members", "a.tar", lambda: tar(*good, *[member(f"m{i}") for i in range(50_000)]), "read",
            examples=4)
    yield one("tar/posix", "a.tar", seeds.with_python_tar([("ü" * 90 + ".png", png()), ("\udcff" * 120 + ".png",
            png())]), "read|refused")
    yield one("tar/two-archives", "a.tar", whole + whole, "read")
    huge = member("0.png", size=20 << 30)
    yield one("tar.zst/bomb-of-20-GB", "a.tar.zst", lambda: seeds.zstd([huge, 20 << 30, seeds.TAR_END]))
    yield one("tar.zst/bomb-of-2-GB-beside", "a.tar.zst", lambda: seeds.zstd([*good, member("z.bin", size=2 << 30),
            2 << 30, seeds.TAR_END]),
              "read|refused")
    yield one("tar.zst/bombs-of-200-MB", "a.tar.zst", seeds.zstd([part for i in range(9) for part in
              (member(f"{i}.png", size=200 << 20), 200 << 20)] + [seeds.TAR_END]), memory_mb=2048)
    yield one("tar.zst/size-lies", "a.tar.zst", seeds.zstd([whole], content_size=1 << 62), "refused|read")
    yield one("tar.zst/window-of-2-GB", "a.tar.zst", b"\x28\xb5\x2f\xfd\x00\xa8" + seeds.zstd([whole])[6:],
            "refused|read")
    yield one("tar.gz/bomb-of-20-GB", "a.tar.gz", lambda: seeds.gzip(huge) + seeds.gzip_zeros(320))
    yield one("tar.gz/bomb-of-zeros", "a.tar.gz", lambda: seeds.gzip_zeros(32), "refused")
    yield one("tar.gz/of-gzip", "a.tar.gz", seeds.gzip(seeds.gzip(seeds.gzip(whole))), "refused|read")
    yield Case("tar/second-shard-damaged", "refused", {"a-0.tar": whole, "a-1.tar": whole[:700]}, says="a-1.tar")
    yield Case("tar/second-shard-empty", "refused", {"a-0.tar": whole, "a-1.tar": b""}, says="a-1.tar")
    for name, content in (("twice", b"cat\ndog\ncat\n"), ("other", b"a\nb\n"), ("bytes", b"\xff\n")):
        yield Case(f"tar/classes-{name}", "refused", {"a.tar": whole, "classes.txt": content}, says="c")
    yield Case("tar/pattern-of-none", "refused", {}, path="b-*.tar")


def sparse_member():
    """A hole of 8 GB as GNU tar writes it."""
    header = bytearray(member("9.png", size=0, kind=b"S"))
    header[386:398], header[398:410], header[483:495] = b"00000000000\0", b"00000000000\0", b"\x80" + \
        (8 << 30).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header)


def all_cases():
    for make in (idx, cifar, arrays, shards):
        yield from make()
