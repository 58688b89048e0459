# SPDX-License-Identifier: MIT
"""Where tracemalloc saw objects allocated is what refscope reads from the core."""
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


def frames(answer):
    """What `obj` says, in the form of the facts."""
    return [[row["file"], row["line"]] for row in answer.get("allocated", {"frames": []})["frames"]]


class Traced(unittest.TestCase):
    maxDiff = None

    def test_each_object_is_where_tracemalloc_says(self):
        require_refscope()
        for path in PYTHONS:
            with self.subTest(python=path):
                target = Target("traced", path)
                facts = target.facts["allocated"]
                self.assertGreater(sum(bool(fact["frames"]) for fact in facts), 100)
                verbs = ["obj --limit 1 0x%x" % fact["addr"] for fact in facts]
                answers = refscope.ask(target.core, verbs)
                said = [[fact["addr"], frames(answers[verb])] for fact, verb in zip(facts, verbs)]
                self.assertEqual(said, [[fact["addr"], fact["frames"]] for fact in facts])

    def test_the_screens_say_it(self):
        require_refscope()
        target = Target("traced")
        fact = next(f for f in target.facts["allocated"] if len(f["frames"]) == 7)
        file, line = fact["frames"][0]
        for verb in ("obj", "refs"):
            ran = refscope.call(target.core, verb, "0x%x" % fact["addr"])
            self.assertIn("allocated: ", ran.out)
            self.assertIn("%s:%d" % (os.path.basename(file), line), "".join(ran.out.split()))
        self.assertIn("allocated at", refscope.call(target.core, "retained").out)

    def test_nothing_is_said_where_nothing_was_traced(self):
        require_refscope()
        target = Target("shared")
        addr = next(iter(target.truth.objects))
        self.assertNotIn("allocated", refscope.call(target.core, "obj", "0x%x" % addr).out)


if __name__ == "__main__":
    unittest.main()
