#!/usr/bin/env python3
"""The program in the README compiles in a project of somebody else, from the targets that it links and nothing more.

consumer.py SOURCE CMAKE [OPTION …]   (it is configured and its syntax checked; linking it would build the whole library)
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

source, cmake, *options = sys.argv[1:]
readme = pathlib.Path(source, "README.md").read_text(encoding="utf-8")
program, lines = (re.search(rf"```{language}\n(.*?)```", readme, re.S)[1] for language in ("cpp", "cmake"))
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    (folder / "main.cpp").write_text(program)
    (folder / "fewlabel").symlink_to(source)
    (folder / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(mine LANGUAGES CXX)\n"
                                           "add_executable(my_program main.cpp)\n" + lines)
    subprocess.run([cmake, "-S", folder, "-B", folder / "build", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *options], check=True)
    commands = json.loads((folder / "build/compile_commands.json").read_text())
    [mine] = [each for each in commands if each["file"].endswith("/main.cpp")]
    result = subprocess.run([*shlex.split(mine["command"]), "-fsyntax-only"], cwd=mine["directory"])
    sys.exit(result.returncode)
