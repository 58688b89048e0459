# SPDX-License-Identifier: MIT
"""Layouts that are wrong in one field are refused, repaired or told; docs/versions.md lists those that are not seen."""
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402

PROGRAM = build.BUILD / "bin" / "moved"
DOC = build.ROOT.parent / "docs/versions.md"


class Moved(unittest.TestCase):
    def test_what_is_wrong_is_not_silent(self):
        require_refscope()
        if build.interpreter().hexversion >> 16 != 0x030B:
            self.skipTest("the page is about 3.11")
        done = subprocess.run([str(PROGRAM), str(Target("bare").core)], stdout=subprocess.PIPE, text=True)
        silent = set(re.findall(r"^SILENT (\S+) by", done.stdout, re.M))
        tried = re.findall(r"^(?:refused|told|same|SILENT) \S+ by", done.stdout, re.M)
        self.assertGreater(len(tried), 900)
        section = DOC.read_text().partition("## A field elsewhere")[2].partition("\n## ")[0]
        self.assertLessEqual(silent, set(re.findall(r"`(\w+\.\w+)`", section)))


if __name__ == "__main__":
    unittest.main()
