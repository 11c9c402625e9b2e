#!/usr/bin/env python3
"""Checks what the linker cannot: that no module includes a higher one, that the modules without libtorch stay so, and
that every source file belongs to a build target.

    scripts/check_includes.py [ROOT]

Prints each violation as FILE:LINE: what, and exits 1 when there is any.
"""
import pathlib
import re
import sys

# Lower never includes higher; a name may include itself and everything before it. `report` needs only core.
ORDER = ["core", "report", "data", "modalities", "plan", "encoders", "hub", "kernels", "onnx", "nets", "methods", "train", "cuda", "eval", "app"]
ONLY = {"report": {"core"}}                                  # stricter than the order
TORCH_FREE = {"core", "report", "encoders", "hub", "data", "modalities", "plan"}   # and the front of cli/
# cli calls the use cases; the torch-free verbs read runs and data.
CLI_MAY = {"app", "report", "encoders", "hub", "data", "modalities", "core", "cli"}
# include/fewlabel: whose interface each header is. image.h, modality.h, sound.h and transform.h are those
# through which data and its loader call modalities.
PUBLIC = {"config.h": "core", "error.h": "core", "random.h": "core", "train_config.h": "core", "version.h": "core",
          "run.h": "report", "dataset.h": "data", "layout.h": "data", "image.h": "data", "modality.h": "data",
          "sound.h": "data",
          "transform.h": "data", "net.h": "nets", "method.h": "methods",
          "trainer.h": "train", "predictor.h": "eval"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
TORCH = re.compile(r"^(torch|ATen|c10|caffe2)/")
ENGINE = {"cli/engine.cpp"}


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[2]


def module_of(name):
    """The module of a file, by its path from the root or as it is included; None where it is not ours."""
    parts = name.removeprefix("src/").removeprefix("include/").split("/")
    if len(parts) > 1 and parts[0] == "fewlabel":
        return PUBLIC.get(parts[1], "")
    return parts[0] if len(parts) > 1 and parts[0] in [*ORDER, "cli"] else None


def check_order(root):
    for path in sorted([*root.glob("src/**/*.h"), *root.glob("src/**/*.cpp"), *root.glob("cli/*.h"),
                        *root.glob("cli/*.cpp"), *root.glob("include/**/*.h")]):
        name = path.relative_to(root).as_posix()
        module = module_of(name)
        if not module:
            yield name, 1, "belongs to no module that scripts/check_includes.py knows"
            continue
        torch_free = module in TORCH_FREE or (module == "cli" and name not in ENGINE)
        for number, target in includes(path):
            if torch_free and TORCH.match(target):
                yield name, number, f"'{module}' is free of libtorch but includes {target}"
            other = module_of(target)
            if other is None or other == module:
                continue
            if other not in ORDER:
                allowed = False
            elif module == "cli":
                allowed = other in CLI_MAY
            else:
                allowed = ORDER.index(other) < ORDER.index(module)
                allowed = allowed and other in ONLY.get(module, set(ORDER))
            if not allowed:
                yield name, number, f"'{module}' must not include '{target}'"


def check_targets(root):
    """Each .cpp file of ours is named in some CMakeLists.txt, relative to that file's folder."""
    named = set()
    for folder in ("src", "cli", "tests", "bench"):
        for listing in (root / folder).glob("**/CMakeLists.txt"):
            text = re.sub(r"#.*", "", listing.read_text(encoding="utf-8"))
            for source in re.findall(r"[\w./-]+\.cpp\b", text):
                named.add((listing.parent / source).resolve())
    for folder in ("src", "cli", "tests", "bench"):
        for path in sorted((root / folder).glob("**/*.cpp")):
            if path.resolve() not in named:
                yield path.relative_to(root).as_posix(), 1, "is in no CMakeLists.txt"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    problems = [*check_order(root), *check_targets(root)]
    for name, number, text in problems:
        print(f"{name}:{number}: {text}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
