# SPDX-License-Identifier: MIT
"""Layouts that are wrong in one field are refused or told, or less is found: nothing is made up silently."""
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402

UNSAID = {"PyHeapTypeObject.ht_cached_keys", "PyInterpreterFrame.f_locals", "arena_object.pool_address"}
"""Fields without which less is found, and nothing says so: docs/versions.md."""

PROGRAM = build.BUILD / "bin" / "moved"


class Moved(unittest.TestCase):
    def test_what_is_wrong_is_not_silent(self):
        require_refscope()
        if build.interpreter().hexversion >> 16 != 0x030B:
            self.skipTest("tried on 3.11, which is what most cores are of")
        done = subprocess.run([str(PROGRAM), str(Target("bare").core)], stdout=subprocess.PIPE, text=True)
        silent = set(re.findall(r"^SILENT (\S+) by", done.stdout, re.M))
        tried = re.findall(r"^(?:refused|told|same|less|unsaid|SILENT) \S+ by", done.stdout, re.M)
        self.assertGreater(len(tried), 900)
        self.assertEqual(silent, set())
        self.assertLessEqual(set(re.findall(r"^unsaid (\S+) by", done.stdout, re.M)), UNSAID)


if __name__ == "__main__":
    unittest.main()
