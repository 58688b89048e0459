# SPDX-License-Identifier: MIT
"""What is left unexplained, by program and type: each is told in docs/unexplained.md, with its cause."""
import collections
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build, refscope  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402

DOC = build.ROOT.parent / "docs/unexplained.md"
TABLE = build.BUILD / "unexplained.md"

TOLD_OF = 0x030B
"""The version that the page is about."""

LEAST = {"bare": 0.999, "stdlib": 0.999, "modules": 0.999, "web": 0.99, "server": 0.99, "numeric": 0.99}
"""What share of the counts must be explained: programs of nothing but CPython, and with extensions."""


class Unexplained(unittest.TestCase):
    def setUp(self):
        require_refscope()

    def answers(self):
        for name in LEAST:
            target = Target(name)
            if not target.missing():
                yield name, refscope.ask(target.core, ["audit"])["audit"]

    def test_each_type_is_told_with_its_cause(self):
        by_type = DOC.read_text().partition("## By type")[2]
        rows = re.findall(r"^\| (`[^|]+`) \|", by_type, re.M)
        told = set(re.findall("`([^`]+)`", " ".join(rows)))
        lines = ["| program | counted | balanced | explained | not explained, by type |", "|---|---|---|---|---|"]
        met = set()
        for name, answer in self.answers():
            types = collections.Counter(row["type"] for row in answer["surplus"])
            met |= set(types)
            shares = ["%.2f %%" % (100 * answer[key] / answer["mortal"]) for key in ("balanced", "explained")]
            listed = ", ".join("%s %d" % each for each in types.most_common()) or "none"
            lines.append("| `%s` | %s | %s | %s | %s |" % (name, format(answer["mortal"], ","), *shares, listed))
        TABLE.write_text("\n".join(lines) + "\n")
        if build.interpreter().hexversion >> 16 != TOLD_OF:
            self.skipTest("the page is about another version")
        self.assertLessEqual(met, told, "docs/unexplained.md says nothing of some types")

    def test_most_is_explained(self):
        for name, answer in self.answers():
            with self.subTest(program=name):
                self.assertEqual(answer["deficit"], [])
                self.assertGreaterEqual(answer["explained"] / answer["mortal"], LEAST[name])


if __name__ == "__main__":
    unittest.main()
