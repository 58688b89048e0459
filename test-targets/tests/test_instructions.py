# SPDX-License-Identifier: MIT
"""No stage takes more instructions of the same heap than it did, but for 2 %."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import instructions  # noqa: E402

MOST = 1.02


class Instructions(unittest.TestCase):
    def test_no_stage_takes_more_than_it_did(self):
        if not instructions.has_callgrind():
            self.skipTest("valgrind is not here")
        compiler = instructions.compiler()
        kept = instructions.kept().get(compiler)
        if kept is None:
            self.skipTest("nothing is kept for '%s': make instructions" % compiler)
        for stage, count in instructions.count().items():
            with self.subTest(stage=stage):
                self.assertLessEqual(
                    count, kept[stage] * MOST,
                    "%s took %d; if that has to be: make instructions" % (stage, kept[stage]))


if __name__ == "__main__":
    unittest.main()
