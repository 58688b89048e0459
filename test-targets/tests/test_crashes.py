# SPDX-License-Identifier: MIT
"""Processes that died in a planted way: `crash` names the cause, and no wrong one as certain."""
import json
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

CAUSES = {
    "null_field": {"null-pointer"},
    "null_type": {"null-type", "null-pointer"},
    "null_call": {"null-call"},
    "wild_call": {"wild-call"},
    "wild_item": {"wild-pointer"},
    "smashed_type": {"header-overwritten"},
    "smashed_in_collection": {"header-overwritten"},
    "reused": {"use-after-free"},
    "stack_overflow": {"stack-overflow"},
    "double_free": {"malloc-corruption"},
    "eat_none": {"fatal-error"},
    "write_constant": {"wild-pointer"},
    "wrong_type": {"wild-pointer", "null-pointer"},
    "without_gil": {"null-pointer"},
    "divide": {"unknown"},
    "overflow": {"header-overwritten"},
    "freed": {"use-after-free", "header-overwritten"},
    "unmapped": {"wild-pointer"},
    "thread_state": {"use-after-free"},
    "uninitialised": {"uninitialised"},
    "traverse": {"wild-pointer"},
    "dealloc": {"null-pointer"},
    "memory": {"out-of-memory"},
    "give_up": {"unknown"},
    "sent": {"unknown"},
}
"""What each way to die may be called. The unknown ones are no object's fault; bytes that are no
object may be one that was overwritten, or memory that has been handed out again."""

NAMED = ("null_type", "smashed_type", "smashed_in_collection", "reused", "overflow", "freed", "unmapped")
"""Those of which the planted object is the pointer at fault."""

CONTAINERS = {"wild_item": "holder", "traverse": "holder", "reused": "target"}
"""Those that a collection dies of: whether the planted object is the container it was on, or what that refers to."""

# What a debug build asserts before it comes to that.
DEBUG = {"without_gil": {"assertion", "fatal-error"}}

# None and its like are immortal since 3.12 (gh-84436).
UNTIL = {"eat_none": 0x030C0000}
# 3.8 looks whether there is a thread state.
SINCE = {"without_gil": 0x03090000}


class Crashes(unittest.TestCase):
    maxDiff = None

    def answer(self, target):
        ran = refscope.call(target.core, "crash", "--format", "json")
        self.assertIn(ran.status, (refscope.ANSWERED, refscope.IN_PART), ran.err)
        return json.loads(ran.out)

    def test_each_is_named(self):
        require_refscope()
        for path in PYTHONS:
            for kind, causes in CAUSES.items():
                with self.subTest(python=path, kind=kind):
                    target = Target("crashes", path, [kind])
                    since, until = SINCE.get(kind, 0), UNTIL.get(kind, 1 << 32)
                    if not since <= target.python.hexversion < until:
                        continue
                    said = self.answer(target)
                    whole = json.dumps(said, indent=1)[:6000]
                    causes = DEBUG.get(kind, causes) if "d-" in target.python.suffix else causes
                    self.assertIn(said["cause"], causes, whole)
                    if kind in CONTAINERS and "d-" not in target.python.suffix:
                        container = dict(said["container"] or {})
                        container["holder"] = container.get("holder", {}).get("addr")
                        found = container.get(CONTAINERS[kind])
                        self.assertEqual(found, hex(target.facts["subject"]), whole)
                    if kind in NAMED and said["suspects"]:
                        subject = int(said["suspects"][0]["addr"], 16)
                        self.assertEqual(subject, target.facts["subject"], whole)

    def test_what_is_being_deallocated(self):
        require_refscope()
        target = Target("crashes", args=["dealloc"])
        wanted = "of Holder 0x%x, which is being deallocated" % target.facts["subject"]
        self.assertIn(wanted, self.answer(target)["sentence"])

    def test_what_wrote_over_a_header(self):
        require_refscope()
        facts = self.answer(Target("crashes", args=["overflow"]))["suspects"][0]["facts"]
        self.assertTrue(any("in the block before it: bytes 0x" in f["text"] for f in facts), facts)

    def test_the_frame_that_died(self):
        require_refscope()
        said = self.answer(Target("crashes", args=["null_call"]))
        self.assertIn("Python: use() at crashes.py", " ".join(f["text"] for f in said["facts"]))

    def test_the_slot_that_still_refers_there(self):
        require_refscope()
        target = Target("crash")
        said = self.answer(target)
        self.assertEqual((said["cause"], said["sure"]), ("use-after-free", "likely"))
        suspect = said["suspects"][0]
        self.assertIn(int(suspect["addr"], 16), target.facts["freed"])
        holders = {int(d["holder"]["addr"], 16) for d in suspect["dangling"]}
        self.assertEqual(holders, {target.facts["deque"]})

    def test_the_text_says_the_same(self):
        require_refscope()
        ran = refscope.call(Target("crash").core, "crash")
        self.assertTrue(ran.out.startswith("Use after free: "), ran.out[:200])


if __name__ == "__main__":
    unittest.main()
