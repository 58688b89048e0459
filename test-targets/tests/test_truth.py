# SPDX-License-Identifier: MIT
"""What _truth writes is what the Python-level API of the same process says."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build, mallocstats  # noqa: E402
from harness.corefile import Core, refcount  # noqa: E402
from harness.target import Target, all_names  # noqa: E402
from harness.truth import IS_TRACKED, Truth  # noqa: E402

# Lets itself go on at once, then asks the same questions in Python.
PROBE = """
import collections, functools, gc, json, os, sys, _truth
gc.disable()
class A: pass
class S: __slots__ = "x",
a = A(); a.x = [a]; s = S(); s.x = {1: a}
things = [a, s, a.x, s.x, (1, a), {a}, A, S, print, len, [].append, lambda: a, a.__dict__,
          collections.deque([a, a]), collections.OrderedDict(x=a), functools.partial(max, a),
          (x for x in things) if 0 else iter([a]), sys, gc, type, object, int, "text", 7.5, 10**30,
          {"x": a}, range(3), property(len), functools.lru_cache(len), json.JSONDecoder(), {}, ()]
go, ready = os.pipe(), os.pipe()
os.write(go[1], b"g")
asks = (sys._debugmallocstats, gc.get_count, gc.isenabled, gc.disable, gc.get_objects,
        sys.getsizeof, gc)
before = sys.getrefcount(a), sys.getrefcount(a.x), sys.getrefcount(S)
_truth.stop(ready[1], go[0], sys.argv[1], asks, False)
print(json.dumps({
    "things": [[id(t), id(type(t)), sys.getsizeof(t), gc.is_tracked(t),
                sorted(map(id, gc.get_referents(t)))] for t in things],
    "counts": [[id(o), n - 1] for o, n in zip((a, a.x, S), before)],
    "arena_blocks": sys.getallocatedblocks()}))
"""


class TruthTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = build.interpreter()
        folder = build.extension("_truth", cls.python)
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "truth.txt"
            done = subprocess.run([cls.python.path, "-c", PROBE, str(path)], text=True,
                                  capture_output=True, env={"PYTHONPATH": str(folder)})
            if done.returncode:
                raise AssertionError(done.stderr)
            cls.said = json.loads(done.stdout)
            cls.truth = Truth.load(path)

    def test_referents_are_those_of_gc_get_referents(self):
        for addr, _, _, _, referents in self.said["things"]:
            self.assertEqual(sorted(self.truth.objects[addr].visited), referents)

    def test_type_size_and_tracking_are_the_interpreters(self):
        for addr, kind, size, tracked, _ in self.said["things"]:
            record = self.truth.objects[addr]
            self.assertEqual(record.type, kind)
            self.assertEqual(record.size, size, self.truth.type_name(kind))
            self.assertEqual(bool(record.flags & IS_TRACKED), tracked)

    def test_refcounts_are_getrefcount_less_one(self):
        for addr, count in self.said["counts"]:
            self.assertEqual(self.truth.objects[addr].refcnt, count)

    def test_each_generation_holds_tracked_objects_only(self):
        members = [self.truth.generation(g) for g in range(3)]
        self.assertTrue(sum(map(len, members)) > 1000)
        self.assertLessEqual(set().union(*members), self.truth.tracked())

    def test_mallocstats_adds_up(self):
        stats = mallocstats.parse(self.truth.mallocstats)
        if stats is None:
            self.skipTest("this interpreter does not use pymalloc")
        self.assertEqual(stats.used_bytes, sum(c.used * c.size for c in stats.classes))
        self.assertGreater(stats.used_blocks, 1000)
        self.assertLess(stats.used_blocks, self.said["arena_blocks"])


class DisturbanceTest(unittest.TestCase):
    """The probe does not change what it measures."""

    def test_every_refcount_told_is_the_one_in_the_core(self):
        for name in ("bare", "cycles", "expressions", "threads"):
            target = Target(name)
            core, truth = Core(target.core), target.truth
            self.assertGreater(len(truth.objects), 10000)
            for record in truth.objects.values():
                held = refcount(core, record.addr, truth.version, target.python.free_threaded)
                if not held.immortal:
                    self.assertEqual(record.refcnt, held.count, "%s at %#x" % (
                        truth.type_name(record.type), record.addr))


    def test_one_byte_written_to_a_process_is_noticed(self):
        with Target("bare").live() as process:
            before = process.memory()
            self.assertEqual(before, process.memory())
            heap = next(line for line in before if line.endswith("[heap]"))
            addr = int(heap.split("-")[0], 16) + 4096
            with open("/proc/%d/mem" % process.pid, "r+b", buffering=0) as memory:
                held = os.pread(memory.fileno(), 1, addr)
                os.pwrite(memory.fileno(), bytes([held[0] ^ 1]), addr)
                after = process.memory()
                os.pwrite(memory.fileno(), held, addr)
            self.assertEqual([k for k in before if before[k] != after[k]], [heap])


class PlantedTest(unittest.TestCase):
    """Programs plant what they say, by the interpreter's own word."""

    def test_collection_saves_the_planted_rings(self):
        for name in ("disabled", "exttypes", "frozen", "mixed", "orders", "weakrefs"):
            target = Target(name)
            for ring in target.facts["garbage"].values():
                self.assertTrue(ring["members"])
                self.assertLessEqual(set(ring["members"]), target.truth.saved, name)

    def test_cycles_saves_exactly_the_planted_ones(self):
        target = Target("cycles")
        planted = {a for c in target.facts["cycles"] for a in c["members"]}
        self.assertEqual(len(planted), 86)
        self.assertLessEqual(planted, target.truth.saved)
        self.assertFalse(set(target.facts["reachable"][0]["members"]) & target.truth.saved)

    def test_what_a_finalizer_resurrects_is_not_saved(self):
        target = Target("finalizers")
        rings = target.facts["garbage"]
        self.assertLessEqual(set(rings["quiet"]["members"]), target.truth.saved)
        self.assertFalse(set(rings["resurrected"]["members"]) & target.truth.saved)

    def test_a_leak_keeps_its_ring(self):
        target = Target("leaks")
        leaked = {r["addr"] for r in target.facts["remainders"]}
        self.assertFalse(leaked & target.truth.saved)

    def test_refcounts_are_as_planted(self):
        for name in ("shared", "orders", "logging_cycle"):
            target = Target(name)
            for fact in target.facts["refcounts"]:
                self.assertEqual(target.truth.objects[fact["addr"]].refcnt, fact["refcount"])

    def test_frozen_objects_are_in_no_generation(self):
        target = Target("frozen")
        truth = target.truth
        self.assertEqual(len(truth.frozen), truth.gc_freeze_count)
        self.assertLessEqual(set(target.facts["frozen"]), truth.frozen)
        in_no_generation = {a for a in truth.tracked() if truth.objects[a].gen < 0}
        self.assertLessEqual(in_no_generation, truth.frozen)
        self.assertLessEqual(set(target.facts["young"]), target.truth.generation(0))

    def test_values_on_stacks_have_one_reference(self):
        target = Target("expressions")
        core = Core(target.core)
        self.assertGreaterEqual(len(target.facts["on_stack"]), 8)
        for addr in target.facts["on_stack"]:
            self.assertEqual(refcount(core, addr, target.truth.version, False).count, 1)

    def test_a_target_that_dies_leaves_a_core_and_its_facts(self):
        for name in ("crash", "abort_in_callback", "abort_in_del"):
            target = Target(name)
            self.assertGreater(target.core.stat().st_size, 1 << 20)
            self.assertEqual(target.facts["signal"], target.ends)


class ReadmeTest(unittest.TestCase):
    def test_every_program_has_a_row_and_a_head_line(self):
        table = re.findall(r"^\| (`.+?`) \|", (build.ROOT / "README.md").read_text(), re.M)
        rows = [name for row in table for name in re.findall(r"^`(\w+)`|, `(\w+)`", row)]
        rows = ["".join(pair) for pair in rows if "".join(pair) in all_names()]
        self.assertEqual(sorted(rows), all_names())
        for name in all_names():
            head = (build.ROOT / "programs" / (name + ".py")).read_text().splitlines()[1]
            self.assertTrue(head.startswith("# %s: " % name), head)


if __name__ == "__main__":
    unittest.main()
