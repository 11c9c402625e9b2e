"""Cases of recordings that hostile.py runs. FLAC, OGG and MP3 hold a tenth of a second of 440 Hz, written by libsndfile."""
import base64
import math
import random
import struct

import seeds
from cases import Case

FLAC = base64.b64decode("""
ZkxhQwAAACIQABAAAAHZAAHZAfQA8AAAAyB2PfDuJgRuhJyQEU/D53zHhAAAKCAAAAByZWZlcmVuY2UgbGliRkxBQyAxLjQuMyAyMDIzMDYyMwAAAAD/
+HQIAAMf90gAABWuKMw3Fj7etK9lePVqAPNABJsXnKp+lIYwgxCMsc6iu+iDEGEIbIqqcrvIxjDCEE2qqK7l3YghjBEIi0pSuW2CGIGMYlR3U6nsgjDC
EGaoruU6ryYwxAhjTU6nKrykIQYQxtu7nKpZEIQIYwkbqV3Fq0iCCCGERMV1Hd1SmMQYgybF5yqfpSGMIMQjLHOorvogxBhCGyKqnK7yMYwwhBNqqiu5
d2IIYwRCItKUrltghiBjGJUd1Op7IIwwhBmqK7lOq8mMMQIY01Opyq8pCEGEMbbu5yqWRCECGMJG6ldxatIggghhETFdR3dUpjEGIMmxecqn6UhjCDEI
yxzqK76IMQYQhsiqpyu8jGMMIQTaqoruXdiCGMEQiLSlK5bYIYgYxiVHdTqeyCMMIQZqiu5TqvJjDECGNNTqcqvKQhBhDG27ucqlkQhAhjCRupXcWrSI
IIIYRExXUd3VKYxBiDJsXnKp+lIYwgxCMsc6iu+iDEGEIbIqqcrvIxjDCEE2qqK7l3YghjBEIi0pSuW2CGIGMYlR3U6nsgjDCEGaoruU6ryYwxAhjTU6
nKrykIQYQxtu7nKpZEIQIYwkbqV3Fq0iCCCGERMV1Hd1SmDSQw==""")
OGG = base64.b64decode("""
T2dnUwACAAAAAAAAAAA8GaR1AAAAAEQVQTEBHgF2b3JiaXMAAAAAAUAfAAAAAAAAcGIAAAAAAACZAU9nZ1MAAAAAAAAAAAAAPBmkdQEAAAAxBOasC1r/
//////////+1A3ZvcmJpczQAAABYaXBoLk9yZyBsaWJWb3JiaXMgSSAyMDIwMDcwNCAoUmVkdWNpbmcgRW52aXJvbm1lbnQpAQAAABIAAABFTkNPREVS
PWxpYnNuZGZpbGUBBXZvcmJpcxJCQ1YBAAABAAxSFCElGVNKYwiVUlIpBR1jUFtHHWPUOUYhZBBTiEkZpXtPKpVYSsgRUlgpRR1TTFNJlVKWKUUdYxRT
SCFT1jFloXMUS4ZJCSVsTa50FkvomWOWMUYdY85aSp1j1jFFHWNSUkmhcxg6ZiVkFDpGxehifDA6laJCKL7H3lLpLYWKW4q91xpT6y2EGEtpwQhhc+21
1dxKasUYY4wxxsXiUyiC0JBVAAABAABABAFCQ1YBAAoAAMJQDEVRgNCQVQBABgCAABRFcRTHcRxHkiTLAkJDVgEAQAAAAgAAKI7hKJIjSZJkWZZlWZam
eZaouaov+64u667t6roOhIasBADIAAAYhiGH3knMkFOQSSYpVcw5CKH1DjnlFGTSUsaYYoxRzpBTDDEFMYbQKYUQ1E45pQwiCENInWTOIEs96OBi5zgQ
GrIiAIgCAACMQYwhxpBzDEoGIXKOScggRM45KZ2UTEoorbSWSQktldYi55yUTkompbQWUsuklNZCKwUAAAQ4AAAEWAiFhqwIAKIAABCDkFJIKcSUYk4x
h5RSjinHkFLMOcWYcowx6CBUzDHIHIRIKcUYc0455iBkDCrmHIQMMgEAAAEOAAABFkKhISsCgDgBAIMkaZqlaaJoaZooeqaoqqIoqqrleabpmaaqeqKp
qqaquq6pqq5seZ5peqaoqp4pqqqpqq5rqqrriqpqy6ar2rbpqrbsyrJuu7Ks256qyrapurJuqq5tu7Js664s27rkearqmabreqbpuqrr2rLqurLtmabr
iqor26bryrLryratyrKua6bpuqKr2q6purLtyq5tu7Ks+6br6rbqyrquyrLu27au+7KtC7vourauyq6uq7Ks67It67Zs20LJ81TVM03X9UzTdVXXtW3V
dW1bM03XNV1XlkXVdWXVlXVddWVb90zTdU1XlWXTVWVZlWXddmVXl0XXtW1Vln1ddWVfl23d92VZ133TdXVblWXbV2VZ92Vd94VZt33dU1VbN11X103X
1X1b131htm3fF11X11XZ1oVVlnXf1n1lmHWdMLqurqu27OuqLOu+ruvGMOu6MKy6bfyurQvDq+vGseu+rty+j2rbvvDqtjG8um4cu7Abv+37xrGpqm2b
rqvrpivrumzrvm/runGMrqvrqiz7uurKvm/ruvDrvi8Mo+vquirLurDasq/Lui4Mu64bw2rbwu7aunDMsi4Mt+8rx68LQ9W2heHVdaOr28ZvC8PSN3a+
AACAAQcAgAATykChISsCgDgBAAYhCBVjECrGIIQQUgohpFQxBiFjDkrGHJQQSkkhlNIqxiBkjknIHJMQSmiplNBKKKWlUEpLoZTWUmotptRaDKG0FEpp
rZTSWmopttRSbBVjEDLnpGSOSSiltFZKaSlzTErGoKQOQiqlpNJKSa1lzknJoKPSOUippNJSSam1UEproZTWSkqxpdJKba3FGkppLaTSWkmptdRSba21
WiPGIGSMQcmck1JKSamU0lrmnJQOOiqZg5JKKamVklKsmJPSQSglg4xKSaW1kkoroZTWSkqxhVJaa63VmFJLNZSSWkmpxVBKa621GlMrNYVQUgultBZK
aa21VmtqLbZQQmuhpBZLKjG1FmNtrcUYSmmtpBJbKanFFluNrbVYU0s1lpJibK3V2EotOdZaa0ot1tJSjK21mFtMucVYaw0ltBZKaa2U0lpKrcXWWq2h
lNZKKrGVklpsrdXYWow1lNJiKSm1kEpsrbVYW2w1ppZibLHVWFKLMcZYc0u11ZRai621WEsrNcYYa2415VIAAMCAAwBAgAlloNCQlQBAFAAAYAxjjEFo
FHLMOSmNUs45JyVzDkIIKWXOQQghpc45CKW01DkHoZSUQikppRRbKCWl1losAACgwAEAIMAGTYnFAQoNWQkARAEAIMYoxRiExiClGIPQGKMUYxAqpRhz
DkKlFGPOQcgYc85BKRljzkEnJYQQQimlhBBCKKWUAgAAChwAAAJs0JRYHKDQkBUBQBQAAGAMYgwxhiB0UjopEYRMSielkRJaCylllkqKJcbMWomtxNhI
Ca2F1jJrJcbSYkatxFhiKgAA7MABAOzAQig0ZCUAkAcAQBijFGPOOWcQYsw5CCE0CDHmHIQQKsaccw5CCBVjzjkHIYTOOecghBBC55xzEEIIoYMQQgil
lNJBCCGEUkrpIIQQQimldBBCCKGUUgoAACpwAAAIsFFkc4KRoEJDVgIAeQAAgDFKOSclpUYpxiCkFFujFGMQUmqtYgxCSq3FWDEGIaXWYuwgpNRajLV2
EFJqLcZaQ0qtxVhrziGl1mKsNdfUWoy15tx7ai3GWnPOuQAA3AUHALADG0U2JxgJKjRkJQCQBwBAIKQUY4w5h5RijDHnnENKMcaYc84pxhhzzjnnFGOM
Oeecc4wx55xzzjnGmHPOOeecc84556CDkDnnnHPQQeicc845CCF0zjnnHIQQCgAAKnAAAAiwUWRzgpGgQkNWAgDhAACAMZRSSimllFJKqKOUUkoppZRS
AiGllFJKKaWUUkoppZRSSimllFJKKaWUUkoppZRSSimllFJKKaWUUkoppZRSSimllFJKKaWUUkoppZRSSimllFJKKaWUUkoppZRSSimllFJKKaWUUkop
pZRSSimllFJKKaWUUkoppZRSSimVUkoppZRSSimllFJKKaUAIN8KBwD/BxtnWEk6KxwNLjRkJQAQDgAAGMMYhIw5JyWlhjEIpXROSkklNYxBKKVzElJK
KYPQWmqlpNJSShmElGILIZWUWgqltFZrKam1lFIoKcUaS0qppdYy5ySkklpLrbaYOQelpNZaaq3FEEJKsbXWUmuxdVJSSa211lptLaSUWmstxtZibCWl
llprqcXWWkyptRZbSy3G1mJLrcXYYosxxhoLAOBucACASLBxhpWks8LR4EJDVgIAIQEABDJKOeecgxBCCCFSijHnoIMQQgghREox5pyDEEIIIYSMMecg
hBBCCKGUkDHmHIQQQgghhFI65yCEUEoJpZRSSucchBBCCKWUUkoJIYQQQiillFJKKSGEEEoppZRSSiklhBBCKKWUUkoppYQQQiillFJKKaWUEEIopZRS
SimllBJCCKGUUkoppZRSQgillFJKKaWUUkooIYRSSimllFJKCSWUUkoppZRSSikhlFJKKaWUUkoppQAAgAMHAIAAI+gko8oibDThwgMQAAAAAgACTACB
AYKCUQgChBEIAAAAAAAIAPgAAEgKgIiIaOYMDhASFBYYGhweICIkAAAAAAAAAAAAAAAABE9nZ1MABCADAAAAAAAAPBmkdQIAAADF+ZL3BRcVFRgVmpmZ
t8orAPinyQAAAGm2yzrLOr08GxGmmplzN14BwHdVAAAAgJBCXmxvawCmmplzp8wDAAAAAFAGACBUqDTNrBGemZlZ4RUA9s6EAQDABmlc9P2pkbuO/wF6
ilUdpesNLBGgAQCooIZ1dt42zQY=""")
MP3 = base64.b64decode("""
/+NIxAAAAAAAAAAAAFhpbmcAAAAPAAAABAAABaAAUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQgICAgICAgICAgICAgICAgICAgICAgICAgPDw8PDw8PDw
8PDw8PDw8PDw8PDw8PDw8PD/////////////////////////////////AAAAPExBTUUzLjEwMAQoAAAAAAAAAAAVCCQDoCEAAcwAAAWg2mouVAAAAAAA
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/+NYxAAh8Ja4f08AAQrbbt+ABe973ve96UpSlKUpe973vv3iZT5bx6xNx6y5s9WgAAd4eH//AAzxH/4G
//jgH/wDP/w8Ad+AGP/w8Ad+AGP/x4A7AAAw8PDw8AAAAAAw8PDw8AAAAAAw8PDw8AAAAARh4eHh4AAAAABh4eHh4AAAAABh4eHjwAAAABGHh4f7AAAf
/j0OgAAAkWCRCMCwKVISgKAElSyFkqlTIrE3L7hbEwAgDQuAEYA4B0WdGOtd3bypTAfAyMAABUxgAmDB5BSWCMHgEg8307DHaB2i5gqhknaxRaY1IT4B
kgcKBkockFwwWhDlFsc0hpaJorlpqkBSIgqHwjlC5hWxDRzRSQ9izRySWIETRbRSNGSNGjKk0RYgRRIqRUyLxNF0xPGSTooskgzoM6DOgTI5pASkRYix
iRUnTIvF7/9rM7M7NYxIqXTIvF5Eumqkklo////+ykk6KsxSmSKJ/+M4xNM26yqSWZ6QSTIVxuahuahuKoGgCgCwCmGGN/rsNcNAuGByDGYLYD5gNAAm
E0IGYbgPpgciHGFQI6YB4EgVADMAEDwwFQKE517wCCQATCyBbME0Q4wqBITD6B9FQCzALBUMCsD4wDAP0RzAJADMO0WQwKAEDDRI4Mh5EM1JE9zPULRM
DcOowUQohoPIwVAcW2RMXpEGcQIbRogZejQTnMqoYMRZkhCmKCeYOCwhGJgYOl0CAIggBGCgYJAguAYCASXBdwtIY/Mxi8BmSD2YjHhhEDmN/+N4xMJt
436XGZ7gRQsmExIAQSlS/DCWUxRur6yxeiKiDjaJiJiPImIsSBDLCDMPjQEiEyUZzCIeJRCY+KZgcHCIPmNCDHZThM0uFWry6g4oJAiRCxJAkQyyiUEZ
ZeMOiQwoYzQiTMGgoxAXzOh5L1GKC2ZoMaxzFhXMuFHf73/////sQhzjXIp7XIptrk5m7k4VACYwKZlIfiIGmNCeZIF4MCpjQkmQBCAA2Y2IpjgJmAhC
Y2IP/////////m7l7N3L1t+LNuHMbcOVbcUugYegAKmIhSHDEwAFzEQlJhKYCDJiIRiwYMBBsxEHwgIGBA6YgDoCAhgQOmHgzr6OWo5aikxBTUUzLjEw
MKqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqpMQU1FMy4xMDCqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq
qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq
qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq/+MYxMQAAANIAcAAAKqqqqqqqqqqqqqq
qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq""")


def tone(count=800, rate=8000):
    return struct.pack(f"<{count}h", *(round(9000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count)))


def wav(data=None, form=1, channels=1, rate=8000, bits=16, size=None, riff=None, before=b""):
    """`size` and `riff`: what the header claims."""
    data = tone() if data is None else data
    width = channels * bits // 8
    head = struct.pack("<HHIIHH", form, channels & 0xffff, rate, rate * width & 0xffffffff, width & 0xffff, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + before + b"data"
    body += struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


GOOD = {f"{name}/g{i}.wav": wav() for i, name in enumerate(("cat", "cat", "dog", "dog"))}
WHOLE = {"wav": wav(), "flac": FLAC, "ogg": OGG, "mp3": MP3}


def sound(name, content, suffix="wav", expect="damaged", **more):
    """One recording among four whole ones."""
    file = f"cat/x.{suffix}"
    return Case(f"sound/{name}", expect, {**GOOD, file: content}, damaged=(file,), examples=5, **more)


def cuts_and_flips():
    for kind, content in WHOLE.items():
        yield sound(f"{kind}/whole", content, kind, "read")
        # An MP3 has no length: what there is of it is what it is.
        half = "damaged|read" if kind in ("mp3", "ogg") else "damaged"
        for size in (0, 1, 8, 16):
            yield sound(f"{kind}/cut-{size}", content[:size], kind)
        for part in (3, 2):
            yield sound(f"{kind}/cut-to-1-of-{part}", content[:len(content) // part], kind, half)
        for size in (1, 16):
            yield sound(f"{kind}/cut-all-but-{size}", content[:-size], kind, "damaged|read")
        yield sound(f"{kind}/flipped-magic", bytes([content[0] ^ 0x40]) + content[1:], kind, "damaged|read")
        for seed in range(12):
            yield sound(f"{kind}/flipped-{seed}", seeds.flipped(content, f"{kind}{seed}", 1 + seed * 2), kind,
                        "damaged|read")
        yield sound(f"{kind}/tail-of-noise", content + random.Random(kind).randbytes(4096), kind, "damaged|read")
        yield sound(f"{kind}/magic-and-noise", content[:12] + random.Random(kind).randbytes(4096), kind)
        for other, bytes_of_other in WHOLE.items():
            if other != kind:
                yield sound(f"{other}-called-{kind}", bytes_of_other, kind, "read|damaged")


def lying_headers():
    for claim in (1_000_000, 0x7ffffff0, 0xfffffff0, 3):
        yield sound(f"wav/data-of-{claim}", wav(size=claim), expect="damaged" if 1600 < claim < 0x7fffff00 else
                    "damaged|read")
    yield sound("wav/riff-of-0", wav(riff=0), expect="damaged|read")
    yield sound("wav/riff-of-4-GB", wav(riff=0xffffffff), expect="damaged|read")
    yield sound("wav/no-samples", wav(b""))
    yield sound("wav/one-sample", wav(b"\1\2"), expect="read")
    yield sound("wav/half-a-sample", wav(b"\1"))
    for channels in (0, 65, 65535):
        yield sound(f"wav/{channels}-channels", wav(channels=channels))
    yield sound("wav/8-channels", wav(tone(800), channels=8), expect="read")
    for rate in (0, 1, 0x7fffffff, 0xffffffff):
        yield sound(f"wav/rate-{rate}", wav(rate=rate), expect="damaged|read")
    yield sound("wav/192-kHz-24-bit", wav(bytes(19200 * 3), rate=192000, bits=24), expect="read")
    for bits in (0, 1, 7, 33, 65535):
        yield sound(f"wav/{bits}-bits", wav(bits=bits), expect="damaged|read")
    for form in (0, 2, 17, 85, 0x1234, 65534):
        yield sound(f"wav/format-{form}", wav(form=form), expect="damaged|read")
    for name, value in (("nan", math.nan), ("infinite", math.inf)):
        samples = struct.pack("<800f", *([0.1] * 400 + [value] + [0.1] * 399))
        yield sound(f"wav/{name}", wav(samples, form=3, bits=32))
    yield sound("wav/huge-reals", wav(struct.pack("<800f", *[1e38] * 800), form=3, bits=32), expect="damaged|read")
    yield sound("wav/chunk-past-the-end", wav(before=b"LIST" + struct.pack("<I", 0x7fffffff)), expect="damaged|read")
    yield sound("wav/chunks-in-thousands", wav(before=(b"LIST" + struct.pack("<I", 0)) * 20_000), expect="damaged|read")
    yield sound("wav/two-formats", wav(before=b"fmt " + struct.pack("<I", 16) + bytes(16)), expect="damaged|read")
    yield sound("flac/frames-of-2-to-the-36", FLAC[:21] + b"\x0f\xff\xff\xff\xff" + FLAC[26:], "flac")
    yield sound("flac/block-of-16-MB", FLAC[:4] + b"\x04\xff\xff\xff" + FLAC[4:], "flac", "damaged|read")
    yield sound("mp3/tag-of-256-MB", b"ID3\4\0\0\x7f\x7f\x7f\x7f" + MP3, "mp3", "damaged|read")
    yield sound("ogg/video", OGG[:28] + b"\x80theora" + OGG[35:], "ogg")
    yield sound("an-hour", lambda: wav(bytes(8000 * 2 * 3600)), expect="read", memory_mb=700)


def tables():
    whole = {"a.wav": wav(), "b.wav": wav()}

    def table(name, expect, rows, header="path,start,end,label", **more):
        return Case(f"sound/table/{name}", expect, {**whole, "t.csv": "\n".join([header, *rows]).encode() + b"\n"},
                    path="t.csv", **more)
    yield table("whole", "read", ["a.wav,0,0.05,x", "a.wav,0.05,0.1,y", "b.wav,,,x"], examples=3)
    yield table("behind-the-end", "damaged", ["a.wav,0,0.05,x", "a.wav,7,8,y", "b.wav,0,0.05,y"], examples=3,
                damaged=("a.wav#t=7,8",))
    for name, row in (("backwards", "a.wav,0.1,0.05,x"), ("below-0", "a.wav,-1,0.05,x"), ("a-word", "a.wav,now,,x"),
                      ("infinite", "a.wav,0,inf,x"), ("twice", "b.wav,0,0.05,x")):
        yield table(name, "refused", ["b.wav,0,0.05,x", row], says="t.csv")
    yield table("not-a-number", "refused|read", ["b.wav,0,0.05,x", "a.wav,0,nan,y"], says="t.csv")
    yield table("transcripts", "read", ["a.wav,one two", "b.wav,"], "path,transcript", examples=2)
    yield table("transcripts-of-1-MB", "read|refused", ["a.wav," + "a" * (1 << 20), "b.wav,"], "path,transcript")


def kaldi():
    whole = {"a.wav": wav(), "b.wav": wav()}

    def folder(name, expect, listed, said=b"u1 one\n", **more):
        files = {**whole, "wav.scp": listed, "text": said, **more.pop("files", {})}
        return Case(f"sound/kaldi/{name}", expect, files, **more)
    good = b"u1 a.wav\nu2 b.wav\n"
    yield folder("whole", "read", good, examples=2)
    yield folder("nothing-said", "read|refused", good, b"")
    yield folder("crlf-and-blanks", "read", b"\r\n  u1   a.wav \r\n\r\nu2\tb.wav\r\n", examples=2)
    yield folder("a-file-that-is-not-there", "damaged", b"u1 a.wav\nu2 z.wav\nu3 b.wav\n", examples=3, damaged=("z.wav",))
    yield folder("a-device", "damaged", b"u1 a.wav\nu2 /dev/zero\nu3 b.wav\n", examples=3, damaged=("/dev/zero",))
    yield folder("a-long-name", "damaged", b"u1 " + b"a" * 5000 + b".wav\nu2 a.wav\nu3 b.wav\n", examples=3,
                 damaged=("a" * 5000 + ".wav",))
    yield folder("a-folder", "damaged", b"u1 a.wav\nu2 .\nu3 b.wav\n", examples=3, damaged=(".",))
    for name, listed in (("command", b"u1 touch harm; cat a.wav |\n"), ("output", b"u1 | cat\n"),
                         ("archive", b"u1 a.ark:9\n"), ("no-file", b"u1\n"), ("twice", good + b"u1 b.wav\n"),
                         ("empty", b""), ("noise", random.Random(5).randbytes(4096)), ("nul", b"u1 a.wav\0\n"),
                         ("not-utf-8", b"u\xff1 a.wav\n"), ("one-long-line", b"u1" * (1 << 20))):
        yield folder(name, "refused|damaged", listed)
    yield folder("text-of-noise", "refused|read", good, random.Random(6).randbytes(4096))
    yield folder("text-twice", "refused", good, b"u1 one\nu1 two\n", says="text")
    yield folder("control-characters", "read|refused", good, b"u1 \x1b[2Jone\n")
    for name, parts in (("unknown-recording", b"s1 z 0 1\n"), ("backwards", b"s1 u1 0.09 0.01\n"), ("word", b"s1 u1 now 1\n"),
                        ("nan", b"s1 u1 nan 1\n"), ("infinite", b"s1 u1 0 inf\n"), ("below-0", b"s1 u1 -3 1\n"),
                        ("three-fields", b"s1 u1 0\n"), ("empty", b"")):
        yield folder(f"segments-{name}", "refused", good, files={"segments": parts},
                     says="wav.scp" if name == "empty" else "segments")
    yield folder("segments-behind-the-end", "damaged", good, b"s1 one\n", examples=2,
                 files={"segments": b"s1 u1 0 0.05\ns2 u2 7 8\n"}, damaged=("b.wav#t=7,8",))


def all_cases():
    yield from cuts_and_flips()
    yield from lying_headers()
    yield from tables()
    yield from kaldi()
