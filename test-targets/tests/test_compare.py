# SPDX-License-Identifier: MIT
"""The comparison passes a sound export and fails on each kind of error planted in one."""
import os
import pickle
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build, compare, planted, verbs  # noqa: E402
from harness.corefile import Core  # noqa: E402
from harness.export import Export, Malformed  # noqa: E402
from harness.synthetic import Lines  # noqa: E402
from harness.target import Target  # noqa: E402


class Sound(unittest.TestCase):
    """A sound export of one target, to spoil."""

    name = "shared"

    @classmethod
    def setUpClass(cls):
        cls.target = Target(cls.name)
        cls.truth, cls.core = cls.target.truth, Core(cls.target.core)
        lines = Lines(cls.truth, cls.core)
        cls.kept = pickle.dumps((lines.header, lines.types, lines.objects, lines.edges))
        cls.ids = lines.ids

    def setUp(self):
        self.lines = Lines.__new__(Lines)
        self.lines.ids = self.ids
        self.lines.roots = [{"kind": "root", "id": -1, "root": "untold", "name": "untold"}]
        (self.lines.header, self.lines.types, self.lines.objects,
         self.lines.edges) = pickle.loads(self.kept)

    def case(self, facts=None):
        return compare.Case(Export.of(self.lines.all()), self.truth, self.core, facts)

    def assert_found(self, check, kind, facts=None):
        """The check fails, and says so in these words."""
        result = check(self.case(facts))
        self.assertFalse(result.ok and not result.allowed, result.lines())
        self.assertIn(kind, {m.kind for m in result.mismatches})

    def gc_object(self, type_name):
        """The line of a tracked object of that type that visits something."""
        for record in self.truth.objects.values():
            if record.gen >= 0 and record.visited and (
                    self.truth.type_name(record.type) == type_name):
                return self.lines.object(record.addr)
        raise AssertionError("no such object")

    def left_out_key(self):
        """The edge to a key that a tracked dict owns and its tp_traverse leaves out."""
        dicts = {self.lines.object(r.addr)["id"] for r in self.truth.objects.values()
                 if r.gen >= 0 and self.truth.type_name(r.type) == "dict"}
        return next(e for e in self.lines.edges if e["src"] in dicts and not e["visited"])

    def edges_of(self, line, **wanted):
        return [e for e in self.lines.edges if e["src"] == line["id"]
                and all(e[k] == v for k, v in wanted.items())]

    def mortal(self):
        return next(o for o in self.lines.objects if not o["immortal"] and o["refcnt"] == 2
                    and not self.core.is_static(int(o["addr"], 16)))


class SoundTest(Sound):
    def test_every_check_passes(self):
        for result in compare.run(self.case()):
            self.assertTrue(result.ok, result.lines())
            self.assertEqual(result.mismatches, [], result.lines())

    def test_a_check_that_compared_nothing_fails(self):
        self.lines.objects, self.lines.edges = [], []
        for result in compare.run(self.case()):
            if result.check != "types":
                self.assertFalse(result.ok, result.check)


class StructureTest(Sound):
    def test_edge_of_an_unknown_id(self):
        self.lines.edges[5]["dst"] = 10 ** 9
        self.assert_found(compare.structure, "edge of an unknown id")

    def test_objects_out_of_order(self):
        objects = self.lines.objects
        objects[3], objects[4] = objects[4], objects[3]
        self.assert_found(compare.structure, "objects not in address order")

    def test_edges_out_of_order(self):
        self.lines.edges.reverse()
        self.assert_found(compare.structure, "edges not in source order")

    def test_unknown_ref_word(self):
        self.lines.edges[5]["ref"] = "strong"
        self.assert_found(compare.structure, "unknown ref word")

    def test_possible_edge_to_a_balanced_object(self):
        self.lines.edges[5]["ref"] = "possible"
        self.assert_found(compare.structure, "possible without a remainder")

    def test_unexplained_beyond_the_remainder(self):
        self.mortal()["unexplained"] = 1
        self.assert_found(compare.structure, "unexplained out of range")

    def test_remainder_of_an_immortal(self):
        line = next((o for o in self.lines.objects if o["immortal"]), None)
        if line is None:
            self.skipTest("no object of this interpreter is immortal")
        line["remainder"] = 0
        self.assert_found(compare.structure, "remainder of an immortal")

    def test_an_id_twice_is_malformed(self):
        self.lines.objects[4]["id"] = self.lines.objects[3]["id"]
        with self.assertRaises(Malformed):
            self.case()

    def test_an_object_of_an_unknown_type_is_malformed(self):
        self.lines.objects[4]["type"] = "0x1"
        with self.assertRaises(Malformed):
            self.case()


class ObjectsTest(Sound):
    def test_missing_object(self):
        gone = self.gc_object("dict")
        self.lines.objects.remove(gone)
        self.assert_found(compare.objects, "missing")

    def test_wrong_type(self):
        self.gc_object("dict")["type"] = self.gc_object("list")["type"]
        self.assert_found(compare.objects, "wrong type")

    def test_gc_object_without_gc(self):
        self.gc_object("dict")["gc"] = None
        self.assert_found(compare.objects, "wrong about a gc head")

    def test_wrong_type_name(self):
        next(t for t in self.lines.types if t["name"] == "dict")["name"] = "dikt"
        self.assert_found(compare.types, "wrong name")

    def test_wrong_basicsize(self):
        next(t for t in self.lines.types if t["name"] == "dict")["basicsize"] += 8
        self.assert_found(compare.types, "wrong basicsize")

    def test_wrong_size(self):
        self.gc_object("dict")["size"] += 16
        self.assert_found(compare.sizes, "wrong size")

    def test_size_of_a_block_is_not_compared(self):
        self.gc_object("dict").update(size=1, size_of="block")
        self.assertTrue(compare.sizes(self.case()).ok)


class GenerationsTest(Sound):
    def test_a_member_of_another_generation(self):
        line = self.gc_object("dict")
        line["gc"] = "gen2" if line["gc"] != "gen2" else "gen0"
        self.assert_found(compare.generations, "wrongly in " + line["gc"])

    def test_a_tracked_object_said_to_be_untracked(self):
        line = self.gc_object("dict")
        before, line["gc"] = line["gc"], "untracked"
        self.assert_found(compare.generations, "not in " + before)

    def test_a_frozen_object_that_is_not(self):
        self.gc_object("dict")["gc"] = "frozen"
        self.assert_found(compare.generations, "wrongly in frozen")


class RefcountsTest(Sound):
    def test_a_count_off_by_one(self):
        self.mortal()["refcnt"] += 1
        self.assert_found(compare.refcounts, "not the core's count")
        self.assert_found(compare.refcounts, "not the target's count")

    def test_a_mortal_said_to_be_immortal(self):
        self.mortal()["immortal"] = True
        self.assert_found(compare.refcounts, "wrong about immortal")

    def test_an_address_outside_the_core(self):
        self.mortal()["addr"] = "0x10"
        self.assert_found(compare.refcounts, "header not in the core")

    def test_a_ledger_that_does_not_add_up(self):
        self.mortal()["remainder"] += 1
        self.assert_found(compare.ledger, "does not add up")

    def test_an_owned_edge_twice(self):
        line = self.gc_object("list")
        edge = self.edges_of(line, visited=True)[0]
        self.lines.edges.insert(self.lines.edges.index(edge), dict(edge))
        self.assert_found(compare.ledger, "does not add up")

    def test_a_false_deficit_even_where_the_sum_is_right(self):
        line = self.mortal()
        self.lines.edges.insert(0, {"kind": "edge", "src": -1, "dst": line["id"], "ref": "owned",
                                    "visited": False, "name": "bogus"})
        line["remainder"] -= 1
        self.assertTrue(compare.ledger(self.case()).ok)
        self.assert_found(compare.balance, "false deficit")
        facts = {"remainders": [{"addr": int(line["addr"], 16), "remainder": -1}]}
        kinds = {m.kind for m in compare.balance(self.case(facts)).mismatches}
        self.assertNotIn("false deficit", kinds)

    def test_shares_that_the_header_only_claims(self):
        self.lines.header["balanced"] = 0.9
        self.assert_found(compare.balance, "header's share differs")

    def test_too_little_balanced(self):
        self.lines.edges = [e for e in self.lines.edges if e["src"] != -1]
        self.assert_found(compare.balance, "less than 98 % balanced")


class ReferencesTest(Sound):
    def test_a_visited_edge_missing(self):
        self.lines.edges.remove(self.edges_of(self.gc_object("list"), visited=True)[0])
        self.assert_found(compare.visited, "missing referents")

    def test_a_visited_edge_too_many(self):
        edge = self.edges_of(self.gc_object("list"), visited=True)[0]
        self.lines.edges.insert(self.lines.edges.index(edge), dict(edge))
        self.assert_found(compare.visited, "extra referents")

    def test_a_visited_edge_to_another_object(self):
        edge = self.edges_of(self.gc_object("list"), visited=True)[0]
        edge["dst"] = self.mortal()["id"]
        self.assert_found(compare.visited, "missing and extra referents")

    def test_an_edge_not_said_to_be_visited(self):
        self.edges_of(self.gc_object("dict"), visited=True)[0]["visited"] = False
        self.assert_found(compare.visited, "missing referents")

    def test_more_than_one_in_a_thousand_fails(self):
        for line in [o for o in self.lines.objects if o["gc"]][:200]:
            for edge in self.edges_of(line, visited=True)[:1]:
                self.lines.edges.remove(edge)
        self.assertFalse(compare.visited(self.case()).ok)

    def test_a_visited_edge_of_what_is_no_gc_object(self):
        line = next(o for o in self.lines.objects if o["gc"] is None and self.edges_of(o))
        self.edges_of(line)[0]["visited"] = True
        self.assert_found(compare.visited, "visited, but no gc object")

    def test_a_left_out_reference_missing(self):
        edge = self.left_out_key()
        self.lines.edges.remove(edge)
        self.assert_found(compare.left_out, "owned reference missing")

    def test_a_slot_that_no_traverse_leaves_out(self):
        self.left_out_key()["name"] = "['key']"
        self.assert_found(compare.slots, "visited slot, or an unknown one")

    def test_a_left_out_reference_too_many(self):
        edge = self.left_out_key()
        self.lines.edges.insert(self.lines.edges.index(edge), dict(edge))
        self.assert_found(compare.left_out, "owned reference too many")


class PlantedTest(Sound):
    def test_each_kind_of_fact_is_missed(self):
        line = self.mortal()
        addr, other = int(line["addr"], 16), int(self.gc_object("list")["addr"], 16)
        wrong = {
            "remainders": {"addr": addr, "remainder": 5},
            "refcounts": {"addr": addr, "refcount": 77},
            "edges": {"src": other, "dst": addr, "name": "['x']"},
            "locals": {"function": "f", "name": "nobody", "dst": addr},
            "on_stack": addr, "visits": {"src": addr, "dst": other},
            "hidden": {"src": other, "dst": addr}, "weak": {"src": other, "dst": addr},
            "possible": {"addr": 16, "dst": addr}, "located": 16, "unexplained": addr,
            "frozen": addr, "young": 16,
        }
        self.assertEqual(set(wrong), set(planted.KEYS))
        for key, fact in wrong.items():
            result = planted.planted(self.case({key: [fact]}))
            self.assertEqual(len(result.mismatches), 1, key)

    def test_a_fact_that_holds(self):
        line = self.mortal()
        fact = {"addr": int(line["addr"], 16), "refcount": line["refcnt"]}
        self.assertTrue(planted.planted(self.case({"refcounts": [fact]})).ok)


class VerbsTest(Sound):
    """The checks of single verbs, on answers made here."""

    def answers(self):
        truth = self.truth
        names = ("gen0", "gen1", "gen2")
        return {
            "gc": {"interpreters": [{
                "id": 0, "enabled": truth.gc_enabled, "collecting": False, "garbage": 0,
                "frozen": truth.gc_freeze_count,
                "generations": [{
                    "name": n, "objects": len(truth.generation(i)),
                    "threshold": truth.gc_threshold[i], "count": truth.gc_count[i],
                    "collections": truth.gc_stats[i][0], "collected": truth.gc_stats[i][1],
                    "uncollectable": truth.gc_stats[i][2]} for i, n in enumerate(names)]}]},
            "garbage": {"unreachable": [hex(a) for a in sorted(truth.saved)], "may_resurrect": [],
                        "finalizers": []},
        }

    def test_right_answers_pass(self):
        case, answers = self.case(), self.answers()
        for check in (verbs.gc, verbs.garbage):
            result = check(case, answers)
            self.assertTrue(result.ok, result.lines())

    def test_each_wrong_number_of_gc_is_found(self):
        case = self.case()
        for key in ("objects", "threshold", "count", "collections", "collected"):
            answers = self.answers()
            answers["gc"]["interpreters"][0]["generations"][1][key] += 1
            self.assertEqual(len(verbs.gc(case, answers).mismatches), 1, key)

    def test_garbage_missed_and_invented(self):
        case, answers = self.case(), self.answers()
        saved = answers["garbage"]["unreachable"]
        # A program may have had no garbage to miss.
        wanted = {"unreachable, not saved"} | ({"saved, not unreachable"} if saved else set())
        saved[:1] = [hex(next(iter(self.truth.generation(1) - self.truth.saved)))]
        kinds = {m.kind for m in verbs.garbage(case, answers).mismatches}
        self.assertEqual(kinds, wanted)


class CommandTest(Sound):
    """test-targets/compare, as an engineer calls it."""

    def run_compare(self):
        with tempfile.TemporaryDirectory() as scratch:
            path = self.lines.write(Path(scratch) / "export.jsonl")
            env = dict(os.environ, REFSCOPE_BUILD=str(build.BUILD))
            return subprocess.run(
                [sys.executable, str(build.ROOT / "compare"), str(self.target.folder / "core"),
                 str(self.target.folder / "truth.txt"), str(path), "--no-facts"],
                capture_output=True, text=True, env=env)

    def test_a_sound_export(self):
        done = self.run_compare()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("all checks hold", done.stdout)

    def test_a_spoiled_export_names_type_and_check(self):
        self.gc_object("dict")["gc"] = "frozen"
        done = self.run_compare()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"FAILED generations")
        self.assertRegex(done.stdout, r"1  wrongly in frozen +dict")

    def test_a_file_that_is_no_export(self):
        self.lines.header = {"kind": "header", "schema": 2}
        done = self.run_compare()
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
