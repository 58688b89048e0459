# SPDX-License-Identifier: MIT
"""Cores, held processes and remote ones: gdb's answers are those of the command line."""

import os
import shutil
import subprocess
import time
import unittest

from gdbrun import PROGRAM, GdbCase, answers, core_of, load_json, marked, needs, refscope

PYTHON = os.environ.get("REFSCOPE_TARGET_PYTHON", "/usr/bin/python3.11")
SAME = ("gc", "threads", "layout", "heap", "arenas", "garbage", "cycles", "audit")
QUESTIONS = (
    "python_info interpreter_list thread_list layout_proofs heap_summary type_list arena_list "
    "garbage_replay cycle_list unbalanced candidates_of object_number whose"
).split()


class Cores(GdbCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.core, cls.facts = core_of("orders")

    @needs(*QUESTIONS)
    @unittest.skipUnless(PROGRAM.exists(), "build/bin/refscope is not there")
    def test_the_same_text_as_the_command_line(self):
        ran = self.gdb(*marked(*(f"py-{name}" for name in SAME)), core=self.core)
        for name, shown in zip(SAME, answers(ran)):
            told = refscope(self.core, name)
            self.assertEqual(shown.strip("\n"), told.stdout.strip("\n"), name)

    @needs("object_at", "referrers", "candidates_of", "find")
    def test_expressions(self):
        addr = self.facts["refcounts"][0]["addr"]
        ran = self.gdb(
            *marked(
                f"py-refs {addr:#x}",
                f"py-refs (void *) {addr:#x}",
                f"py-refs --no-native $x + {0}",
                "py-refs CONFIG",
            ),
            core=self.core,
        )
        plain = answers(ran)[0]
        self.assertIn("has refcount", plain)
        self.assertEqual(answers(ran)[1], plain)
        # CONFIG is a name of another module than that of the innermost frame, or this one.
        self.assertTrue(answers(ran)[3] == plain or "No Python name" in ran.err)

    @needs("object_at", "find", "thread_list")
    def test_errors_say_what_is_there_instead(self):
        addr = self.facts["refcounts"][0]["addr"]
        for word, words in (
            (f"{addr + 1:#x}", "Did you mean"),
            ("0x10", "No memory at 0x10."),
            ("4096", "is no address: write 0x4096."),
            ("no_such_name", "No Python name 'no_such_name' in frame"),
        ):
            ran = self.gdb(f"py-refs {word}", core=self.core)
            self.assertIn(words, ran.err)

    @needs(*QUESTIONS)
    def test_another_core_has_other_answers(self):
        other, _facts = core_of("bare")
        ran = self.gdb(
            *marked("py-heap --format json", f"core-file {other}", "py-heap --format json"),
            core=self.core,
        )
        first, _loaded, second = answers(ran)
        self.assertNotEqual(load_json(first)["objects"], load_json(second)["objects"])

    @needs("object_at", "type_list")
    def test_functions(self):
        addr = self.facts["refcounts"][0]["addr"]
        ran = self.gdb(
            f"print $_pyobj_type({addr:#x})", f"print $_pyobj_refcnt({addr:#x})", core=self.core
        )
        self.assertIn('"dict"', ran.out)
        self.assertIn(f"= {self.facts['refcounts'][0]['refcount']}", ran.out)

    @needs(*QUESTIONS)
    def test_a_limit_that_is_set_counts(self):
        ran = self.gdb("set refscope limit 2", "py-heap", core=self.core)
        self.assertIn("more types (--limit 0 lists all)", ran.out)

    @needs(*QUESTIONS)
    def test_export_needs_a_file(self):
        ran = self.gdb("py-export", core=self.core)
        self.assertIn("-o FILE", ran.err)


@unittest.skipUnless(os.path.exists(PYTHON), f"{PYTHON} is not on this machine")
class Processes(GdbCase):
    CODE = (
        "import time; held = [1.5]; print(1, flush=True)\n"
        "while True: time.sleep(0.01)  # stepi comes back from it"
    )

    def setUp(self):
        self.process = subprocess.Popen(
            [PYTHON, "-c", self.CODE], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        self.addCleanup(self.end)
        self.process.stdout.readline()
        time.sleep(0.05)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @needs("open_caller", *QUESTIONS)
    def test_a_held_process(self):
        ran = self.gdb(*marked("py-threads", "py-heap", "py-refs held"), pid=self.process.pid)
        threads, heap, refs = answers(ran)
        self.assertIn("<module>()", threads)
        self.assertIn("objects take", heap)
        self.assertIn("['held']", refs)
        self.assertIsNone(self.process.poll())

    @needs("open_caller", *QUESTIONS)
    def test_answers_are_dropped_when_it_runs(self):
        count = "python from refscope.gdb import sessions; print('open', len(sessions._held))"
        ran = self.gdb(*marked("py-gc", count, "stepi", count, "py-gc"), pid=self.process.pid)
        _gc, before, _step, after, again = answers(ran)
        self.assertIn("open 1", before)
        self.assertIn("open 0", after)
        self.assertIn("The collector", again)

    @needs("open_caller", *QUESTIONS)
    def test_memory_read_through_gdb_gives_the_same_answers(self):
        remote = "python from refscope.gdb import memory; memory._connection = lambda i: 'remote'"
        asked = ("py-heap", "py-gc", "py-threads", "py-garbage", "py-refs held")
        direct = self.gdb(*marked(*asked), pid=self.process.pid)
        through = self.gdb(*marked(remote, *asked), pid=self.process.pid)
        # Between the two the process has run: what changes by itself is left out.
        for name, a, b in zip(asked, answers(direct), answers(through)[1:]):
            if name in ("py-garbage", "py-refs held"):
                self.assertEqual(a, b)
            else:
                self.assertEqual(len(a.splitlines()), len(b.splitlines()), a + b)

    @needs("open_caller", *QUESTIONS)
    def test_a_question_brings_the_memory_that_no_stage_has_read(self):
        remote = "python from refscope.gdb import memory; memory._connection = lambda i: 'remote'"
        for asked in ("py-threads", "py-gc", "py-layout"):
            with self.subTest(asked):
                direct = answers(self.gdb(*marked(asked), pid=self.process.pid))
                through = answers(self.gdb(*marked(remote, asked), pid=self.process.pid))
                self.assertEqual(len(direct[0].splitlines()), len(through[1].splitlines()))

    @needs("open_caller", *QUESTIONS)
    @unittest.skipUnless(shutil.which("gdbserver"), "gdbserver is not on this machine")
    def test_a_remote_process(self):
        server = subprocess.Popen(
            ["gdbserver", "--attach", "localhost:0", str(self.process.pid)],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            port = next(x for x in server.stderr if "port" in x).split()[-1]
            ran = self.gdb(*marked(f"target remote :{port}", "py-heap", "py-threads", "detach"))
            self.assertIn("objects take", answers(ran)[1])
            self.assertIn("<module>()", answers(ran)[2])
        finally:
            server.kill()
            server.wait()
            server.stderr.close()

    @needs("open_caller", *QUESTIONS)
    def test_a_thread_that_runs_is_refused(self):
        ran = self.gdb(
            "set non-stop on",
            f"attach {self.process.pid}",
            "continue &",
            "py-heap",
            "interrupt",
            "kill",
        )
        self.assertIn("is running: stop the process first", ran.err)


if __name__ == "__main__":
    unittest.main()
