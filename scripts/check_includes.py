#!/usr/bin/env python3
"""Checks what the linker cannot: that no module includes a higher one, that the modules without libtorch stay so, and
that every source file belongs to a build target.

    scripts/check_includes.py [ROOT]

Prints each violation as FILE:LINE: what, and exits 1 when there is any.
"""
import pathlib
import re
import sys

# Lower never includes higher; a name may include itself and everything before it. `report` needs only core, and
# nothing between it and `train` needs report.
ORDER = ["core", "report", "data", "augment", "plan", "kernels", "nets", "methods", "train", "eval", "app"]
ONLY = {"report": {"core"}}                                  # stricter than the order
TORCH_FREE = {"core", "report", "data", "augment", "plan"}   # and the front of cli/
# cli calls the use cases; the torch-free verbs read runs and data.
CLI_MAY = {"app", "report", "data", "core", "cli"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
TORCH = re.compile(r"^(torch|ATen|c10|caffe2)/")
TORCH_HEADERS = {"fewlabel/method.h", "fewlabel/net.h"}      # public headers that need libtorch
ENGINE = {"cli/engine.cpp"}


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[2]


def check_order(root):
    for path in sorted([*root.glob("src/**/*.h"), *root.glob("src/**/*.cpp"), *root.glob("cli/*.h"),
                        *root.glob("cli/*.cpp")]):
        name = path.relative_to(root).as_posix()
        module = name.split("/")[1] if name.startswith("src/") else "cli"
        if module != "cli" and module not in ORDER:
            yield name, 1, f"module '{module}' is not in the order that scripts/check_includes.py knows"
            continue
        torch_free = module in TORCH_FREE or (module == "cli" and name not in ENGINE)
        for number, target in includes(path):
            other = target.split("/")[0]
            if torch_free and (TORCH.match(target) or target in TORCH_HEADERS):
                yield name, number, f"'{module}' is free of libtorch but includes {target}"
            if "/" not in target or other not in ORDER or other == module:
                continue
            if module == "cli":
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
