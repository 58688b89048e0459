# SPDX-License-Identifier: MIT
"""Memory that was overwritten in a planted way: `audit` finds that, and nothing else."""
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build, refscope  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402

PYTHONS = [build.DEFAULT_PYTHON] + [
    p for p in os.environ.get("REFSCOPE_TEST_PYTHONS", "").split(":") if p]

KINDS = {
    "behind": range(0x03080000, 0x04000000),
    "before": range(0x03080000, 0x04000000),
    "freed": range(0x03080000, 0x04000000),
    "pool_count": range(0x03080000, 0x04000000),
    "pool_freelist": range(0x03080000, 0x04000000),
    "gc_link": range(0x03080000, 0x04000000),
    "too_many": range(0x03080000, 0x04000000),
    "eaten": range(0x03080000, 0x030C0000),  # None is immortal from then on (gh-84436)
    "drifted": range(0x030C0000, 0x04000000),
}
"""Each damage, and the versions it can be done to."""


class Damage(unittest.TestCase):
    maxDiff = None

    def check(self, target):
        ran = refscope.call(target.core, "audit", "--fail-on", "broken")
        self.assertEqual(ran.status, refscope.CHECK_FAILED, ran.out + ran.err)
        self.assertIn("BROKEN", ran.out)
        found = refscope.ask(target.core, ["audit"])["audit"]["broken"]
        rules = {(row["rule"], int(row["addr"], 16)) for row in found}
        self.assertEqual(rules, {(target.facts["rule"], target.facts["addr"])}, found)
        if target.facts["around"]:
            self.assertIn("0x%x" % target.facts["around"], found[0]["around"])

    def test_each_is_found(self):
        require_refscope()
        for path in PYTHONS:
            for kind, versions in KINDS.items():
                with self.subTest(python=path, kind=kind):
                    target = Target("damage", path, [kind])
                    if target.python.hexversion in versions and not target.python.free_threaded:
                        self.check(target)


if __name__ == "__main__":
    unittest.main()
