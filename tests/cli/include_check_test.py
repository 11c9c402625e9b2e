"""scripts/check_includes.py: finds what it is there to find."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        result = subprocess.run([sys.executable, ROOT / "scripts/check_includes.py", folder], capture_output=True,
                                text=True, check=False)
        return result.returncode, result.stdout


class Includes(unittest.TestCase):
    def test_lower_may_not_include_higher(self):
        good = {"src/core/CMakeLists.txt": "a.cpp", "src/data/CMakeLists.txt": "b.cpp", "src/core/a.cpp": "",
                "src/data/b.cpp": '#include "core/files.h"\n'}
        self.assertEqual(check(good), (0, ""))
        code, text = check({**good, "src/core/a.cpp": '\n#include "data/loader.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("src/core/a.cpp:2:", text)

    def test_report_needs_only_core(self):
        self.assertEqual(check({"src/data/x.h": '#include "report/html.h"\n'})[0], 0)
        self.assertEqual(check({"src/report/x.h": '#include "data/loader.h"\n'})[0], 1)

    def test_torch_stays_out_of_the_light_modules(self):
        for target in ("<torch/torch.h>", '"fewlabel/method.h"', "<c10/util/Exception.h>"):
            self.assertEqual(check({"src/modalities/x.h": f"#include {target}\n"})[0], 1, target)
            self.assertEqual(check({"src/methods/x.h": f"#include {target}\n"})[0], 0, target)
            self.assertEqual(check({"cli/x.h": f"#include {target}\n"})[0], 1, target)

    def test_public_headers_are_those_of_a_module(self):
        for file, target, code in (("src/core/x.h", "fewlabel/error.h", 0), ("src/core/x.h", "fewlabel/run.h", 1),
                                   ("src/plan/x.h", "fewlabel/trainer.h", 1), ("src/nets/x.h", "fewlabel/method.h", 1),
                                   ("src/train/x.h", "fewlabel/method.h", 0),
                                   ("src/report/x.h", "fewlabel/dataset.h", 1),
                                   ("cli/x.h", "fewlabel/predictor.h", 1), ("cli/x.h", "fewlabel/run.h", 0),
                                   ("cli/engine.cpp", "fewlabel/trainer.h", 1),
                                   ("include/fewlabel/dataset.h", "fewlabel/net.h", 1),
                                   ("include/fewlabel/run.h", "core/files.h", 0),
                                   ("include/fewlabel/run.h", "torch/torch.h", 1),
                                   ("include/fewlabel/net.h", "torch/torch.h", 0)):
            files = {file: f'#include "{target}"\n', "cli/CMakeLists.txt": "engine.cpp"}
            self.assertEqual(check(files)[0], code, (file, target))
        for files in ({"include/fewlabel/new.h": ""}, {"src/app/x.h": '#include "fewlabel/new.h"\n'},
                      {"src/core/x.h": '#include "cli/help.h"\n'}, {"src/strange/x.h": ""}):
            self.assertEqual(check(files)[0], 1, files)

    def test_each_source_is_in_a_target(self):
        code, text = check({"src/core/CMakeLists.txt": "a.cpp # b.cpp", "src/core/a.cpp": "", "src/core/b.cpp": ""})
        self.assertEqual(code, 1)
        self.assertEqual(text, "src/core/b.cpp:1: is in no CMakeLists.txt\n")


if __name__ == "__main__":
    unittest.main()
