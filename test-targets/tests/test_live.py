# SPDX-License-Identifier: MIT
"""refscope on processes that stand still: the same answers, and nothing changed in them."""
import json
import os
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import endtoend, refscope  # noqa: E402
from harness.endtoend import case_of  # noqa: E402
from harness.target import Target  # noqa: E402


def live(name):
    return case_of(name, base=endtoend.LiveEndToEnd)


BareTest = live("bare")
SharedTest = live("shared")
CyclesTest = live("cycles")
LeaksTest = live("leaks")
ThreadsTest = live("threads")
OrdersTest = live("orders")
StdlibTest = live("stdlib")


class HeldTest(unittest.TestCase):
    """How a process is held and let go."""

    def state(self, pid):
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0]

    def wait_for_state(self, pid, wanted):
        for _ in range(500):
            if self.state(pid) in wanted:
                return
            time.sleep(0.01)
        self.fail("process is %s, not %s" % (self.state(pid), wanted))

    def test_a_stopped_process_stays_stopped(self):
        with Target("bare").live() as process:
            os.kill(process.pid, signal.SIGSTOP)
            self.wait_for_state(process.pid, "T")
            ran = refscope.call(process.pid, "heap")
            self.assertEqual(ran.status, refscope.ANSWERED, ran.err)
            self.wait_for_state(process.pid, "T")
            os.kill(process.pid, signal.SIGCONT)

    def test_a_process_goes_on_afterwards(self):
        with Target("threads").live() as process:
            ran = refscope.call(process.pid, "threads")
            self.assertEqual(ran.status, refscope.ANSWERED, ran.err)
            self.wait_for_state(process.pid, "S")
            self.assertGreater(len(process.truth().objects), 10000)

    def test_an_export_of_a_core_and_of_its_process_are_alike(self):
        with Target("cycles").live() as process, tempfile.TemporaryDirectory() as scratch:
            core, files = Path(scratch) / "core", [Path(scratch) / n for n in ("core.jsonl", "pid.jsonl")]
            process.dump(core)
            for asked, file in zip((core, process.pid), files):
                ran = refscope.call(asked, "export", "-o", file)
                self.assertEqual(ran.status, refscope.ANSWERED, ran.err)
            lines = [set(f.read_text().splitlines()[1:]) for f in files]
            self.assertEqual(sorted(lines[0] ^ lines[1])[:5], [])

    def test_a_snapshot_is_the_process_it_was(self):
        with Target("threads").live() as process, tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            lines, threads = [], []
            for name in ("one.core", "two.core.gz"):
                ran = refscope.call("--format", "json", process.pid, "snapshot", folder / name)
                self.assertEqual(ran.status, refscope.ANSWERED, ran.err)
                self.assertEqual(json.loads(ran.out)["pid"], process.pid)
            for asked in (process.pid, folder / "one.core", folder / "two.core.gz"):
                ran = refscope.call(asked, "export", "-o", folder / "heap.jsonl")
                self.assertEqual(ran.status, refscope.ANSWERED, ran.err)
                lines.append(set((folder / "heap.jsonl").read_text().splitlines()[1:]))
                threads.append(refscope.call(asked, "threads").out)
            self.assertEqual(sorted(lines[0] ^ lines[1])[:5], [])
            self.assertEqual(sorted(lines[0] ^ lines[2])[:5], [])
            self.assertIn("thread %d" % process.pid, threads[0])
            self.assertEqual(threads, threads[:1] * 3)


if __name__ == "__main__":
    unittest.main()
