# SPDX-License-Identifier: MIT
"""Layouts that are wrong in one field are refused or told, or less is found: nothing is made up silently.

    test_moved.py [--every]     of the interpreter that targets run under, or of one of each version that is at hand
"""
import concurrent.futures
import platform
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build, interpreters  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402

PROGRAM = build.BUILD / "bin" / "moved"
EVERY = "--every" in sys.argv


def pythons():
    """One of each version and kind of build whose structures differ, of this machine."""
    if not EVERY:
        return [build.DEFAULT_PYTHON]
    chosen = {}
    for row in interpreters.known():
        if isinstance(row, interpreters.Found) and row.machine == platform.machine() and row.kind != "debug":
            chosen.setdefault((row.version.rsplit(".", 1)[0], row.kind), row.path)
    return list(chosen.values())


def read(core):
    return subprocess.run([str(PROGRAM), str(core)], stdout=subprocess.PIPE, text=True).stdout


class Moved(unittest.TestCase):
    def test_what_is_wrong_is_not_silent(self):
        require_refscope()
        cores = {python: Target("bare", python=python).core for python in pythons()}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            outputs = dict(zip(cores, pool.map(read, cores.values())))
        for python, output in outputs.items():
            print("%s: %s" % (build.interpreter(python).tag, output.splitlines()[-1] if output else "nothing"))
            with self.subTest(python=python):
                self.assertGreater(len(re.findall(r"^[a-zA-Z]+ \S+ by [48]$", output, re.M)), 800)
                self.assertEqual(re.findall(r"^(?:SILENT|unsaid) .*", output, re.M), [])


if __name__ == "__main__":
    sys.argv = [arg for arg in sys.argv if arg != "--every"]
    unittest.main()
