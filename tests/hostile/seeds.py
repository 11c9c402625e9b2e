"""Whole files of every format that fewlabel reads, as bytes: what cases.py damages. Python's standard library alone."""
import base64
import io
import random
import struct
import tarfile
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=8, height=8, value=7, depth=8, colour=0, more=b"", pixels=None):
    """Grey by default; `more` are chunks before the pixels, `pixels` compressed ones in the place of those."""
    row = b"\0" + bytes([value]) * (width * {0: 1, 2: 3, 4: 2, 6: 4}.get(colour, 1) * depth // 8)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    packed = zlib.compress(row * height) if pixels is None else pixels
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def zeros_deflated(count):
    """zlib's stream of that many zeros, without the memory for them."""
    packer, parts, block = zlib.compressobj(9), [], bytes(1 << 20)
    for _ in range(count >> 20):
        parts.append(packer.compress(block))
    return b"".join([*parts, packer.compress(bytes(count & 0xfffff)), packer.flush()])


def gzip(data, promised=None):
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed = packer.compress(data) + packer.flush()
    return packed if promised is None else packed[:-4] + struct.pack("<I", promised)


def gzip_zeros(blocks):
    """As many times 64 MiB of zeros, a member of gzip for each."""
    return gzip(bytes(64 << 20)) * blocks


def zstd(parts, content_size=None):
    """A frame of raw blocks, for bytes, and of blocks that repeat a zero, for numbers."""
    head = b"\x28\xb5\x2f\xfd" + (b"\x00\x58" if content_size is None else b"\xe0" + struct.pack("<Q", content_size))
    blocks = []
    for part in parts:
        size, most = part if isinstance(part, int) else len(part), 1 << 17
        for at in range(0, size, most):
            length = min(most, size - at)
            blocks.append((1, length, b"\0") if isinstance(part, int) else (0, length, part[at:at + length]))
    body = [struct.pack("<I", size << 3 | kind << 1 | (i == len(blocks) - 1))[:3] + data
            for i, (kind, size, data) in enumerate(blocks)]
    return head + b"".join(body)


def bmp(width=8, height=8, bits=24, compression=0, offset=54, header=40, body=None, colours=0):
    body = bytes(range(192)) if body is None else body
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(body), 2835, 2835, colours, 0)
    return struct.pack("<2sIHHI", b"BM", 54 + len(body), 0, 0, offset) + info + body


def gif(width=8, height=8, frames=1, screen=None, data=None):
    """Grey; LZW that clears its table before it grows, or `data` in its place."""
    codes, bits, count = [], 0, 0
    for value in range(width * height if data is None else 0):
        codes += [256] if value % 100 == 0 else []
        codes.append(value & 255)
    packed = bytearray()
    for code in [*codes, 257]:
        bits, count = bits | code << count, count + 9
        while count >= 8:
            packed.append(bits & 255)
            bits, count = bits >> 8, count - 8
    packed.append(bits & 255)
    packed = bytes(packed) if data is None else data
    blocks = b"".join(bytes([len(packed[i:i + 255])]) + packed[i:i + 255] for i in range(0, len(packed), 255))
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x08" + blocks + b"\0"
    palette = b"".join(bytes([i, i, i]) for i in range(256))
    return b"GIF89a" + struct.pack("<HHBBB", *(screen or (width, height)), 0xf7, 0, 0) + palette + frame * frames + b";"


def tiff(width=8, height=8, body=None, changed=None, order="<", following=0):
    """Grey in one strip; `changed` gives tags other values, and None takes one out."""
    body = bytes(range(64)) if body is None else body
    tags = {256: (4, width), 257: (4, height), 258: (3, 8), 259: (3, 1), 262: (3, 1), 273: (4, 8), 277: (3, 1),
            278: (4, height), 279: (4, len(body)), **{tag: (4, v) for tag, v in (changed or {}).items()}}
    tags = {tag: entry for tag, entry in sorted(tags.items()) if entry[1] is not None}
    value = {3: order + "H2x", 4: order + "I"}
    entries = [struct.pack(order + "HHI", tag, kind, 1) + struct.pack(value[kind], v)
               for tag, (kind, v) in tags.items()]
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", following)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8 + len(body)) + body + directory


JPEG = base64.b64decode("""
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBk
eFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wAARCAAIAAgD
ASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKB
kaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZ
mqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQF
BgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5
OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX
2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwCrYaJ0+WiiisauIqc25eBxVX2K1P/Z""")
JPEG_PROGRESSIVE = base64.b64decode("""
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBk
eFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wgARCAAIAAgD
ASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/xAAVAQEBAAAAAAAAAAAAAAAAAAABAv/aAAwDAQACEAMQAAABkIf/xAAWEAADAAAAAAAA
AAAAAAAAAAAAAgP/2gAIAQEAAQUCSJ//xAAXEQADAQAAAAAAAAAAAAAAAAAAAgMS/9oACAEDAQE/AYVbB//EABcRAQADAAAAAAAAAAAAAAAAAAIA
AxH/2gAIAQIBAT8BVi2f/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAGPwJ//8QAFRABAQAAAAAAAAAAAAAAAAAAAGH/2gAIAQEAAT8hm//a
AAwDAQACAAMAAAAQB//EABYRAAMAAAAAAAAAAAAAAAAAAAARIf/aAAgBAwEBPxBFT//EABURAQEAAAAAAAAAAAAAAAAAAABB/9oACAECAQE/ELD/
xAAVEAEBAAAAAAAAAAAAAAAAAAAAMf/aAAgBAQABPxCZ/9k=""")
WEBP = base64.b64decode("""
UklGRkIAAABXRUJQVlA4IDYAAADQAQCdASoIAAgAAsBMJbACdAD0MZJEgAD+81QjP5hwK0HHWCSzNgK1g45P9qV34h99P1jqwAA=""")
WEBP_LOSSLESS = base64.b64decode("""
UklGRi4AAABXRUJQVlA4TCIAAAAvB8ABALkyRPQ/dhHR/wBhtlFJzh90ryMYjwGMCaB6oP8A""")
WEBP_ANIMATED = base64.b64decode("""
UklGRuQAAABXRUJQVlA4WAoAAAACAAAABwAABwAAQU5JTQYAAAAAAAAAAABBTk1GMAAAAAAAAAAAAAcAAAcAAAoAAAJWUDggGAAAADABAJ0BKggA
CAABQCYlpAADcAD+/TZoAEFOTUaAAAAAAAAAAAAABwAABwAACgAAAFZQOCBoAAAAVAEAnQEqCAAIAAAAJiWwAAWMAAD+6yr/+kH/+pP/+46v/yr/
+UNv/9xVf/53eP7PmFf9mb/bf1PE+569P+uX/bfmWbz13c7/q4r287kV54YPI13//1H7B7uof+nF9zP/E//RS6sgAAA=""")
AVIF = base64.b64decode("""
AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAOcGl0
bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAKQAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBy
cAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAACAAAAAgAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1h
AAAAAAAAAAEAAQQBAoMEAAAAMW1kYXQSAAoIGAi/aICGg0IyGxxHh4Xd0000wsUAAJA2DMBZgShyipPrlK//nA==""")
HEIC = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAA
AERAAAEAAQAAAAABoAABAAAAAAAAADMAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/GlwcnAAAADc
aXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAA
AwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFw
AAAACAAAAAEAAAAIAAAAAf///8gAAAAC////yAAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYECAwWEAAAAO21kYXQAAAAv
KAGvGSFkokD3lgKflyPCYdecrF+lCs/t/e5Q8iYjX6n7gsKmkoCzAUFocK3ZVxE=""")
TIFF_LZW = base64.b64decode("""
SUkqAJwAAACAAAAIAPQMeQMtQM8QNLQNaQNpQMAB6CRQeRQtRQ8RRLRRaRRpRQADyCSQeSQtSQ8SRLSRaSRpSQAFqCTQeTQtTQ8TRLTRaTRpTQAH
iCUQeUQtUQ8URLURaURpUQAJaCVQeVQtVQ8VRLVRaVRpVQALSCWQeWQtWQ8WRLWRaWRpWQANKCXQeXQtXQ8XRLXRaXRpXSAgCgAAAQMAAQAAAAgA
AAABAQMAAQAAAAgAAAACAQMAAwAAABoBAAADAQMAAQAAAAUAAAAGAQMAAQAAAAIAAAARAQQAAQAAAAgAAAAVAQMAAQAAAAMAAAAWAQMAAQAAAAgA
AAAXAQQAAQAAAJQAAAAcAQMAAQAAAAEAAAAAAAAACAAIAAgA""")


def with_jpeg_size(data, width, height):
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[:at + 5] + struct.pack(">HH", height, width) + data[at + 9:]


def idx(count=4, side=2, kind=8, sizes=None, body=None):
    sizes = (count, side, side) if sizes is None else sizes
    body = bytes(i * 5 % 256 for i in range(count * side * side)) if body is None else body
    return bytes([0, 0, kind, len(sizes)]) + b"".join(struct.pack(">I", n) for n in sizes) + body


def idx_labels(labels=b"\0\1\0\1", kind=8, count=None):
    return bytes([0, 0, kind, 1]) + struct.pack(">I", len(labels) if count is None else count) + labels


def cifar(records=4, label_bytes=1, label=None):
    return b"".join(bytes([i % 10 if label is None else label] * label_bytes) + bytes([i]) * 3072
                    for i in range(records))


def npy(descr="|u1", shape="(4, 2, 2)", body=bytes(range(16)), version=1, fortran="False", header=None, claimed=None):
    text = header if header is not None else f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text = text if isinstance(text, bytes) else text.encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text) if claimed is None else claimed)
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + body


def member(name, data=b"", size=None, kind=tarfile.REGTYPE, link="", checksum=True):
    """One of a tar; a `size` other than that of the data is a lie."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname, entry.mode = len(data) if size is None else size, kind, link, 0o644
    header = bytearray(entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
    if not checksum:
        header[148] ^= 1
    return bytes(header) + data + bytes(-len(data) % 512)


TAR_END = bytes(1024)


def tar(*members):
    return b"".join(members) + TAR_END


def good_members():
    return [part for i, label in enumerate(["cat", "dog", "cat", "dog"])
            for part in (member(f"{i}.png", png(value=i * 20)), member(f"{i}.cls", label.encode()))]


def pax_member(records, name="0.png", data=b""):
    return member("PaxHeaders/0", records, kind=tarfile.XHDTYPE) + member(name, data)


def flipped(data, seed, count=1):
    draw, result = random.Random(seed), bytearray(data)
    for _ in range(count):
        result[draw.randrange(len(result))] ^= 1 << draw.randrange(8)
    return bytes(result)


def with_python_tar(names):
    """As Python's own tarfile writes it, in the format of POSIX."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
