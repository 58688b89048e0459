# SPDX-License-Identifier: MIT
"""A version of CPython that comes after refscope: answered as far as proofs go, and never silently."""
import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build, compare, endtoend, refscope  # noqa: E402
from harness.export import Export  # noqa: E402
from harness.corefile import Core  # noqa: E402
from harness.target import Target  # noqa: E402

PYTHONS = [build.DEFAULT_PYTHON] + [
    p for p in os.environ.get("REFSCOPE_TEST_PYTHONS", "").split(":") if p]
LAST = 0x030F0000
"""The last minor version that refscope knows."""

SAID = "CPython 3.16."
SINCE = 0x030B0000  # Py_Version


class Later(unittest.TestCase):
    def check_answered(self, target):
        """It is the last one in disguise: what it was read like is true of it, and all is right."""
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "export.jsonl"
            ran = refscope.call(target.core, "export", "-o", path)
            self.assertEqual(ran.status, refscope.IN_PART, ran.err)
            self.assertIn(SAID, ran.err)
            case = compare.Case(Export.load(path), target.truth, Core(target.core), target.facts)
        for result in (compare.generations(case), compare.refcounts(case), compare.visited(case)):
            endtoend.EndToEnd.hold(self, result)

    def check_refused(self, target):
        """It is an older one: its layout is another, and that is seen."""
        for verb in ("heap", "garbage", "audit", "arenas", "gc", "threads", "cycles", "crash"):
            ran = refscope.call(target.core, verb)
            self.assertEqual((ran.status, ran.out), (refscope.FAILED, ""), verb)
            self.assertIn(SAID, ran.err)
            self.assertNotIn("Traceback", ran.err)

    def test_what_is_said_is_right_or_not_said(self):
        endtoend.require_refscope()
        for path in PYTHONS:
            target = Target("later", path)
            if target.python.hexversion < SINCE or target.python.free_threaded:
                continue
            with self.subTest(python=path):
                known = target.python.hexversion >= LAST
                (self.check_answered if known else self.check_refused)(target)


if __name__ == "__main__":
    unittest.main()
