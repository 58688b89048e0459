# SPDX-License-Identifier: MIT
"""Cores of other machines whose files are not here: what code would have told is guessed, and that is said."""
import collections
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import refscope  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.export import Export  # noqa: E402
from harness.target import Target  # noqa: E402

ALIKE = 0.999
"""What share of the owned references must be those that are found with all files, both ways."""

NOWHERE = []


def setUpModule():
    empty = tempfile.TemporaryDirectory(prefix="refscope-empty-")
    unittest.addModuleCleanup(empty.cleanup)
    NOWHERE[:] = "--sysroot", empty.name


def owned(core, *options):
    """Owned references of objects by the addresses of both ends, and the names that are guesses."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        refscope.call(*options, core, "export", "-o", file.name)
        export = Export.load(Path(file.name))
    at = {number: object.addr for number, object in export.objects.items()}
    edges = [edge for edge in export.edges if edge.ref == "owned" and edge.src >= 0]
    return (collections.Counter((at[edge.src], at[edge.dst]) for edge in edges),
            [edge.name for edge in edges if edge.name.endswith(" (guess)")])


class WithoutCode(unittest.TestCase):
    def setUp(self):
        require_refscope()

    def surplus(self, core, *options):
        ran = refscope.call(*options, "--format", "json", core, "audit")
        return refscope.addresses(row["addr"] for row in json.loads(ran.out)["surplus"])

    def test_references_are_nearly_those_found_with_all_files(self):
        for program in ("bare", "stdlib", "shared"):
            with self.subTest(program=program):
                core = Target(program).core
                whole, no_guesses = owned(core)
                guessed, guesses = owned(core, *NOWHERE)
                self.assertFalse(no_guesses)
                self.assertTrue(guesses)
                most = sum(whole.values()) * (1 - ALIKE)
                self.assertLessEqual(sum((whole - guessed).values()), most, "missing")
                self.assertLessEqual(sum((guessed - whole).values()), most, "too many")

    def test_a_sound_heap_is_not_called_broken(self):
        for program in ("bare", "stdlib", "shared"):
            with self.subTest(program=program):
                ran = refscope.call(*NOWHERE, "--format", "json", Target(program).core, "audit")
                self.assertEqual(ran.status, refscope.IN_PART)
                self.assertIn("Such references are marked (guess)", ran.err)
                answer = json.loads(ran.out)
                self.assertEqual((answer["deficit"], answer["broken"]), ([], []))
                self.assertGreaterEqual(answer["explained"] / answer["mortal"], ALIKE)

    def test_planted_leaks_are_found(self):
        target = Target("leaks")
        planted = {fact["addr"] for fact in target.facts["remainders"]}
        whole, guessed = (self.surplus(target.core, *options) & planted for options in ([], NOWHERE))
        self.assertTrue(whole)
        self.assertEqual(guessed, whole)

    def test_code_that_is_not_here_is_no_wild_call(self):
        ran = refscope.call(*NOWHERE, Target("bare").core, "crash")
        self.assertIn("This target did not crash", ran.out)

    def test_missing_files_take_few_lines(self):
        ran = refscope.call(*NOWHERE, Target("stdlib").core, "heap")
        self.assertLessEqual(len(ran.err.splitlines()), 4, ran.err)


if __name__ == "__main__":
    unittest.main()
