#!/usr/bin/env python3
"""Small files of every image format and the pixels that Pillow reads from them: writes tests/golden/images.json.

    python3 scripts/golden/images.py        (needs Pillow with AVIF and libtiff, numpy, and heif-enc of libheif-examples)

Each case has the file, the shape and the pixels after alpha is composed on white as fewlabel does it. What Pillow does
not write (tiles, planes, 12 bits, old headers) is put together here by hand; what it does not read, or reads by another
rule (16 bits to 8), has pixels from numpy, and says so by the name `ours`.
"""
import base64
import io
import json
import pathlib
import struct
import subprocess
import tempfile

import numpy as np
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "images.json"
CASES = []
rng = np.random.default_rng(7)


def on_white(image):
    """height × width × (1 or 3), as fewlabel composes."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        grey = image.mode == "LA"
        values = np.asarray(image.convert("RGBA")).astype(int)
        colour, alpha = values[..., :3], values[..., 3:]
        values = (colour * alpha + 255 * (255 - alpha) + 127) // 255
        return values[..., :1] if grey else values
    if image.mode == "1":
        image = image.convert("L")
    if image.mode == "P" and all(r == g == b for r, g, b in np.asarray(image.getpalette()).reshape(-1, 3)):
        image = image.convert("L")
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    values = np.asarray(image)
    return values[..., None] if values.ndim == 2 else values


def case(name, data, pixels=None, tolerance=0):
    """Without `pixels` they are what Pillow reads."""
    if pixels is None:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            pixels = on_white(ImageOps.exif_transpose(image))
    pixels = np.asarray(pixels)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    CASES.append({"name": name, "file": base64.b64encode(data).decode(), "shape": list(pixels.shape),
                  "pixels": base64.b64encode(pixels.astype(np.uint8).tobytes()).decode(), "tolerance": tolerance})


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def smooth(height, width, channels):
    y, x = np.mgrid[:height, :width]
    planes = [20 + 9 * x + 3 * y, 240 - 7 * x - 2 * y, 90 + 5 * y, 255 - 8 * x]
    values = np.stack(planes[:channels], -1).clip(0, 255).astype(np.uint8)
    return values[..., 0] if channels == 1 else values


def noise(height, width, channels):
    values = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return values[..., 0] if channels == 1 else values


# ---- TIFF ------------------------------------------------------------------------------------------------------------
def craft_tiff(pieces, tags, order="<", big=False):
    """Strips (or tiles, if tags say so) and tags {number: (type, values)}; offsets and sizes are filled in."""
    tiled = 322 in tags
    sizes = {1: "B", 2: "s", 3: "H", 4: "I", 16: "Q"}
    header = 16 if big else 8
    offsets, at = [], header
    for piece in pieces:
        offsets.append(at)
        at += len(piece)
    at += at % 2
    tags = dict(tags)
    tags[324 if tiled else 273] = (4, offsets)
    tags[325 if tiled else 279] = (4, [len(piece) for piece in pieces])
    body = b"".join(pieces)
    body += b"\0" * (at - header - len(body))
    entry, inline = (20, 8) if big else (12, 4)
    extra_at = at + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    directory, extra = b"", b""
    for number in sorted(tags):
        kind, values = tags[number]
        data = values if kind == 2 else struct.pack(f"{order}{len(values)}{sizes[kind]}", *values)
        count = len(values)
        directory += struct.pack(order + ("HHQ" if big else "HHI"), number, kind, count)
        if len(data) <= inline:
            directory += data.ljust(inline, b"\0")
        else:
            directory += struct.pack(order + ("Q" if big else "I"), extra_at + len(extra))
            extra += data + b"\0" * (len(data) % 2)
    mark = b"II" if order == "<" else b"MM"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, at) if big else struct.pack(order + "HI", 42, at))
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    return head + body + count + directory + b"\0" * (8 if big else 4) + extra


def tags_of(height, width, bits, samples, photometric, rows=None, **more):
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric]),
            277: (3, [samples]), 278: (4, [rows or height])}
    for name, value in more.items():
        tags[int(name[1:])] = value
    return tags


def bits_packed(values, bits):
    """Rows of numbers, the highest bit first, each row from a byte on."""
    rows = []
    for row in values.reshape(len(values), -1):
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 8)
        rows.append(bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)))
    return b"".join(rows)


def to_eight(values, bits):
    white = 2 ** bits - 1
    return (values.astype(np.int64) * 255 + white // 2) // white


def tiffs():
    grey, colour = Image.fromarray(smooth(18, 21, 1)), Image.fromarray(smooth(18, 21, 3))
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"):
        case(f"tiff grey {compression}", saved(grey, "TIFF", compression=compression))
        case(f"tiff colour {compression}", saved(colour, "TIFF", compression=compression))
    for compression in ("raw", "group3", "group4", "packbits"):
        case(f"tiff bilevel {compression}", saved(grey.convert("1"), "TIFF", compression=compression))
    case("tiff colour jpeg", saved(colour, "TIFF", compression="jpeg", quality=95), tolerance=2)
    case("tiff grey jpeg", saved(grey, "TIFF", compression="jpeg", quality=95), tolerance=1)
    case("tiff rgba", saved(Image.fromarray(noise(5, 6, 4)), "TIFF", compression="tiff_lzw"), tolerance=1)
    case("tiff grey and alpha", saved(Image.fromarray(noise(5, 6, 2), "LA"), "TIFF"), tolerance=1)
    case("tiff palette", saved(colour.quantize(16), "TIFF"))
    case("tiff cmyk", saved(colour.convert("CMYK"), "TIFF"), tolerance=2)
    case("tiff ycbcr", saved(colour.convert("YCbCr"), "TIFF"), tolerance=3)
    for orientation in range(1, 9):
        case(f"tiff orientation {orientation}", saved(Image.fromarray(noise(2, 3, 1)), "TIFF", tiffinfo={274: orientation}))
    case("tiff two pages", saved(grey, "TIFF", save_all=True, append_images=[colour]))
    # 16 bits: from the bits in use, never fewer than 12
    for most, bits in ((900, 12), (4095, 12), (4096, 14), (16383, 14), (16384, 16), (65535, 16)):
        values = rng.integers(0, most + 1, (4, 5)).astype(np.uint16)
        values[1, 2] = most
        case(f"tiff ours 16 bits to {most}", saved(Image.fromarray(values), "TIFF"), to_eight(values, bits))
    values = rng.integers(0, 700, (4, 5)).astype("<u2")
    description = b'<OME><Image><Pixels Type="uint16" SignificantBits="10"/></Image></OME>\0'
    for text, bits in ((description, 10), (description.replace(b"10", b"9"), 12), (description.replace(b"10", b"x"), 12)):
        case(f"tiff ours ome {bits} {text[49:52].decode()}",
             craft_tiff([values.tobytes()], tags_of(4, 5, 16, 1, 1, t270=(2, text))), to_eight(values, bits))
    values = rng.integers(0, 65536, (4, 5, 3)).astype(np.uint16)
    for order in "<>":
        data = [values.astype(order + "u2").tobytes()]
        case(f"tiff ours 16 bits colour {order}", craft_tiff(data, tags_of(4, 5, 16, 3, 2), order), to_eight(values, 16))
        case(f"tiff ours big {order}", craft_tiff(data, tags_of(4, 5, 16, 3, 2), order, big=True), to_eight(values, 16))
    values = rng.integers(0, 2 ** 31, (3, 4)).astype(np.int32)
    case("tiff ours 32 bits", saved(Image.fromarray(values, "I"), "TIFF"), to_eight(values, 32))
    values = rng.random((3, 4)).astype(np.float32)
    values[0, :2] = 0, 1
    case("tiff ours reals", saved(Image.fromarray(values), "TIFF"), np.floor(values.astype(float) * 255 + 0.5))
    case("tiff ours long reals",
         craft_tiff([values.astype("<f8").tobytes()], {**tags_of(3, 4, 64, 1, 1), 339: (3, [3])}),
         np.floor(values.astype(float) * 255 + 0.5))
    for bits in (1, 2, 4, 6, 10, 12):
        values = rng.integers(0, 2 ** bits, (4, 5))
        case(f"tiff ours {bits} bits", craft_tiff([bits_packed(values, bits)], tags_of(4, 5, bits, 1, 1)), to_eight(values, bits))
        case(f"tiff ours {bits} bits of ink", craft_tiff([bits_packed(values, bits)], tags_of(4, 5, bits, 1, 0)),
             255 - to_eight(values, bits))
    # strips, tiles and planes
    values = noise(20, 37, 3)
    strips = [values[y:y + 7].tobytes() for y in range(0, 20, 7)]
    case("tiff strips", craft_tiff(strips, tags_of(20, 37, 8, 3, 2, rows=7)))
    planes = [values[y:y + 7, :, c].tobytes() for c in range(3) for y in range(0, 20, 7)]
    case("tiff planes", craft_tiff(planes, {**tags_of(20, 37, 8, 3, 2, rows=7), 284: (3, [2])}))
    padded = np.pad(values, ((0, 12), (0, 11), (0, 0)))
    tiles = [padded[y:y + 16, x:x + 16] for y in (0, 16) for x in (0, 16, 32)]
    sizes = {322: (3, [16]), 323: (3, [16])}
    tags = tags_of(20, 37, 8, 3, 2)
    del tags[278]
    case("tiff tiles", craft_tiff([t.tobytes() for t in tiles], {**tags, **sizes}))
    case("tiff tiled planes", craft_tiff([t[..., c].tobytes() for c in range(3) for t in tiles],
                                         {**tags, **sizes, 284: (3, [2])}))
    # alpha: 1 multiplied, 2 separate, 0 not said
    values = np.array([[[100, 50, 0, 128], [10, 20, 30, 255], [0, 0, 0, 0]]], np.uint8)
    tags = tags_of(1, 3, 8, 4, 2)
    case("tiff ours multiplied alpha", craft_tiff([values.tobytes()], {**tags, 338: (3, [1])}),
         [[[227, 177, 127], [10, 20, 30], [255, 255, 255]]])
    case("tiff alpha", craft_tiff([values.tobytes()], {**tags, 338: (3, [2])}))
    case("tiff ours fourth channel", craft_tiff([values.tobytes()], {**tags, 338: (3, [0])}), values[..., :3])
    palette = [v << 8 for v in range(0, 160, 10)] * 3
    numbers = rng.integers(0, 16, (4, 6))
    case("tiff palette of greys", craft_tiff([bits_packed(numbers, 4)], {**tags_of(4, 6, 4, 1, 3), 320: (3, palette)}),
         numbers * 10)
    case("tiff ours palette of small numbers",
         craft_tiff([bits_packed(numbers, 4)], {**tags_of(4, 6, 4, 1, 3), 320: (3, [v >> 8 for v in palette])}), numbers * 10)


# ---- BMP -------------------------------------------------------------------------------------------------------------
def craft_bmp(header, width, height, bits, pixels, compression=0, palette=b"", masks=b"", used=0):
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(pixels), 2835, 2835, used, 0)
        info += (masks if header > 40 else b"").ljust(header - 40, b"\0")
    behind = masks if header == 40 else b""
    at = 14 + len(info) + len(behind) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(pixels), 0, 0, at) + info + behind + palette + pixels


def padded_rows(rows):
    return b"".join(row + b"\0" * (-len(row) % 4) for row in rows)


def bmps():
    grey, colour = Image.fromarray(smooth(9, 13, 1)), Image.fromarray(noise(9, 13, 3))
    case("bmp bilevel", saved(grey.convert("1"), "BMP"))
    case("bmp grey", saved(grey, "BMP"))
    case("bmp palette", saved(colour.quantize(30), "BMP"))
    case("bmp colour", saved(colour, "BMP"))
    case("bmp 32 bits", saved(Image.fromarray(noise(5, 6, 4)), "BMP"))
    values = noise(3, 5, 3)
    rows = [row[:, ::-1].tobytes() for row in values[::-1]]
    case("bmp core header", craft_bmp(12, 5, 3, 24, padded_rows(rows)))
    case("bmp from the top", craft_bmp(40, 5, -3, 24, padded_rows(rows[::-1])))
    case("bmp ours unpadded last row", craft_bmp(40, 5, 3, 24, padded_rows(rows))[:-1], values)
    colours = noise(1, 16, 3)[0]
    for bits, header in ((1, 12), (4, 12), (8, 12), (1, 40), (4, 40), (8, 40), (4, 108), (8, 124)):
        count = min(16, 2 ** bits)
        numbers = rng.integers(0, count, (3, 5))
        core = header == 12
        palette = b"".join(bytes(c[::-1]) + (b"" if core else b"\0") for c in colours[:count])
        if core and bits == 8:
            palette = palette.ljust(256 * 3, b"\0")
        pixels = padded_rows([bits_packed(row[None], bits) for row in numbers[::-1]])
        case(f"bmp {bits} bits, header {header}", craft_bmp(header, 5, 3, bits, pixels, palette=palette, used=0 if core else count))
    sixteen = rng.integers(0, 65536, (4, 5)).astype("<u2")
    pixels = padded_rows([row.tobytes() for row in sixteen[::-1]])
    case("bmp 555", craft_bmp(40, 5, 4, 16, pixels), tolerance=1)
    case("bmp 565", craft_bmp(40, 5, 4, 16, pixels, 3, masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f)), tolerance=1)
    masks = struct.pack("<IIII", 0xf00, 0xf0, 0xf, 0xf000)
    four = np.stack([sixteen >> shift & 15 for shift in (8, 4, 0, 12)], -1).astype(int) * 17
    composed = (four[..., :3] * four[..., 3:] + 255 * (255 - four[..., 3:]) + 127) // 255
    case("bmp ours 4444", craft_bmp(108, 5, 4, 16, pixels, 3, masks=masks), composed)
    values = noise(3, 5, 4)
    pixels = b"".join(row[:, [2, 1, 0, 3]].tobytes() for row in values[::-1])
    masks = struct.pack("<IIII", 0xff0000, 0xff00, 0xff, 0xff000000)
    for header in (56, 108, 124):
        case(f"bmp alpha, header {header}", craft_bmp(header, 5, 3, 32, pixels, 3, masks=masks))
    case("bmp masks behind", craft_bmp(40, 5, 3, 32, pixels, 3, masks=masks[:12]))
    case("bmp ours alpha mask without bit fields", craft_bmp(108, 5, 3, 32, pixels, 0, masks=masks), values[..., :3])
    values[..., 3] = 0
    pixels = b"".join(row[:, [2, 1, 0, 3]].tobytes() for row in values[::-1])
    case("bmp ours alpha of 0", craft_bmp(108, 5, 3, 32, pixels, 3, masks=masks), values[..., :3])
    palette = b"".join(bytes(c[::-1]) + b"\0" for c in colours)
    eight = (b"\x05\x03\0\0" + b"\0\x05\x01\x02\x03\x04\x05\0" + b"\0\0" + b"\x02\x07\0\x03\x08\x09\x0a\0\0\0" + b"\0\1")
    case("bmp rle8", craft_bmp(40, 5, 3, 8, eight, 1, palette, used=16))
    eight = b"\x03\x04\0\2\1\1\x01\x06\0\1"  # 3 of 4; one right, one up; 6; the rest is left out
    left_out = np.zeros((3, 5), int)
    left_out[2, :3], left_out[1, 4] = 4, 6
    case("bmp ours rle8 with gaps", craft_bmp(40, 5, 3, 8, eight, 1, palette, used=16), colours[left_out])
    four = b"\x05\x37\0\0" + b"\0\x05\x12\x34\x50\0\0\0" + b"\x05\x88\0\0" + b"\0\1"
    case("bmp rle4", craft_bmp(40, 5, 3, 4, four, 2, palette, used=16))


# ---- GIF, orientation, JPEG, HEIC and AVIF -----------------------------------------------------------------------------
def gifs():
    grey, colour = Image.fromarray(smooth(18, 21, 1)), Image.fromarray(noise(18, 21, 3)).quantize(40)
    case("gif grey", saved(grey, "GIF", interlace=0))
    case("gif interlaced", saved(colour, "GIF", interlace=1))
    plain = saved(colour, "GIF", interlace=0)
    case("gif plain", plain)
    case("gif transparent", saved(colour, "GIF", transparency=3, interlace=0))
    case("gif grey and transparent", saved(grey, "GIF", transparency=3, interlace=0),
         np.where(np.asarray(grey) == 3, 255, np.asarray(grey)))
    frames = [Image.fromarray(noise(18, 21, 3)).quantize(8) for _ in range(3)]
    case("gif of three frames", saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    at = plain.index(b"\x2c" + struct.pack("<HHHH", 0, 0, 21, 18))
    moved = bytearray(plain)
    moved[at + 1:at + 5] = struct.pack("<HH", 2, 4)
    pixels = np.full((22, 23, 3), 255)
    pixels[4:, 2:] = on_white(Image.open(io.BytesIO(plain)))
    case("gif ours picture that leaves its screen", bytes(moved), pixels)
    moved[6:10] = struct.pack("<HH", 30, 25)
    pixels = np.full((25, 30, 3), 255)
    pixels[4:22, 2:23] = on_white(Image.open(io.BytesIO(plain)))
    case("gif ours picture within its screen", bytes(moved), pixels)


def chunks(png):
    at = 8
    while at < len(png):
        size = int.from_bytes(png[at:at + 4], "big")
        yield png[at + 4:at + 8], png[at:at + 12 + size]
        at += 12 + size


def orientations():
    image = Image.fromarray(noise(4, 7, 3))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        png = saved(image, "PNG", exif=exif)
        case(f"png orientation {orientation}", png)
        case(f"webp orientation {orientation}", saved(image, "WEBP", lossless=True, exif=exif))
    parts = list(chunks(png))
    last = [data for kind, data in parts if kind == b"eXIf"]
    late = png[:8] + b"".join(d for k, d in parts if k not in (b"eXIf", b"IEND")) + b"".join(last) + parts[-1][1]
    case("png orientation behind the pixels", late)


def jpegs():
    image = Image.fromarray(smooth(16, 24, 4), "CMYK")
    data = saved(image, "JPEG", quality=95)
    at = data.index(b"\xff\xee")
    bare = data[:at] + data[at + 2 + int.from_bytes(data[at + 2:at + 4], "big"):]
    case("jpeg cmyk", data, tolerance=2)
    case("jpeg cmyk without a marker", bare, tolerance=2)  # Pillow, and browsers: inverted as well


def heifs():
    values = np.zeros((48, 64, 3), np.uint8)
    values[:, :32], values[:, 32:], values[:24] = (200, 60, 40), (30, 90, 210), values[:24] // 2
    values[:24, :32], values[:24, 32:] = (100, 30, 20), (90, 200, 60)
    image = Image.fromarray(values)
    exif = Image.Exif()
    exif[0x112] = 6
    case("avif", saved(image, "AVIF", quality=95, subsampling="4:4:4"), values, 6)
    case("avif orientation 6", saved(image, "AVIF", quality=95, subsampling="4:4:4", exif=exif), np.rot90(values, -1), 6)
    alpha = np.dstack([values, np.full((48, 64), 128, np.uint8)])
    case("avif alpha", saved(Image.fromarray(alpha), "AVIF", quality=95, subsampling="4:4:4"),
         on_white(Image.fromarray(alpha)), 6)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "a.png")
        image.save(path)
        subprocess.run(["heif-enc", "-q", "95", "-p", "chroma=444", "-o", f"{folder}/a.heic", path], check=True,
                       capture_output=True)
        case("heic", pathlib.Path(folder, "a.heic").read_bytes(), values, 6)


for make in (tiffs, bmps, gifs, orientations, jpegs, heifs):
    make()
assert len({c["name"] for c in CASES}) == len(CASES)
OUT.write_text("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
print(f"{len(CASES)} cases, {OUT.stat().st_size} bytes")
