"""The command line from outside: exit codes, where text goes, what help says."""
import csv
import fcntl
import json
import os
import pathlib
import pty
import random
import re
import shutil
import signal
import struct
import subprocess
import tarfile
import tempfile
import termios
import threading
import time
import tomllib
import unittest
import zlib

FEWLABEL = os.environ["FEWLABEL"]
ENGINE = os.environ["ENGINE"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUPS = {"runs": ["ls", "show", "compare", "prune"], "data": ["inspect", "split"]}
VERBS = ["train", "sweep", "evaluate", "predict", "generate", "embed", "report", "runs", "methods", "recipes", "data",
         "bench", "doctor", "completion", "help", "version"]


def call(*words, program=FEWLABEL, cwd=None, **more):
    environment = {**os.environ, "TERM": "xterm-256color"}
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True, cwd=cwd, env=environment,
                          stdin=subprocess.DEVNULL, check=False, **more)


def on_terminal(*words, cwd=None, columns=80):
    """What somebody sees on a terminal of that width: both streams, line by line."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    child = subprocess.Popen([FEWLABEL, *map(str, words)], stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL,
                             cwd=cwd, env={**os.environ, "TERM": "dumb"})

    # What the child wrote last can be lost when the other end closes; a mark written after it comes after it.
    def mark_the_end():
        child.wait()
        os.write(theirs, b"\0")

    waiting = threading.Thread(target=mark_the_end)
    waiting.start()
    seen = b""
    while not seen.endswith(b"\0"):
        seen += os.read(ours, 65536)
    waiting.join()
    os.close(theirs)
    os.close(ours)
    return seen[:-1].decode().replace("\r\n", "\n").split("\n")


def all_verbs():
    for verb in VERBS:
        yield [verb]
        for inner in GROUPS.get(verb, []):
            yield [verb, inner]


class Help(unittest.TestCase):
    def test_front_is_free_of_libtorch(self):
        libraries = subprocess.run(["ldd", FEWLABEL], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("torch", libraries)
        self.assertNotIn("libc10", libraries)
        engine = subprocess.run(["ldd", ENGINE], capture_output=True, text=True, check=True).stdout
        self.assertIn("torch", engine)  # else the check above could not fail

    def test_no_words_is_help(self):
        self.assertEqual(call().stdout, call("--help").stdout)
        self.assertEqual(call().returncode, 0)

    def test_each_verb_has_help_with_examples_first_in_80_columns(self):
        for words in [[], *all_verbs()]:
            with self.subTest(words=words):
                result = call(*words, "--help")
                self.assertEqual(result.returncode, 0)
                self.assertEqual(result.stderr, "")
                self.assertLess(result.stdout.index("Examples:"), result.stdout.index("Usage:"))
                for line in result.stdout.splitlines():
                    self.assertLessEqual(len(line), 80, line)
                    self.assertNotIn("{", line)  # what CLI11 writes behind an option that turns something off
                self.assertEqual(result.stdout, call("help", *words).stdout)

    def test_config_help_names_every_kind_of_key_in_80_columns(self):
        text = call("help", "config").stdout
        for key in ("seed", "data.path", "net.name", "augment.strong", "optimizer.lr", "train.minutes", "method.name"):
            self.assertRegex(text, rf"(?m)^  {re.escape(key)} = ")
        self.assertIn("method.", text)
        self.assertEqual(text, call("train", "--help-config").stdout)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_version_comes_from_one_place(self):
        version = re.search(r"project\(fewlabel VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertEqual(call("--version").stdout, f"fewlabel {version}\n")
        self.assertEqual(call("version").stdout, f"fewlabel {version}\n")

    def test_documentation_is_what_the_program_says(self):
        result = subprocess.run([ROOT / "scripts/update_docs.sh", FEWLABEL, "--check"], capture_output=True, text=True,
                                check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_output_carries_no_escape_codes(self):
        for words in (["--help"], ["methods"], ["recipes"], ["trian"]):
            result = call(*words)
            self.assertNotIn("\x1b", result.stdout + result.stderr)


class Usage(unittest.TestCase):
    def refused(self, *words, saying, program=FEWLABEL, code=2, cwd=None):
        result = call(*words, program=program, cwd=cwd)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertTrue(result.stderr.startswith("fewlabel: ["), result.stderr)
        self.assertIn(saying, result.stderr)
        self.assertLessEqual(len(result.stderr.splitlines()), 3, result.stderr)

    def test_unknown_words_name_the_nearest(self):
        self.refused("trian", saying="did you mean train?")
        self.refused("runs", "shwo", saying="did you mean show?")
        self.refused("--vers", saying="--version")
        self.refused("train", "--minuts", "4", saying="did you mean --minutes?")
        self.refused("evaluate", "--jsn", saying="did you mean --json?")
        self.refused("help", "trian", saying="did you mean train?")
        self.refused("methods", "frematch", saying="freematch")
        self.refused("recipes", "fashion_mnist/frematch", saying="fashion_mnist/freematch")
        self.refused("train", "freematch", saying="fashion_mnist/freematch")

    def test_missing_and_extra_words(self):
        self.refused("runs", saying="ls, show, compare, prune")
        self.refused("predict", "runs/x", saying="INPUT is required")
        self.refused("runs", "compare", "a", saying="there is no such run")
        self.refused("report", "a", "b", saying="At Most 1")
        self.refused("train", "fashion_mnist/demo", "fashion_mnist/demo", saying="second recipe")

    def test_values_out_of_range(self):
        self.refused("train", "--minutes", "0", saying="wanted a number from 0.01")
        self.refused("predict", "a", "b", "--top", "none", saying="wanted a number from 1")
        self.refused("predict", "a", "b", "--format", "xml", saying="csv")
        self.refused("completion", "tcsh", saying="bash")
        self.refused("generate", "a", "-o", "b", "--count", "0", saying="wanted a number from 1")
        self.refused("embed", "a", "b", "-o", "c.npy", "--part", "half", saying="train")
        self.refused("generate", "a", saying="-o")
        self.refused("evaluate", "a", "--probe", "knn", "--judge", "b", saying="exclude each other")

    def test_keys_with_dashes_are_explained(self):
        self.refused("train", "--seed=3", saying="without dashes: seed=3")
        self.refused("train", "--data", "photos", saying="without dashes: data=photos")
        self.refused("train", "--steps", "10", saying="without dashes: train.steps=10")
        self.refused("train", "--optimizer.lr=0.1", saying="without dashes: optimizer.lr=0.1")

    def test_flags_of_other_programs_are_translated(self):
        for words, meant in {("--epochs", "10"): "train.steps=N", ("--batch-size", "64"): "train.batch=64",
                             ("--lr", "0.1"): "optimizer.lr=0.1", ("--lr=0.1",): "optimizer.lr=0.1",
                             ("--gpu", "0"): "train.device=cuda", ("--gpu",): "train.device=cuda",
                             ("--gpu", "1"): "train.device=cuda:1", ("--output", "runs/x"): "out=runs/x",
                             ("-o", "runs/x"): "out=runs/x", ("--weight_decay=0.1",): "optimizer.weight_decay=0.1",
                             ("--arch", "resnet18"): "net=resnet18", ("--num-workers", "2"): "train.workers=2",
                             ("--device", "cuda:0"): "train.device=cuda:0"}.items():
            for verb in ("train", "sweep"):
                with self.subTest(words=words, verb=verb):
                    self.refused(verb, "data=photos", *words, saying=meant)

    def test_keys_of_other_programs_are_translated(self):
        with tempfile.TemporaryDirectory() as folder:
            for given, meant in {"gpu=0": "train.device=cuda?", "epochs=10": "train.steps", "batch_size=8":
                                 "train.batch=8?", "learning_rate=0.1": "optimizer.lr=0.1?", "output_dir=x": "out=x?",
                                 "model=resnet18": "net=resnet18?"}.items():
                self.refused("train", "data=x", given, saying=meant, cwd=folder)

    def test_data_beside_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "photos").mkdir()
            for words in (["train", "data=photo"], ["data", "inspect", "photo"]):
                self.refused(*words, saying="did you mean photos?", code=3, cwd=folder)
            self.refused("train", f"data={folder}/phots", saying=f"did you mean {folder}/photos?", code=3)
            self.refused("data", "inspect", "fashion_minst", saying="fashion_mnist", code=3, cwd=folder)

    def test_devices_that_are_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            for device in ("cuda:99", "tpu", "cuda:x"):
                self.refused("train", "data=x", f"train.device={device}", saying="[train.device]", cwd=folder)

    def test_folder_in_place_of_a_recipe_is_explained(self):
        with tempfile.TemporaryDirectory() as folder:
            self.refused("train", folder, saying=f"data={folder}")

    def test_resume_and_overwrite_exclude_each_other(self):
        self.refused("train", "--resume", "--overwrite", "out=x", saying="exclude")

    def test_run_or_recipe_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            self.refused("train", "--resume", "nope", saying="[nope] there is no such run", cwd=folder)
            self.refused("train", "missing.toml", saying="there is no such file: 'missing.toml'", cwd=folder)
            self.refused("train", "--resume", "missing.toml", saying="there is no such file", cwd=folder)
            self.assertEqual(os.listdir(folder), [])

    def test_what_would_change_a_resumed_run_is_refused(self):
        self.refused("train", "--resume", "out=x", "--minutes", "9", saying="--minutes would change a run")
        self.refused("train", "--resume", "x", "out=y", saying="named twice")

    def test_words_after_two_dashes_are_no_options(self):
        for verb in ("report", "runs show", "evaluate"):
            self.refused(*verb.split(), "--", "-odd", saying="[-odd] there is no such run")
        self.refused("predict", "--", "-run", "--top", saying="[-run] holds no trained model")
        self.refused("runs", "ls", "--", "-odd", saying="[-odd] there is no such folder")
        self.refused("data", "inspect", "--", "-odd", saying="-odd", code=3)
        self.refused("methods", "--", "--json", saying="there is no method '--json'")
        self.refused("recipes", "--", "-odd", saying="there is no recipe '-odd'")
        self.refused("completion", "--", "-odd", saying="-odd not in")
        self.refused("help", "--", "-odd", saying="unknown verb '-odd'")
        self.refused("train", "--", "-odd.toml", saying="'-odd.toml'")

    def test_keys_are_found_in_whatever_table_they_belong(self):
        with tempfile.TemporaryDirectory() as folder:
            for given, meant in {"strict=true": "data.strict?", "classes=a": "data.classes?", "lr=1": "optimizer.lr?",
                                 "steps=20": "mean train.steps", "minutes=3": "train.minutes?",
                                 "batch=8": "train.batch?", "methd=fixmatch": "mean method?",
                                 "tau=0.9": "method.tau?"}.items():
                self.refused("train", "data=x", given, saying=meant, cwd=folder)
            self.refused("train", "data=x", "quite_unheard_of=1", saying=", method", cwd=folder)
            self.refused("train", "data=x", "train=3", "--minutes", "1", saying="wanted a table", cwd=folder)

    def test_unknown_keys_reach_the_user_with_the_nearest_name(self):
        with tempfile.TemporaryDirectory() as folder:
            self.refused("train", "fashion_mnist/demo", "out=x", "train.minuts=1", saying="minutes", cwd=folder)
            self.refused("train", "fashion_mnist/demo", "out=x", "method.tua=1", saying="unknown key", cwd=folder)
            self.assertEqual(os.listdir(folder), [])  # nothing was begun

    def test_missing_run_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "a.png").touch()
            for words in (["runs", "show", "nothing"], ["report", "nothing"], ["evaluate", "nothing"],
                          ["predict", "nothing", "a.png"], ["evaluate", "nothing", "--probe", "knn"],
                          ["generate", "nothing", "-o", "out"], ["embed", "nothing", ".", "-o", "f.npy"],
                          ["train", "init=nothing", "data=."]):
                result = call(*words, cwd=folder)
                self.assertIn(result.returncode, (2, 6), result.stderr)
                self.assertIn("nothing", result.stderr)
                self.assertEqual(result.stdout, "")
            self.assertEqual(os.listdir(folder), ["a.png"])

    def test_bench_measures_a_step(self):
        result = json.loads(call("bench", "fixmatch/linear", "mu=2", "--batch", 4, "--steps", 2, "--json").stdout)
        self.assertGreater(result["seconds_per_step"], 0)
        self.assertEqual(result["examples_per_second"], 4 * 3 / result["seconds_per_step"])
        # 4 + 8 examples forward and their weights' gradient, 8 forward alone; 784 × 10 products each.
        self.assertEqual(result["flop"], 2 * 784 * 10 * (2 * 12 + 8))

    def test_bench_takes_turns_with_a_peer(self):
        with tempfile.TemporaryDirectory() as folder:
            peer = pathlib.Path(folder, "peer.sh")
            peer.write_text("echo $MALLOC_TOP_PAD_ $* >> log; echo s/step=100 peak_MiB=7\n")
            words = ("bench", "fixmatch/seed_cnn", "--batch", 1, "--steps", 1, "--rounds", 3, "--no-count", "--json",
                     "--python", "sh", "--peer", peer)
            result = json.loads(call(*words, cwd=folder).stdout)
            self.assertEqual({peer["mode"] for peer in result["peers"]}, {"default", "best"})
            for one in result["peers"]:
                self.assertEqual((one["seconds_per_step"], one["peak_mib"]), (100, 7))
                self.assertLessEqual(one["smallest_ratio"], one["ratio"])
            log = pathlib.Path(folder, "log").read_text().splitlines()
            self.assertEqual(len(log), 6)
            self.assertIn("step --net seed_cnn --mode default", log[0])
            self.assertTrue(log[1].startswith("67108864 "))
            peer.write_text("exit 3\n")
            self.assertEqual(call(*words, cwd=folder).returncode, 1)
            peer.write_text("echo nothing\n")
            self.refused(*words, saying="printed no s/step=", code=1, cwd=folder)

    def test_bench_refuses_what_it_does_not_know(self):
        self.refused("bench", "fixmatch/seed_cn", saying="seed_cnn")
        self.refused("bench", "augmnt", saying="did you mean augment?")
        self.refused("bench", "fixmatch/seed_cnn", "mu", saying="no KEY=VALUE")
        self.refused("bench", "fixmatch/seed_cnn", "--modes", "fast", saying="unknown mode")
        self.refused("bench", "mae/vit_micro", "--peer", __file__, saying="no counterpart")
        self.refused("bench", "freematch/cnn", "--kept", "0.5", saying="no threshold tau")

    def test_engine_refuses_the_verbs_of_the_front(self):
        self.refused("methods", program=ENGINE, saying="fewlabel")


class Listings(unittest.TestCase):
    def test_methods(self):
        methods = json.loads(call("methods", "--json").stdout)
        self.assertIn("freematch", [method["name"] for method in methods])
        for method in methods:
            self.assertIn(method["title"], call("methods", method["name"]).stdout)
            for field in method["fields"]:
                self.assertIn(f"method.{field['name']} = ", call("help", "config").stdout)

    def test_settings_of_short_runs_stand_beside_those_of_the_paper(self):
        text = call("methods", "fixmatch").stdout
        self.assertIn("preset=short", text)
        self.assertRegex(text, r"(?m)^  method\.mu +7 +5 ")
        self.assertRegex(text, r"(?m)^  method\.tau +0\.95 +\[0, 1\]")  # the same in both: said once
        self.assertRegex(call("methods", "gan").stdout, r"(?m)^  optimizer\.lr +0\.0002 +0\.002$")
        self.assertNotIn("preset", call("methods", "supervised").stdout)

    def test_methods_stand_in_families_in_80_columns(self):
        text = call("methods").stdout
        methods = json.loads(call("methods", "--json").stdout)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, line)
        for family in {method["family"] for method in methods}:
            heads = [line for line in text.splitlines() if line.split(" ")[0] == family]
            self.assertEqual(len(heads), 1, family)
            members = [method["name"] for method in methods if method["family"] == family]
            below = text[text.index("\n" + family) if "\n" + family in text else 0:]
            for name in members:
                self.assertRegex(below, rf"(?m)^  {name} ")

    def test_recipes_are_found_from_anywhere_and_read_as_toml(self):
        with tempfile.TemporaryDirectory() as folder:
            recipes = json.loads(call("recipes", "--json", cwd=folder).stdout)
            names = [recipe["name"] for recipe in recipes]
            self.assertIn("fashion_mnist/demo", names)
            for name in names:
                text = call("recipes", name, cwd=folder).stdout
                tomllib.loads(text)
                self.assertTrue(text.startswith("# "), name)

    def test_recipe_in_the_working_folder_comes_first(self):
        with tempfile.TemporaryDirectory() as folder:
            own = pathlib.Path(folder, "recipes/fashion_mnist/demo.toml")
            own.parent.mkdir(parents=True)
            own.write_text("# mine\nseed = 7\n")
            self.assertIn("# mine", call("recipes", "fashion_mnist/demo", cwd=folder).stdout)

    def test_runs_of_an_empty_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            result = call("runs", "ls", cwd=folder)
            self.assertEqual((result.returncode, result.stdout), (0, ""))
            self.assertIn("no runs", result.stderr)
            self.assertEqual(json.loads(call("runs", "ls", "--json", cwd=folder).stdout), [])

    def test_runs_of_a_folder_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            for words in (["ls"], ["ls", "--json"], ["prune"]):
                result = call("runs", words[0], "nowhere", *words[1:], cwd=folder)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertIn("there is no such folder", result.stderr)

    def test_names_of_runs_stay_distinct(self):
        names = [f"fashion_mnist-freematch-with-rotation-and-a-long-tail-{i}-in-two-parts" for i in range(7)]
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                run = pathlib.Path(folder, "runs", name)
                run.mkdir(parents=True)
                (run / "status.json").write_text('{"state": "failed", "step": 3}')
                (run / "config.toml").write_text('[data]\npath = "photos"\n[method]\nname = "vat"\n')
            lines = call("runs", "ls", cwd=folder).stdout.splitlines()
            self.assertEqual(sorted(line.split()[0] for line in lines[1:]), names)
            self.assertEqual({tuple(line.split()[3:5]) for line in lines[1:]}, {("vat", "photos")})
            seen = [line for line in on_terminal("runs", "ls", cwd=folder) if line]
            self.assertEqual(len({line.split()[0] for line in seen}), 8)
            for line in seen:
                self.assertLessEqual(len(line), 80, line)

    def test_doctor_speaks_json_and_text(self):
        self.assertIn("warnings", json.loads(call("doctor", "--json").stdout))
        self.assertIn("blas", call("doctor").stdout.lower())


class Width(unittest.TestCase):
    """Nothing is wider than 80 columns, on a terminal and in a pipe, and no word is broken."""

    def fits(self, lines, where):
        for line in lines:
            self.assertLessEqual(len(line), 80, f"{where}: {line}")

    def test_help_and_lists(self):
        methods = [method["name"] for method in json.loads(call("methods", "--json").stdout)]
        for words in [["--help"], ["help", "config"], ["methods"], ["recipes"], ["doctor"],
                      *[[*verb, "--help"] for verb in all_verbs()], *[["methods", name] for name in methods]]:
            piped = call(*words).stdout
            self.fits(piped.splitlines(), words)
            if words != ["doctor"]:  # its free memory changes
                self.assertEqual("\n".join(on_terminal(*words)), piped, words)

    def test_errors_on_a_terminal(self):
        for words in (["train", "--epochs", "10"], ["train", "data=x", "quite_unheard_of=1"], ["trian"],
                      ["bench", "unheard/of"], ["train", "data=x", "num_classes=10"], ["recipes", "quite-unheard-of"],
                      ["predict", "runs/of-a-rather-long-name-in-a-folder/with-a-long-name", "and/a/path.png"]):
            with tempfile.TemporaryDirectory() as folder:
                seen = on_terminal(*words, cwd=folder)
                self.fits(seen, words)
                self.fits(on_terminal(*words, cwd=folder, columns=60), words)
                self.assertEqual(" ".join(seen).split(), call(*words, cwd=folder).stderr.split())

    def test_what_is_known_of_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            write_runs(pathlib.Path(folder, "runs"), 9)
            names = sorted(os.listdir(pathlib.Path(folder, "runs")))
            runs = [f"runs/{name}" for name in names]
            for words in (["runs", "ls"], ["runs", "show", runs[0]], ["runs", "compare", *runs]):
                self.fits(on_terminal(*words, cwd=folder), words)
            whole = call("runs", "compare", *runs, cwd=folder).stdout
            for name in names:
                self.assertIn(name, whole)
            words = "".join("".join(line.split()) for line in on_terminal("runs", "compare", *runs, cwd=folder))
            for i in range(9):  # folded, but not cut: values that differ in their end still do
                self.assertIn(f"number{i}", words)


def write_runs(root, count):
    """Finished runs with long names and long values."""
    for i in range(count):
        run = root / f"fashion_mnist-freematch-with-rotation-and-more-{i}"
        run.mkdir(parents=True)
        (run / "status.json").write_text('{"state": "finished", "step": 9, "steps": 9}')
        (run / "summary.json").write_text(json.dumps({"name": run.name, "accuracy": 0.8 + i / 100, "seed": i % 2,
                                                      "method_title": "A title of a method in many words " * 4}))
        (run / "plan.toml").write_text(f"seed = {i % 2}\n\n[augment]\n"
                                       f"strong = 'flip+crop(pad=4)+a+much+longer+policy+than+that+number {i}'\n")


class Completion(unittest.TestCase):
    def script(self, shell):
        result = call("completion", shell)
        self.assertEqual(result.returncode, 0)
        for word in ("evaluate", "fashion_mnist/demo", "method=freematch", "optimizer.lr=", "overwrite"):
            self.assertIn(word, result.stdout)
        return result.stdout

    def complete(self, line):
        """What bash would offer for the last word of `line`."""
        words = re.split(r"(=)|\s+", line)
        words = [word for word in words if word] + ([""] if line.endswith(" ") else [])
        ask = self.script("bash") + f"\nCOMP_WORDS=({' '.join(repr(word) for word in words)})\n" \
            f"COMP_CWORD={len(words) - 1}\n_fewlabel\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run(["bash", "-c", ask], capture_output=True, text=True, cwd=folder,
                                  check=True).stdout.split()

    def test_scripts_parse(self):
        subprocess.run(["bash", "-n"], input=self.script("bash"), text=True, check=True)
        self.script("zsh")
        self.script("fish")

    def test_bash_completes(self):
        self.assertEqual(self.complete("fewlabel tra"), ["train"])
        self.assertEqual(self.complete("fewlabel runs co"), ["compare"])
        self.assertEqual(self.complete("fewlabel train --over"), ["--overwrite"])
        self.assertEqual(self.complete("fewlabel train optimizer.we"), ["optimizer.weight_decay="])
        self.assertEqual(self.complete("fewlabel train method=free"), ["freematch"])
        self.assertIn("fixmatch", self.complete("fewlabel methods fix"))
        self.assertEqual(self.complete("fewlabel runs prune --re"), ["--remove"])


class Streams(unittest.TestCase):
    def test_closed_reader_is_no_error(self):
        for words in (["help", "--markdown"], ["doctor"]):
            reader, writer = os.pipe()
            os.close(reader)
            result = subprocess.run([FEWLABEL, *words], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
            os.close(writer)
            self.assertEqual(result.stderr, "")
            self.assertEqual(result.returncode, -signal.SIGPIPE)

    def test_full_disk_behind_standard_output_is_a_storage_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([FEWLABEL, "methods"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 6)
        self.assertIn("No space left", result.stderr)


def write_png(path, rows):
    """A grey 8-bit PNG from rows of bytes."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b""))


def write_photos(root, count, seed=0):
    """Bright images in one class, dark ones in the other, some without a label."""
    draw = random.Random(seed)
    for name, low in (("bright", 180), ("dark", 0)):
        for i in range(count):
            rows = [bytes(draw.randrange(low, low + 70) for _ in range(12)) for _ in range(12)]
            write_png(pathlib.Path(root, name if i % 2 else "unlabeled", f"{name}{i}.png"), rows)


class Stopping(unittest.TestCase):
    """One Ctrl-C while images are decoded, of which there are enough for minutes."""

    def stopped(self, *words):
        with tempfile.TemporaryDirectory() as folder:
            first = pathlib.Path(folder, "photos/a/0.png")
            write_png(first, [bytes(4000)] * 4000)
            for name in [*(f"a/{i}.png" for i in range(1, 1000)), *(f"b/{i}.png" for i in range(1000))]:
                link = pathlib.Path(folder, "photos", name)
                link.parent.mkdir(exist_ok=True)
                os.link(first, link)
            with subprocess.Popen([FEWLABEL, *words, "--progress", "json"], cwd=folder, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "XDG_CACHE_HOME": folder + "/cache"}) as process:
                event = json.loads(process.stderr.readline())  # comes once it takes longer than a second
                process.send_signal(signal.SIGINT)
                rest = process.stderr.read()
                self.assertEqual(process.wait(), 130, rest)
            self.assertEqual(event["event"], "work")
            self.assertEqual(event["total"], 2000)
            self.assertLess(event["done"], 2000)
            self.assertIn("stopped after", rest)
            self.assertEqual(sorted(os.listdir(folder)), ["photos"])

    def test_data_inspect(self):
        self.stopped("data", "inspect", "photos")

    def test_train_leaves_nothing_that_stands_in_the_way_of_another_try(self):
        self.stopped("train", "data=photos", "data.size=8", "net=mlp", "train.steps=1", "out=runs/a")


class OneRun(unittest.TestCase):
    """What the README promises, once through, on a folder of tiny images."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        write_photos(pathlib.Path(cls.folder.name, "photos"), 40)
        cls.trained = cls.call("train", "data=photos", "net=mlp", "train.steps=6", "train.batch=8", "out=runs/a", "--json")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def call(cls, *words):
        return call(*words, cwd=cls.folder.name, timeout=120)

    def test_train_prints_the_summary_and_nothing_else(self):
        self.assertEqual(self.trained.returncode, 0, self.trained.stderr)
        summary = json.loads(self.trained.stdout)
        self.assertEqual(summary, json.loads(pathlib.Path(self.folder.name, "runs/a/summary.json").read_text()))
        self.assertEqual(summary["seed"], 0)

    def test_run_is_not_overwritten_unasked(self):
        again = self.call("train", "data=photos", "net=mlp", "train.steps=6", "out=runs/a")
        self.assertEqual(again.returncode, 2)
        self.assertIn("--overwrite", again.stderr)

    def test_finished_run_has_nothing_to_resume(self):
        result = self.call("train", "--resume", "runs/a")
        self.assertEqual(result.returncode, 0)
        self.assertIn("finished", result.stdout + result.stderr)

    def test_predict_writes_a_line_for_each_image(self):
        lines = self.call("predict", "runs/a", "photos/unlabeled").stdout.splitlines()
        self.assertEqual(lines[0], "path,class,probability")
        self.assertEqual(len(lines), 1 + 40)
        one = json.loads(self.call("predict", "runs/a", "photos/dark/dark1.png", "--format", "jsonl", "--top", "2").stdout)
        self.assertEqual({item["class"] for item in one["top"]}, {"bright", "dark"})

    def test_predict_takes_what_training_takes(self):
        root = pathlib.Path(self.folder.name, "given")
        shutil.copytree(pathlib.Path(self.folder.name, "photos/dark"), root / "inner")
        names = sorted(path.name for path in (root / "inner").iterdir())
        (root / "inner/loop.png").symlink_to("loop.png")
        (root / "inner/notes.md").write_text("x")
        (root / "__MACOSX").mkdir()
        (root / "__MACOSX/a.png").write_text("x")
        (root / "list.csv").write_text("path\n" + "".join(f"inner/{name}\n" for name in names))
        with tarfile.open(root / "a.tar", "w") as archive:
            for name in names:
                archive.add(root / "inner" / name, name)
        for path in ("given", "given/list.csv", "given/a.tar"):
            result = self.call("predict", "runs/a", path, "-q")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(len(result.stdout.splitlines()), 1 + len(names), path)
            paths = [row["path"] for row in csv.DictReader(result.stdout.splitlines())]
            if not path.endswith("tar"):
                self.assertTrue(all(pathlib.Path(self.folder.name, name).exists() for name in paths), paths)
        self.assertIn("1 link that lead", self.call("predict", "runs/a", "given").stderr)
        listed = subprocess.run([FEWLABEL, "predict", "runs/a", "-", "-q"], cwd=self.folder.name, text=True, check=False,
                                input="given/inner\ngiven/list.csv\n", capture_output=True)
        self.assertEqual(len(listed.stdout.splitlines()), 1 + 2 * len(names), listed.stderr)

    def test_predictions_are_written_as_they_are(self):
        image = pathlib.Path(self.folder.name, "photos/dark/dark1.png")
        (pathlib.Path(self.folder.name) / "=1").mkdir()
        shutil.copy(image, pathlib.Path(self.folder.name, "=1", "a.png"))
        self.assertIn("\n=1/a.png,", self.call("predict", "runs/a", "=1").stdout)

    def test_copies_in_the_test_set_are_named(self):
        root = pathlib.Path(self.folder.name, "copied")
        shutil.copytree(pathlib.Path(self.folder.name, "photos"), root / "Training")
        for name in ("bright", "dark"):
            (root / "Testing" / name).mkdir(parents=True)
            shutil.copy(next((root / "Training" / name).iterdir()), root / "Testing" / name)
            write_png(root / "Testing" / name / "new.png", [bytes([7 * len(name)] * 12)] * 12)
        shutil.copy(next((root / "Training/dark").iterdir()), root / "Training/bright/same.png")
        result = self.call("train", "data=copied", "net=seed_cnn", "method=supervised", "train.steps=2", "baseline=none",
                           "--progress", "none", "out=runs/copied")
        self.assertEqual(result.returncode, 0, result.stderr)
        told = " ".join(result.stderr.split())
        self.assertIn("2 of 4 test examples also lie in the training set", told)
        self.assertIn("Equal examples have different labels in 1 case", told)
        notes = json.loads(pathlib.Path(self.folder.name, "runs/copied/summary.json").read_text())["notes"]
        self.assertTrue(any("also lie in the training set" in note for note in notes), notes)
        self.assertIn("also lie in the training set", pathlib.Path(self.folder.name, "runs/copied/report.html").read_text())

    def test_damaged_image_is_named_and_refused_when_strict(self):
        pathlib.Path(self.folder.name, "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
        for flags, code in ([], 0), (["--strict"], 3):
            result = self.call("predict", "runs/a", "photos/dark/dark1.png", "bad.png", *flags)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertIn("bad.png", result.stderr)

    def test_predict_takes_a_file_that_looks_like_an_option(self):
        shutil.copy(pathlib.Path(self.folder.name, "photos/dark/dark1.png"), pathlib.Path(self.folder.name, "-odd.png"))
        result = self.call("predict", "runs/a", "photos/dark/dark1.png", "--", "-odd.png")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("-odd.png", result.stdout.splitlines()[2])

    def test_unfinished_run_has_no_model(self):
        path = pathlib.Path(self.folder.name, "unfinished")
        path.mkdir()
        (path / "config.toml").touch()
        for words in (["evaluate", "unfinished"], ["predict", "unfinished", "photos"]):
            result = self.call(*words)
            self.assertEqual(result.returncode, 2)
            self.assertIn("[unfinished] holds no trained model: model/meta.json is missing", result.stderr)

    def test_figures_that_the_run_cannot_keep_reach_the_user(self):
        copy = pathlib.Path(self.folder.name, "copy")
        shutil.copytree(pathlib.Path(self.folder.name, "runs/a"), copy)
        (copy / "probes.json").unlink(missing_ok=True)
        (copy / "probes.json").mkdir()
        for run in ("copy", "runs/a/model"):
            result = self.call("evaluate", run, "photos@4", "--probe", "knn,linear", "-k", "3", "--json", "-q")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertLessEqual({"knn_accuracy", "linear_accuracy"}, json.loads(result.stdout).keys())
            self.assertEqual(result.stderr.count("does not keep these figures"), 1, result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_evaluate_measures_other_data(self):
        learnt = self.call("evaluate", "runs/a", "photos")
        self.assertEqual(learnt.returncode, 3)
        self.assertIn("all 40 labelled examples are ones that the run learnt from", learnt.stderr)
        write_photos(pathlib.Path(self.folder.name, "others"), 12, seed=1)
        result = self.call("evaluate", "runs/a", "others", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["test_examples"], 12)
        for words in (["runs/a", "data=others"], ["data=others", "runs/a"]):
            again = self.call("evaluate", *words, "--json")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(json.loads(again.stdout), json.loads(result.stdout))
        for words, said in ((["runs/a", "dta=others"], "no key 'dta'"), (["runs/a", "data="], "names nothing"),
                            (["data=others"], "no run")):
            refused = self.call("evaluate", *words)
            self.assertEqual(refused.returncode, 2, words)
            self.assertIn(said, refused.stderr)

    def test_probes_measure_frozen_features(self):
        unjudged = self.call("evaluate", "runs/a", "--probe", "knn")
        self.assertEqual(unjudged.returncode, 3)
        self.assertIn("DATA@N", unjudged.stderr)
        result = self.call("evaluate", "runs/a", "photos@4", "--probe", "knn,linear", "-k", "3", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertGreater(found["knn_accuracy"], 0.4)
        self.assertIn("linear_accuracy", found)
        kept = json.loads(pathlib.Path(self.folder.name, "runs/a/probes.json").read_text())
        self.assertEqual(kept["knn"]["knn_accuracy"], found["knn_accuracy"])
        pixels = self.call("evaluate", "pixels", "photos@4", "--probe", "knn")
        self.assertEqual(pixels.returncode, 0, pixels.stderr)
        self.assertIn("knn euclidean accuracy", pixels.stdout)
        wrong = self.call("evaluate", "runs/a", "--probe", "lniear")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("linear", wrong.stderr)

    def test_embed_writes_what_numpy_reads(self):
        result = self.call("embed", "runs/a", "photos", "-o", "f.npy", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        made = json.loads(result.stdout)
        content = pathlib.Path(self.folder.name, "f.npy").read_bytes()
        size = int.from_bytes(content[8:10], "little")
        self.assertEqual((10 + size) % 64, 0)
        self.assertEqual(len(content), 10 + size + 4 * made["examples"] * made["features"])
        names = pathlib.Path(self.folder.name, "f.csv").read_text().splitlines()
        self.assertEqual(len(names), 1 + made["examples"])

    def test_what_cannot_sample_is_refused(self):
        result = self.call("generate", "runs/a", "-o", "samples")
        self.assertEqual(result.returncode, 2)
        self.assertIn("makes no samples", result.stderr)
        self.assertFalse(pathlib.Path(self.folder.name, "samples").exists())

    def test_weights_pass_from_run_to_run(self):
        words = ("train", "data=photos", "method=supervised", "train.steps=2", "train.batch=8", "out=runs/b", "--json")
        result = self.call(*words, "init=runs/a")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("head included", json.loads(result.stdout)["init"])
        plan = tomllib.loads(pathlib.Path(self.folder.name, "runs/b/plan.toml").read_text())
        self.assertEqual((plan["init"], plan["net"]["name"]), ("runs/a", "mlp"))
        self.assertTrue(plan["init_hash"])
        refused = self.call("train", "data=photos", "net=cnn", "train.steps=1", "out=runs/c", "init=runs/a")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("wanted a cnn", refused.stderr)

    def test_runs_and_report(self):
        self.assertIn("a", [run["name"] for run in json.loads(self.call("runs", "ls", "--json").stdout)])
        self.assertIn("finished", self.call("runs", "show", "runs/a").stdout)
        self.assertIn("freematch", self.call("runs", "show", "runs/a").stdout)
        page = pathlib.Path(self.folder.name, "runs/a/report.html")
        page.unlink()
        self.assertEqual(self.call("report", "runs/a").stdout, "runs/a/report.html\n")
        self.assertIn("<html", page.read_text())

    def test_data_verbs(self):
        self.assertIn("bright", self.call("data", "inspect", "photos").stdout)
        self.assertRegex(self.call("data", "inspect", "photos@4").stdout, r"labels that the split keeps +4\b")
        refused = self.call("data", "inspect", "photos@4000")
        self.assertEqual(refused.returncode, 3)
        self.assertIn("4,000 labels are asked for", refused.stderr)
        chosen = self.call("data", "split", "photos@4:seed=1").stdout.splitlines()
        self.assertEqual(len(chosen), 4)
        self.assertEqual(sum("bright" in name for name in chosen), 2)
        self.call("data", "split", "photos@4:seed=1", "-o", "chosen.txt")
        self.assertEqual(pathlib.Path(self.folder.name, "chosen.txt").read_text().splitlines(), chosen)

    def test_output_goes_through_links_pipes_and_devices(self):
        folder = pathlib.Path(self.folder.name)
        words = ("photos/dark/dark1.png", "-o")
        plain = self.call("predict", "runs/a", words[0]).stdout
        (folder / "real.csv").write_text("old")
        (folder / "link.csv").symlink_to("real.csv")
        (folder / "null").symlink_to("/dev/null")
        os.mkfifo(folder / "pipe")
        self.assertEqual(self.call("predict", "runs/a", *words, "link.csv").returncode, 0)
        self.assertTrue((folder / "link.csv").is_symlink())
        self.assertEqual((folder / "real.csv").read_text(), plain)
        self.assertEqual(self.call("predict", "runs/a", *words, "null").returncode, 0)
        self.assertTrue((folder / "null").is_symlink())
        self.assertEqual(self.call("predict", "runs/a", *words, "/dev/stdout").stdout, plain)
        line = '"$0" predict runs/a "$1" -o pipe & cat pipe; wait $!; "$0" predict runs/a "$1" -o >(cat); ' \
            'echo before > log; "$0" predict runs/a "$1" -o /dev/stdout >> log; cat log; sleep 0.2'
        shell = subprocess.run(["bash", "-c", line, FEWLABEL, words[0]], cwd=folder, capture_output=True, text=True)
        self.assertEqual(shell.stderr, "")
        self.assertEqual(sorted(shell.stdout.splitlines()), sorted([*(3 * plain).splitlines(), "before"]))
        self.assertTrue((folder / "pipe").is_fifo())

    def test_predict_sorts_and_lists_every_class(self):
        plain = self.call("predict", "runs/a", "photos").stdout.splitlines()
        lines = self.call("predict", "runs/a", "photos", "--sort", "uncertainty", "--all-probabilities").stdout.splitlines()
        self.assertEqual(lines[0], "path,class,probability,p_bright,p_dark")
        self.assertEqual(sorted(line.rsplit(",", 2)[0] for line in lines[1:]), sorted(plain[1:]))
        sureness = [float(line.split(",")[2]) for line in lines[1:]]
        self.assertEqual(sureness, sorted(sureness))


class Sweep(unittest.TestCase):
    """Grids of tiny trainings."""
    SMALL = ("data=photos", "train.batch=8", "train.threads=1", "train.workers=1")

    def setUp(self):
        self.root = tempfile.TemporaryDirectory()
        self.addCleanup(self.root.cleanup)
        write_photos(pathlib.Path(self.root.name, "photos"), 16)

    def call(self, *words):
        return call(*words, cwd=self.root.name, timeout=240)

    def cells(self, folder):
        state = json.loads(pathlib.Path(self.root.name, folder, "sweep.json").read_text())
        return {cell["name"]: cell for cell in state["cells"]}

    def begin(self, *words):
        """Starts a sweep of two long trainings; returns once the first of them is under way."""
        child = subprocess.Popen([FEWLABEL, "sweep", *self.SMALL, "net=linear", "train.steps=600", "train.log_every=10",
                                  "seed=0,1", "out=s", *words], cwd=self.root.name, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.stderr.close)
        metrics = pathlib.Path(self.root.name, "s/seed-0/metrics.jsonl")
        while child.poll() is None and not (metrics.exists() and metrics.read_text()):
            time.sleep(0.01)
        return child

    def weights(self, run):
        return pathlib.Path(self.root.name, run, "model/model.safetensors").read_bytes()

    def test_grid_is_trained_and_compared_over_seeds(self):
        words = ("sweep", *self.SMALL, "train.steps=3", "net=linear,mlp", "seed=0,1", "--json", "-q")
        result = self.call(*words)
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual((found["folder"], found["failed"]), ("runs/photos-sweep", 0))
        self.assertEqual([cell["name"] for cell in found["cells"]],
                         ["linear-seed-0", "linear-seed-1", "mlp-seed-0", "mlp-seed-1"])
        groups = found["comparison"]["groups"]
        self.assertEqual([(group["settings"], len(group["runs"])) for group in groups],
                         [({"net.name": "linear"}, 2), ({"net.name": "mlp"}, 2)])
        summary = json.loads(pathlib.Path(self.root.name, "runs/photos-sweep/mlp-seed-1/summary.json").read_text())
        self.assertEqual((summary["net"], summary["seed"]), ("mlp", 1))
        text = self.call("runs", "compare", "runs/photos-sweep").stdout
        self.assertIn("mean ± sd over seeds", text)
        self.assertEqual(len(self.call("runs", "compare", "runs/photos-sweep", "--csv").stdout.splitlines()), 5)
        self.assertIn("| net.name=mlp | 2 |", self.call("runs", "compare", "runs/photos-sweep", "--markdown").stdout)
        again = self.call("sweep", "--resume", "runs/photos-sweep")
        self.assertEqual((again.returncode, again.stdout), (0, text))
        self.assertNotIn("run 1 of", again.stderr)  # what is finished is kept
        self.assertEqual(self.call(*words).returncode, 0)  # a second one takes a folder of its own
        self.assertTrue(pathlib.Path(self.root.name, "runs/photos-sweep-2").is_dir())

    def test_ctrl_c_stops_and_resume_ends_in_the_same_bits(self):
        child = self.begin()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        self.assertEqual((child.returncode, out), (130, ""), err)
        self.assertIn("[sweep] stopped; 0 of 2 runs are finished", err)
        self.assertIn("go on with: fewlabel sweep --resume s\n", err)
        self.assertNotIn("fewlabel train --resume", err)
        self.assertEqual([cell["state"] for cell in self.cells("s").values()], ["stopped", "waiting"])
        for words in (["seed=3"], ["--minutes", "1"]):
            self.assertEqual(self.call("sweep", "--resume", "s", *words).returncode, 2)
        result = self.call("sweep", "--resume", "s")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("going on from step", result.stderr)
        self.call("train", *self.SMALL, "net=linear", "train.steps=600", "train.log_every=10", "out=alone", "-q")
        self.assertEqual(self.weights("s/seed-0"), self.weights("alone"))

    def test_kill_leaves_nothing_running_and_can_be_resumed(self):
        child = self.begin()
        child.kill()
        child.wait()
        result = self.call("sweep", "--resume", "s", "--json", "-q")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual({cell["state"] for cell in self.cells("s").values()}, {"finished"})

    def test_failure_of_one_run_does_not_stop_the_others(self):
        words = ("train.batch=8", "train.steps=2", "net=linear")
        result = self.call("sweep", "data=missing,photos", *words, "out=s")
        self.assertEqual(result.returncode, 1)
        self.assertIn("1 of 2 runs failed: missing", result.stderr)
        self.assertIn("train_seconds", result.stdout)
        cells = self.cells("s")
        self.assertEqual((cells["missing"]["state"], cells["missing"]["exit_code"]), ("failed", 3))
        self.assertIn("there is no such file or folder", cells["missing"]["error"])
        self.assertEqual(cells["photos"]["state"], "finished")
        write_photos(pathlib.Path(self.root.name, "missing"), 16)
        other = tempfile.TemporaryDirectory()
        self.addCleanup(other.cleanup)
        folder = pathlib.Path(self.root.name, "s").resolve()
        result = call("sweep", "--resume", folder, cwd=other.name)  # paths are still those of where it began
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual({cell["state"] for cell in self.cells("s").values()}, {"finished"})
        self.assertEqual(os.listdir(other.name), [])

    def test_what_cannot_be_is_refused_before_any_work(self):
        for words, saying in ((["method=fixmatch,sfotmatch"], "softmatch"), (["train.stesp=1,2"], "train.steps"),
                              (["seed=1,,2"], "empty value"), (["seed=1,2", "seed=3,4"], "two lists"),
                              (["seed=1,2", "method=fixmatch", "method.tua=0.9"], "tua")):
            result = self.call("sweep", "data=photos", *words)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(saying, result.stderr)
        self.assertIn("data is missing", self.call("sweep", "seed=0,1").stderr)
        self.assertIn("is no folder of a sweep", self.call("sweep", "--resume", "photos").stderr)
        self.assertIn("is not an empty folder", self.call("sweep", "data=photos", "seed=0,1", "out=photos").stderr)
        self.assertEqual(os.listdir(self.root.name), ["photos"])


if __name__ == "__main__":
    unittest.main()
