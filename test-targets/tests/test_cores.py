# SPDX-License-Identifier: MIT
"""refscope on cores of the planted programs, against what their interpreter said afterwards."""
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import compare, endtoend, refscope  # noqa: E402
from harness.corefile import Core  # noqa: E402
from harness.endtoend import bills, case_of, require_refscope  # noqa: E402
from harness.export import Export  # noqa: E402
from harness.refscope import addresses  # noqa: E402
from harness.target import Target  # noqa: E402
from harness.truth import Truth  # noqa: E402

BareTest = case_of("bare")
SharedTest = case_of("shared")
CyclesTest = case_of("cycles")
StdlibTest = case_of("stdlib")
ModulesTest = case_of("modules")
FinalizersTest = case_of("finalizers")
WeakrefsTest = case_of("weakrefs")
LoggingCycleTest = case_of("logging_cycle")
CollectorTest = case_of("collector")
DisabledTest = case_of("disabled")
FrozenTest = case_of("frozen")
NativeTest = case_of("native")
OverReleaseTest = case_of("over_release")
PinnedTest = case_of("pinned")
ExttypesTest = case_of("exttypes")
ExpressionsTest = case_of("expressions")
PositionsTest = case_of("positions")
BusyTest = case_of("busy")
ThreadsTest = case_of("threads")
MallocTest = case_of("malloc")
DebugHooksTest = case_of("debug_hooks")
TracedTest = case_of("traced")
SubinterpreterTest = case_of("subinterpreter")
InCollectionTest = case_of("in_collection")
MixedTest = case_of("mixed")
NumericTest = case_of("numeric")
WebTest = case_of("web")
ServerTest = case_of("server")


class LeaksTest(case_of("leaks")):
    def test_bills_of_the_leaked(self):
        case = self.answered.case
        self.hold(bills(case, [r["addr"] for r in case.facts["remainders"]]))

    def test_a_leak_keeps_its_ring_from_being_garbage(self):
        leaked = {r["addr"] for r in self.answered.case.facts["remainders"]}
        found = addresses(self.answered.answers["garbage"]["unreachable"])
        self.assertFalse(leaked & found)


class OrdersTest(case_of("orders")):
    def test_bills_of_what_the_screens_show(self):
        case = self.answered.case
        asked = [r["addr"] for r in case.facts["remainders"] + case.facts["refcounts"]]
        self.hold(bills(case, asked))

    def test_the_39_cycles_of_two(self):
        planted = [set(c["members"]) for c in self.answered.case.facts["cycles"]]
        self.assertEqual(len(planted), 39)
        rows = [addresses(r["members"]) for r in self.answered.answers["cycles"]
                if not r["reachable"]]
        for ring in planted:
            self.assertIn(ring, rows)


class GrowingTest(case_of("growing")):
    def test_the_first_dump_has_what_went_and_not_what_came(self):
        case = self.answered.case
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "before.jsonl"
            ran = refscope.call(self.target.folder / "core-before", "export", "-o", path)
            self.assertEqual(ran.status, refscope.ANSWERED, ran.err)
            before = {o.addr: o for o in Export.load(path).objects.values()}
        orders = {o.type for o in case.export.objects.values()
                  if case.type_of(o.addr) == "__main__.Order"}
        self.assertLessEqual(set(case.facts["gone"]), set(before))
        self.assertLessEqual(set(case.facts["stayed"]), set(before))
        came = [a for a in case.facts["new"] if a in before and before[a].type in orders]
        self.assertEqual(came, [])
        self.assertLessEqual(set(case.facts["new"]), set(case.by_addr))


class Described(unittest.TestCase):
    """A type that somebody describes in a file."""

    TEXT = "type _exttypes.Opaque\n  +0x18  .right  %s\n  +0x10  .left\n"

    def setUp(self):
        require_refscope()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.file = Path(scratch.name) / "mine.types"
        self.target = Target("exttypes")
        self.core = self.target.core
        self.fact = self.target.facts["hidden"][0]

    def ask(self, *verb):
        ran = refscope.call("--types", self.file, self.core, *verb, "--format", "json")
        self.assertIn(ran.status, (refscope.ANSWERED, refscope.IN_PART), ran.err)
        return json.loads(ran.out)

    def test_its_slots_have_names_and_count_once(self):
        for word in ("hidden", "visited"):
            with self.subTest(word=word):
                self.file.write_text(self.TEXT % word)
                found = self.ask("referents", hex(self.fact["src"]))["referents"]
                self.assertEqual([row["name"] for row in found], [".right"])
                bill = self.ask("refs", hex(self.fact["dst"]))
                self.assertEqual(bill["verdict"], "balanced")

    def test_what_is_not_counted_is_not(self):
        self.file.write_text(self.TEXT % "borrowed")
        bill = self.ask("refs", hex(self.fact["dst"]))
        self.assertEqual([row["name"] for row in bill["borrowed"]], [".right"])

    def test_a_file_that_is_wrong_is_an_error(self):
        self.file.write_text("type\n")
        ran = refscope.call("--types", self.file, self.core, "heap")
        self.assertEqual((ran.status, ran.out), (refscope.FAILED, ""))
        self.assertIn("line 1: 'type' wants one name", ran.err)


class WithoutTruth(unittest.TestCase):
    """Cores of processes that could not be asked: the core's own words must still hold."""

    def case(self, target, core, facts):
        require_refscope()
        truth = Truth()
        truth.version = target.python.hexversion
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "export.jsonl"
            ran = refscope.call(core, "export", "-o", path)
            self.assertIn(ran.status, (refscope.ANSWERED, refscope.IN_PART), ran.err)
            self.assertNotIn("Traceback", ran.err)
            return compare.Case(Export.load(path), truth, Core(core), facts)

    def check(self, name, core="core", facts="facts.json"):
        target = Target(name)
        folder = target.make()
        case = self.case(target, folder / core, json.loads((folder / facts).read_text()))
        self.assertGreater(len(case.export.objects), 10000)
        for result in (compare.structure(case), compare.ledger(case), compare.refcounts(case)):
            endtoend.EndToEnd.hold(self, result)
        return folder / core, case

    def collecting(self, core):
        row = refscope.ask(core, ["gc"])["gc"]["interpreters"][0]
        return row["collecting"]

    def test_crash_in_visit_decref(self):
        core, case = self.check("crash")
        self.assertTrue(self.collecting(core))
        self.assertIn(case.facts["deque"], case.by_addr)
        freed = case.facts["freed"]
        self.assertFalse(set(freed) & set(case.by_addr))
        slots = refscope.ask(core, ["audit"])["audit"]["freed"]
        self.assertEqual([int(slot["target"], 16) for slot in slots], freed)
        self.assertEqual({int(slot["holder"]["addr"], 16) for slot in slots}, {case.facts["deque"]})
        self.assertEqual([slot["slot"] for slot in slots], [f"[{i}]" for i in range(len(freed))])
        for addr in freed:
            verb = f"what {addr:#x}"
            what = refscope.ask(core, [verb])[verb]
            self.assertNotEqual(int(what.get("object", "0"), 16), addr)
            self.assertEqual(
                {(slot["slot"], int(slot["target"], 16)) for slot in what["dangling"]},
                {(f"[{i}]", a) for i, a in enumerate(freed) if a == addr},
            )

    def test_abort_in_a_gc_callback(self):
        core, case = self.check("abort_in_callback")
        self.assertTrue(self.collecting(core))
        for ring in case.facts["garbage"].values():
            self.assertLessEqual(set(ring["members"]), set(case.by_addr))

    def test_abort_in_a_finalizer_of_a_collection(self):
        core, case = self.check("abort_in_del")
        self.assertTrue(self.collecting(core))
        for ring in case.facts["garbage"].values():
            self.assertLessEqual(set(ring["members"]), set(case.by_addr))

    def test_stopped_while_references_are_subtracted(self):
        core, case = self.check("in_collection", "core-collecting", "facts-collecting.json")
        self.assertTrue(self.collecting(core))
        self.assertIn(case.facts["held"], case.by_addr)


if __name__ == "__main__":
    unittest.main()
