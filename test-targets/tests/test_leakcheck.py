# SPDX-License-Identifier: MIT
"""The leak check of a small extension project, as the project itself would run it."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build, refscope  # noqa: E402

PROJECT = build.ROOT / "leakcheck"

# Above 256 each count of a word is an int of its own; three words of 1000, 500 and 500; three rounds.
LEAKED = 3 * ((1000 - 256) + 2 * (500 - 256))


class LeakCheck(unittest.TestCase):
    def check(self, *flags):
        """`make check` of the project, in a folder of its own."""
        python = build.interpreter()
        # Not as a part of the make that may have started this test.
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        env["REFSCOPE"] = str(refscope.PROGRAM)
        with tempfile.TemporaryDirectory() as out:
            command = ["make", "-C", str(PROJECT), "OUT=" + out, "PYTHON=" + python.path, *flags]
            built = subprocess.run([*command, "all"], capture_output=True, text=True, env=env)
            self.assertEqual(built.returncode, 0, built.stderr)
            return subprocess.run([str(PROJECT / "check_leaks"), python.path, out],
                                  capture_output=True, text=True, env=env)

    def test_the_leak_is_found_and_fails_the_check(self):
        done = self.check("CPPFLAGS=-DTALLY_BUG")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertIn("%s new objects leak or are held by C" % format(LEAKED, ","),
                      done.stdout.splitlines()[0])
        self.assertIn("by type: int +%s" % format(LEAKED, ","), done.stdout)

    def test_without_it_the_check_passes(self):
        done = self.check()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(done.stdout.startswith("No new deficit and no new leak: "), done.stdout)


if __name__ == "__main__":
    unittest.main()
