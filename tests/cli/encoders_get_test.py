"""`fewlabel encoders get`, against a hub on the loopback that can be told to misbehave."""
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import pty
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from encoders_test import BLOCKS, CONFIG, TOKENIZER, WIDTH, bert_tensors, write_safetensors

PROGRAM = os.environ["FEWLABEL"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PADDING = 3 << 20   # bytes of a head that is left out, so that a transfer takes a while


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        headers = dict(headers)
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def do_GET(self):
        hub = self.server.hub
        hub.asked.append((self.path, dict(self.headers)))
        if hub.failures > 0:
            hub.failures -= 1
            return self.answer(503)
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^/?]+)\?blobs=true", self.path):
            return self.list_files(*found.groups())
        if found := re.fullmatch(r"/[^/]+/[^/]+/resolve/([^/]+)/(.+)", self.path):
            return self.resolve(found[2])
        if found := re.fullmatch(r"/storage/(.+)", self.path):
            return self.send_file(found[1])
        return self.answer(404)

    def list_files(self, name, revision):
        hub = self.server.hub
        if name == "org/gated":
            return self.answer(401, headers={"X-Error-Code": "GatedRepo"})
        if name != "org/small":
            return self.answer(404, headers={"X-Error-Code": "RepoNotFound"})
        if revision not in ("main", "a/b".replace("/", "%2F"), COMMIT):
            return self.answer(404, headers={"X-Error-Code": "RevisionNotFound"})
        siblings = []
        for file, content in hub.files.items():
            entry = {"rfilename": file, "size": hub.said_bytes.get(file, len(content))}
            if file.endswith(".safetensors") and hub.says_hash:
                entry["lfs"] = {"sha256": hub.said_hash or hashlib.sha256(content).hexdigest(), "size": entry["size"]}
            siblings.append(entry)
        body = hub.listing or json.dumps({"sha": hub.commit, "siblings": siblings, **hub.more}).encode()
        return self.answer(200, body)

    def resolve(self, file):
        hub = self.server.hub
        if file not in hub.files:
            return self.answer(404)
        if not file.endswith(".safetensors"):
            return self.send_file(file)
        headers = {"Location": hub.location.format(file=file), "X-Linked-Size": str(len(hub.files[file]))}
        if hub.linked_hash:
            headers["X-Linked-ETag"] = f'"{hub.linked_hash}"'
        return self.answer(302, headers=headers)

    def send_file(self, file):
        hub = self.server.hub
        content = hub.sent.get(file, hub.files[file])
        etag = f'"{hub.etag or hashlib.md5(content).hexdigest()}"'
        start, status = 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and hub.ranges and self.headers.get("If-Range", etag) == etag:
            start, status = int(asked[1]), 206
            if start >= len(content):
                return self.answer(416)
        self.send_response(status)
        self.send_header("ETag", etag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start + hub.shift}-{len(content) - 1}/{len(content)}")
        large = file.endswith(".safetensors")
        if large and hub.lengthless:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        rest = content[start:]
        with contextlib.suppress(OSError):
            if large and hub.cut:
                self.wfile.write(rest[:hub.cut])
                hub.cut = 0
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            elif large and hub.slow:
                for at in range(0, len(rest), 1 << 15):
                    self.wfile.write(rest[at:at + (1 << 15)])
                    time.sleep(hub.slow)
            else:
                self.wfile.write(rest)
        return None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that go away are what is tested."""


class Hub:
    """Attributes say what it has and how it behaves."""

    def __init__(self, files):
        self.files, self.asked, self.sent, self.said_bytes, self.more = files, [], {}, {}, {}
        self.failures = self.cut = self.shift = 0
        self.slow = 0.0
        self.says_hash, self.ranges, self.lengthless = True, True, False
        self.said_hash = self.linked_hash = self.etag = self.listing = None
        self.commit, self.location = COMMIT, "/storage/{file}"
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.hub = self
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def times(self, part):
        return sum(part in path for path, _ in self.asked)


def small_bert(folder):
    tensors = bert_tensors()
    tensors["cls.padding"] = ([PADDING // 4], [0.5] * (PADDING // 4))   # a head, which is left out
    write_safetensors(folder / "weights", tensors)
    card = "---\nlanguage: en\nlicense: mit\n---\n# Small\n"
    return {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": (folder / "weights").read_bytes(),
            "tokenizer.json": json.dumps(TOKENIZER).encode(), "README.md": card.encode(),
            "1_Pooling/config.json": json.dumps({"pooling_mode_mean_tokens": True}).encode(),
            "pytorch_model.bin": b"never asked for", "onnx/model.onnx": b"never asked for"}


class EncodersGet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            cls.files = small_bert(pathlib.Path(folder))

    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.root = pathlib.Path(kept.name)
        self.home = self.root / "encoders"
        self.hub = Hub(dict(self.files))
        self.addCleanup(self.hub.close)

    def environment(self, **more):
        plain = {name: value for name, value in os.environ.items()
                 if not name.lower().endswith("_proxy") and not name.startswith("HF_")}
        return {**plain, "FEWLABEL_ENCODERS": str(self.home), "HF_ENDPOINT": self.hub.address,
                "XDG_CACHE_HOME": str(self.root / "cache"), **more}

    def run_program(self, *words, code=0, **more):
        done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=self.root,
                              env=self.environment(**more), timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def get(self, *words, code=0, name="org/small", **more):
        return self.run_program("encoders", "get", name, *words, code=code, **more)

    def refused(self, *parts, code, words=(), name="org/small", **more):
        done = self.get(*words, code=code, name=name, **more)
        self.assertEqual(done.stdout, "")
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 2, done.stderr)   # a sentence and what to do
        self.assertFalse((self.home / "small").exists())
        self.assertEqual(json.loads(self.run_program("encoders", "--json").stdout)[0]["installed"], False)
        return done

    def installed(self):
        folder = self.home / "small"
        for file in ("config.json", "model.safetensors", "tokenizer.json", "README.md", "1_Pooling/config.json"):
            self.assertEqual((folder / file).read_bytes(), self.files[file], file)
        self.assertEqual([path.name for path in self.home.iterdir()], ["small"])
        return json.loads((folder / "encoder.json").read_text())

    def interrupt_when(self, bytes_there, *words):
        child = subprocess.Popen([PROGRAM, "encoders", "get", "org/small", *words], cwd=self.root, text=True,
                                 env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        part = self.home / ".small.part" / "model.safetensors.part"
        until = time.monotonic() + 30
        while time.monotonic() < until and not (part.exists() and part.stat().st_size >= bytes_there):
            time.sleep(0.01)
        return child, part

    def test_brings_all_that_an_encoder_needs_and_no_more(self):
        done = self.get()
        self.assertEqual(done.stderr, "")
        own = self.installed()
        self.assertEqual(own["licence"], "MIT")
        self.assertEqual(own["commit"], COMMIT)
        self.assertIn(hashlib.sha256(self.files["model.safetensors"]).hexdigest(), done.stdout)
        self.assertIn("encoder=small", done.stdout)
        self.assertEqual(self.hub.times("pytorch_model.bin") + self.hub.times("onnx"), 0)
        self.assertEqual({COMMIT}, {path.split("/")[4] for path, _ in self.hub.asked if "/resolve/" in path})
        found = json.loads(self.run_program("encoders", "--json").stdout)[0]
        self.assertEqual([found["name"], found["title"], found["licence"], found["architecture"], found["installed"]],
                         ["small", "org/small", "MIT", "bert", True])

    def test_trains_from_it(self):
        self.get()
        (self.root / "texts.csv").write_text("text,label\n" + "".join(
            f"{'warm bright sun' if i % 2 else 'cold dark rain'} {i},{i % 2}\n" for i in range(40)))
        done = self.run_program("train", "data=texts.csv", "encoder=small", "method=logistic", "out=run", "estimate=none",
                                "--progress", "none")
        self.assertIn("org/small, MIT", done.stderr)

    def test_a_second_time_nothing_is_fetched_and_a_damaged_one_is(self):
        self.get()
        self.hub.asked.clear()
        self.assertIn("already there", self.get().stdout)
        self.assertEqual(self.hub.times("/resolve/"), 0)
        (self.home / "small" / "model.safetensors").write_bytes(b"damaged")
        self.assertTrue(json.loads(self.get("--json").stdout)["already_there"] is False)
        self.installed()

    def test_another_commit_takes_its_place(self):
        self.get()
        self.hub.commit = COMMIT[::-1]
        self.get()
        self.assertEqual(self.installed()["commit"], COMMIT[::-1])

    def test_what_came_from_elsewhere_stays(self):
        (self.home / "small").mkdir(parents=True)
        (self.home / "small" / "mine").write_text("mine")
        done = self.get(code=2)
        self.assertIn("is there already, and not org/small", done.stderr)
        self.assertEqual([path.name for path in (self.home / "small").iterdir()], ["mine"])

    def test_a_folder_and_a_revision_of_ones_own(self):
        done = self.get("--to", "models", "--revision", "a/b")
        self.assertTrue((self.root / "models" / "small" / "model.safetensors").exists())
        self.assertIn("models/small", done.stdout)
        self.refused("has no such revision", code=2, words=["--revision", "v9"])

    def test_large_weights_in_several_files(self):
        first, second = bert_tensors(), {}
        for name in [name for name in first if name.startswith(f"encoder.layer.{BLOCKS - 1}.")]:
            second[name] = first.pop(name)
        shards = {"model-00001-of-00002.safetensors": first, "model-00002-of-00002.safetensors": second}
        del self.hub.files["model.safetensors"]
        for file, tensors in shards.items():
            write_safetensors(self.root / "shard", tensors)
            self.hub.files[file] = (self.root / "shard").read_bytes()
        index = {"weight_map": {name: file for file, tensors in shards.items() for name in tensors}}
        self.hub.files["model.safetensors.index.json"] = json.dumps(index).encode()
        self.get()
        (self.root / "texts.csv").write_text("text,label\n" + "".join(f"a {i},{i % 2}\n" for i in range(40)))
        self.run_program("train", "data=texts.csv", "encoder=small", "method=logistic", "out=run", "estimate=none",
                         "--progress", "none")
        weights = self.home / "small" / "model-00002-of-00002.safetensors"
        write_safetensors(weights, {**second, "embeddings.LayerNorm.bias": ([WIDTH], [0.0] * WIDTH)})
        done = self.run_program("train", "data=texts.csv", "encoder=small", "out=run", "--overwrite", code=3)
        self.assertIn("'embeddings.LayerNorm.bias', which another file", done.stderr)

    def test_names_that_an_index_must_not_lead_to(self):
        del self.hub.files["model.safetensors"]
        for name in ("../../model.safetensors", "/etc/passwd", "a/b.safetensors", ".safetensors", "model.bin"):
            with self.subTest(name):
                self.hub.files["model.safetensors.index.json"] = json.dumps({"weight_map": {"a": name}}).encode()
                self.hub.files[name] = b"x"
                self.refused("which is none of weights", code=3)
        self.hub.files["model.safetensors.index.json"] = json.dumps({"weight_map": {"a": "b.safetensors"}}).encode()
        self.refused("b.safetensors is named and not there", code=3)

    def test_names_that_lead_elsewhere(self):
        for name in ("small", "a/b/c", "../small", "org/..", "org/.small", "org/", "/small", "org/sm all", "org/a..b",
                     "https://huggingface.co/org/small", "org/small?x", ""):
            with self.subTest(name):
                self.refused("is no name of a model", code=2, name=name)
        for revision in ("../x", "a//b", "a b", "-x/.."):
            with self.subTest(revision):
                self.refused("is no branch, tag or commit", code=2, words=["--revision=" + revision])
        self.assertEqual(self.hub.asked, [])
        self.assertEqual(list(self.root.glob("**/*.part")), [])

    def test_stopped_it_goes_on_where_it_was(self):
        self.hub.slow = 0.05
        child, part = self.interrupt_when(1 << 20)
        begun = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
        self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual((child.returncode, out), (130, ""), err)
        self.assertIn("goes on where it was", err)
        there = part.stat().st_size
        self.assertEqual(part.read_bytes(), self.files["model.safetensors"][:there])
        self.assertFalse((self.home / "small").exists())
        self.hub.slow = 0
        self.hub.asked.clear()
        self.get()
        self.installed()
        ranges = [headers.get("Range") for path, headers in self.hub.asked if "/storage/" in path]
        self.assertEqual(ranges, [f"bytes={there}-"])
        self.assertEqual(self.hub.times("config.json"), 0)   # those that were whole stay

    def test_killed_it_goes_on_where_it_was(self):
        self.hub.slow = 0.05
        child, part = self.interrupt_when(1 << 20)
        child.kill()
        child.communicate()
        there = part.stat().st_size
        self.hub.slow = 0
        self.hub.asked.clear()
        self.get()
        self.installed()
        self.assertEqual([headers.get("Range") for path, headers in self.hub.asked if "/storage/" in path],
                         [f"bytes={there}-"])

    def test_two_at_once(self):
        self.hub.slow = 0.05
        child, _ = self.interrupt_when(1 << 18)
        self.assertIn("another process is fetching small", self.get(code=6).stderr)
        child.kill()
        child.communicate()

    def test_what_changed_meanwhile_is_fetched_anew(self):
        self.hub.says_hash = False
        self.hub.etag = "before"
        self.hub.slow = 0.05
        child, part = self.interrupt_when(1 << 20)
        child.kill()
        child.communicate()
        part.write_bytes(b"\0" * part.stat().st_size)   # as if it had been another file
        self.hub.slow, self.hub.etag = 0, "after"
        self.get()
        self.installed()

    def test_a_server_without_ranges(self):
        self.hub.ranges = False
        self.hub.cut = 1 << 20
        self.get()
        self.installed()

    def test_a_line_that_breaks_and_a_server_that_is_busy(self):
        self.hub.failures = 2
        self.hub.cut = 1 << 20
        self.get()
        self.installed()
        self.assertEqual(self.hub.times("/storage/"), 2)

    def test_a_server_that_is_out_of_order(self):
        self.hub.failures = 1000
        self.refused("answers 503, again and again", code=1)

    def test_no_network(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.refused("is the network up?", code=1, HF_ENDPOINT=address)

    def test_no_hub(self):
        self.refused("is no address of a hub", code=2, HF_ENDPOINT="file:///etc")
        self.refused("is no address of a hub", code=2, HF_ENDPOINT="nowhere at all")
        for listing in (b"<html>", b"[]", b'{"siblings": 1}', b'{"siblings": ["a"]}', b'{"siblings": [{"rfilename": 1}]}'):
            with self.subTest(listing):
                self.hub.listing = listing
                self.refused("does not say which files org/small has", code=1)

    def test_a_wrong_hash(self):
        self.hub.sent["model.safetensors"] = self.files["model.safetensors"][:-1] + b"\1"
        self.refused("has the SHA-256", "and the server says", code=3)
        self.assertEqual(list((self.home / ".small.part").glob("model*")), [])
        self.hub.sent.clear()
        self.get()
        self.installed()

    def test_a_wrong_hash_on_the_way(self):
        self.hub.says_hash = False
        self.hub.linked_hash = "0" * 64
        self.refused("has the SHA-256", "0" * 64, code=3)
        self.hub.says_hash = True
        self.refused("has two SHA-256", code=3)

    def test_a_length_that_is_a_lie(self):
        whole = self.files["model.safetensors"]
        self.hub.sent["model.safetensors"] = whole + b"more"
        self.refused("as the hub lists it", code=3)
        self.hub.lengthless = True
        self.refused("is longer than the", code=3)
        self.hub.sent["model.safetensors"] = whole[:-1]
        self.refused(f"ended after {len(whole) - 1:,} of {len(whole):,} bytes", code=1)
        self.hub.sent.clear()
        self.get()
        self.installed()

    def test_a_range_that_is_another(self):
        self.hub.cut = 1 << 20
        self.hub.shift = 1
        self.refused("from another place on", code=3)

    def test_what_is_not_there_or_gated(self):
        self.refused("the model is not there", code=2, name="org/nothing")
        self.refused("is gated", "set HF_TOKEN", code=2, name="org/gated")
        self.refused("the token in HF_TOKEN may not read it", code=2, name="org/gated", HF_TOKEN="hf_secret")
        del self.hub.files["config.json"]
        self.refused("has no config.json", code=3)

    def test_the_token_goes_to_the_hub_alone(self):
        other = Hub(dict(self.files))   # another port is another origin
        self.addCleanup(other.close)
        self.hub.location = other.address + "/storage/{file}"
        self.get(HF_TOKEN="hf_secret")
        self.installed()
        self.assertTrue(self.hub.asked and other.asked)
        self.assertTrue(all(headers.get("Authorization") == "Bearer hf_secret" for _, headers in self.hub.asked))
        self.assertFalse(any("hf_secret" in str(headers) or "hf_secret" in path for path, headers in other.asked))
        done = self.get("--to", "other", code=2, HF_TOKEN="a\nX-Other: b")
        self.assertIn("holds characters that no token has", done.stderr)

    def test_where_it_must_not_be_sent_on_to(self):
        self.hub.location = "file:///etc/passwd"
        self.refused("which is not followed", code=1)
        self.hub.location = "/org/small/resolve/main/{file}"
        self.refused("more than 10 times", code=1)

    def test_an_unknown_net_is_said_before_its_weights_come(self):
        self.hub.files["config.json"] = json.dumps({**CONFIG, "model_type": "t5"}).encode()
        self.refused("has the architecture 't5'", code=3)
        self.hub.files["config.json"] = json.dumps({**CONFIG, "hidden_act": "relu"}).encode()
        self.refused("relu", code=3)
        self.hub.files["config.json"] = json.dumps({**CONFIG, "hidden_size": 4096, "num_hidden_layers": 200}).encode()
        self.refused("million weights", code=3)
        self.hub.files["config.json"] = self.files["config.json"]
        del self.hub.files["tokenizer.json"]
        self.refused("tokenizer.json is missing", code=3)
        del self.hub.files["model.safetensors"]
        self.refused("has no model.safetensors", "can run code", code=3)
        self.assertEqual(self.hub.times("model.safetensors") + self.hub.times("tokenizer.json"), 0)
        self.assertEqual(list(self.home.glob(".small.*part*")), [])

    def test_a_disk_that_takes_no_more(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (PADDING // 2, PADDING // 2))
        done = subprocess.run([PROGRAM, "encoders", "get", "org/small"], capture_output=True, text=True,
                              env=self.environment(), preexec_fn=limit, restore_signals=False)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("cannot write", done.stderr)
        self.hub.said_bytes["model.safetensors"] = 1 << 60
        self.refused("left, and", "free some space", code=6)

    def test_a_licence_from_the_hub_and_one_that_nobody_says(self):
        self.hub.more = {"cardData": {"license": "apache-2.0"}}
        self.assertIn("Apache-2.0", self.get().stdout)
        self.hub.more, self.hub.commit = {}, COMMIT[::-1]
        del self.hub.files["README.md"]
        self.assertIn("licence unknown", self.get().stdout)

    def test_a_terminal_sees_how_far_it_is(self):
        self.hub.slow = 0.02
        here, there = pty.openpty()
        child = subprocess.Popen([PROGRAM, "encoders", "get", "org/small"], env=self.environment(), stderr=there,
                                 stdout=subprocess.DEVNULL)
        os.close(there)
        seen = b""
        with contextlib.suppress(OSError):
            while piece := os.read(here, 4096):
                seen += piece
        os.close(here)
        self.assertEqual(child.wait(), 0)
        self.assertIn(b"model.safetensors  ", seen)
        self.assertIn(b"a second", seen)

    def test_a_name_of_the_hub_where_one_of_an_encoder_is_wanted(self):
        (self.root / "texts.csv").write_text("text,label\na,b\nc,d\n")
        done = self.run_program("train", "data=texts.csv", "encoder=org/small", "out=run", code=2)
        self.assertIn("fewlabel encoders get org/small", done.stderr)


if __name__ == "__main__":
    unittest.main()
