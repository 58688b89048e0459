# SPDX-License-Identifier: MIT
"""Each fuzz target over its sound inputs and damaged ones, checked by the address sanitizer."""
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build  # noqa: E402

TARGETS = sorted(p.stem[len("fuzz_"):] for p in
                 (build.ROOT.parent / "libinspect" / "fuzz").glob("fuzz_*.c"))
COPIES = 60


class FuzzTest(unittest.TestCase):
    def run_target(self, target: str, *words: str) -> subprocess.CompletedProcess:
        program = build.BUILD / "asan" / "bin" / ("fuzz-" + target)
        return subprocess.run([str(program), *words], capture_output=True, text=True, timeout=120,
                              errors="replace")

    def test_targets_stand_what_is_damaged(self) -> None:
        self.assertGreaterEqual(len(TARGETS), 4)
        for target in TARGETS:
            with self.subTest(target):
                ran = self.run_target(target, "-n", str(COPIES))
                self.assertEqual(ran.returncode, 0, ran.stderr[-3000:])
                found = re.match(r"(\d+) seeds, (\d+) inputs tried", ran.stdout)
                self.assertTrue(found, ran.stdout)
                self.assertGreater(int(found[1]), 0)
                self.assertEqual(int(found[2]), int(found[1]) * (COPIES + 1))

    def test_a_file_that_is_not_there_is_told(self) -> None:
        ran = self.run_target(TARGETS[0], "/nonexistent")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("/nonexistent", ran.stderr)


if __name__ == "__main__":
    unittest.main()
