"""hostile.py must call wrong what is wrong: programs that crash, lie, chatter, hang or eat memory stand in for ours."""
import os
import pathlib
import tempfile
import unittest

import cases
import hostile
from seeds import png

WHOLE = ('{"train": {"examples": 5, "left_out": 0, "damaged": [], "formats": {"PNG": 5}}, "test": null}')
DAMAGED = WHOLE.replace("[]", '[{"name": "cat/x.png", "reason": "is cut short, it seems"}]')
CUT = cases.image("png/cut", png()[:40], "png")
NONE = cases.Case("file/none", "refused", {"a.xyz": b"x"}, path="a.xyz")
SENTENCE = "fewlabel: [/data/a.xyz] is no dataset that is known"


def tried(case, script, known=()):
    """What hostile.py says of a program that answers so."""
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "program"
        program.write_text("#!/bin/sh\ncase \"$3\" in */ordinary/*)\n" + f"echo '{WHOLE}'; exit 0;; esac\n" + script)
        os.chmod(program, 0o755)
        runner = hostile.Runner(program, jobs=1)
        try:
            runner.seconds = 3
            lines, well = hostile.judge(runner.try_all([case]), known)
        finally:
            runner.close()
        return well, lines


class Stand(unittest.TestCase):
    def right(self, case, script):
        well, lines = tried(case, script)
        self.assertTrue(well, lines)

    def wrong(self, case, script, saying):
        well, lines = tried(case, script)
        self.assertFalse(well, lines)
        self.assertIn(saying, lines[0])

    def test_answers_that_are_right(self):
        self.right(CUT, f"echo '{DAMAGED}'")
        self.right(NONE, f"echo '{SENTENCE}' >&2; exit 3")

    def test_crashes(self):
        self.wrong(CUT, "kill -SEGV $$", "exit code -11")
        self.wrong(CUT, "exit 139", "exit code 139")
        self.wrong(NONE, f"echo '{SENTENCE}' >&2; exit 1", "exit code 1")
        self.wrong(CUT, f"echo 'terminate called after' >&2; echo '{DAMAGED}'", "terminate called")
        self.wrong(CUT, f"echo 'a.cpp:7: runtime error: shift' >&2; echo '{DAMAGED}'", "runtime error:")
        self.wrong(NONE, f"echo '{SENTENCE} [internal]' >&2; exit 3", "internal")

    def test_damage_that_is_not_named(self):
        self.wrong(CUT, f"echo '{WHOLE}'", "is read")
        self.wrong(CUT, f"echo '{DAMAGED.replace('x.png', 'g0.png')}'", "were expected")
        self.wrong(CUT, f"echo '{DAMAGED.replace('is cut short, it seems', '')}'", "no reason")
        self.wrong(CUT, "echo 'all is well'", "cannot be read")
        fewer = DAMAGED.replace(': 5, "left', ': 4, "left')
        self.wrong(CUT, f"echo '{fewer}'", "4 examples")

    def test_refusals_that_are_no_sentence(self):
        self.wrong(NONE, "exit 3", "no single sentence")
        self.wrong(NONE, f"echo '{SENTENCE}' >&2; echo '{SENTENCE}' >&2; exit 3", "no single sentence")
        self.wrong(NONE, "echo 'fewlabel: [/data/b] is no dataset' >&2; exit 3", "does not name")
        self.wrong(NONE, "echo 'fewlabel: [a.xyz] ' >&2; exit 3", "without a reason")
        self.wrong(NONE, f"printf '{SENTENCE} \\033[31m' >&2; exit 3", "control character")
        self.wrong(NONE, f"printf '{SENTENCE} \\377' >&2; exit 3", "not UTF-8")
        self.wrong(NONE, f"echo '{WHOLE}'", "is read, where refused")

    def test_time_and_memory(self):
        self.wrong(CUT, "exec sleep 60", "ran longer")
        eater = "import sys, time; x = b'x' * (3 << 30); time.sleep(1)"
        self.wrong(CUT, f"exec python3 -c \"{eater}\"", "MiB")

    def test_what_is_known_to_be_wrong(self):
        self.assertTrue(tried(CUT, "exit 139", {CUT.name: "crashes"})[0])
        well, lines = tried(CUT, f"echo '{DAMAGED}'", {CUT.name: "crashes"})
        self.assertFalse(well)
        self.assertIn("strike it off", lines[0])

    def test_names_of_cases_differ(self):
        names = [case.name for case in hostile.every_case()]
        self.assertGreater(len(names), 300)
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual({*hostile.KNOWN, *cases.SLOW}, set(names))


if __name__ == "__main__":
    unittest.main()
