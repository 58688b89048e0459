# SPDX-License-Identifier: MIT
"""The command line: what is printed where, and which status it leaves with."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import context
import fakes
from refscope import _abi, cli, target, verbs
from refscope.session import InspectError, Status

context.find_package()

PACKAGE = Path(cli.__file__).resolve().parents[1]


class Stream(io.StringIO):
    """A standard stream, with the bytes below it."""

    def __init__(self, tty: bool = False) -> None:
        super().__init__()
        self.buffer = io.BytesIO()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


def run(*argv, session=None, tty=False):
    """Status, stdout and stderr of one call, over a session that a test wrote down."""
    out, err = Stream(tty), Stream()
    found = mock.patch.object(target, "open_word", return_value=session or fakes.shop())
    with found, redirect_stdout(out), redirect_stderr(err):
        status = cli.main(list(argv))
    return status, out.getvalue() + out.buffer.getvalue().decode(), err.getvalue()


class Answers(unittest.TestCase):
    def test_text(self):
        status, out, err = run("core.25402", "refs", "0x7ffbf7fc8300")
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith("dict 0x7ffbf7fc8300 has refcount 3"))

    def test_no_hints_and_no_looks_where_stdout_is_no_terminal(self):
        _status, out, _err = run("core.25402", "refs", "0x7ffbf7fc8300")
        self.assertNotIn("next:", out)
        self.assertNotIn("\033", out)

    def test_a_terminal_gets_both(self):
        with mock.patch.dict(os.environ, {"TERM": "xterm"}):
            os.environ.pop("NO_COLOR", None)
            _status, out, _err = run("core.25402", "refs", "0x7ffbf7fc8300", tty=True)
        self.assertIn("refscope core.25402 referents 0x7ffbf7fc8300", out)
        self.assertIn("\033[1m0x7ffbf7fc8300\033[0m", out)

    def test_no_color_and_no_hints_are_heeded(self):
        with mock.patch.dict(os.environ, {"NO_COLOR": "1"}):
            _status, out, _err = run("--no-hints", "core.1", "refs", "0x7ffbf7fc8300", tty=True)
        self.assertNotIn("\033", out)
        self.assertNotIn("next:", out)

    def test_a_proposed_command_repeats_what_opened_the_target(self):
        with mock.patch.dict(os.environ, {"NO_COLOR": "1"}), mock.patch.object(sys, "argv", ["x"]):
            _status, out, _err = run(
                "--exe", "my python", "core.1", "refs", "0x7ffbf7fc8300", tty=True
            )
        self.assertIn("refscope --exe 'my python' core.1 referents 0x7ffbf7fc8300", out)

    def test_json_has_a_schema(self):
        for argv in (
            ("--format", "json", "core.1", "heap"),
            ("core.1", "heap", "--format", "json"),
        ):
            status, out, _err = run(*argv)
            self.assertEqual(status, 0)
            self.assertEqual(json.loads(out)["schema"], 1)

    def test_the_format_after_the_verb_counts(self):
        _status, out, _err = run("--format", "json", "core.1", "heap", "--format", "text")
        self.assertIn("objects take", out)

    def test_limit_before_and_after_the_verb(self):
        for argv in (("--limit", "2", "core.1", "heap"), ("core.1", "heap", "--limit", "2")):
            _status, out, _err = run(*argv)
            self.assertIn("... and 6 more types (--limit 0 lists all)", out)

    def test_a_name_is_looked_up_in_the_first_frame(self):
        for name in ("config", "CONFIG"):
            _status, out, _err = run("core.1", "refs", name)
            self.assertIn("dict 0x7ffbf7fc8300 has refcount 3", out)

    def test_of_a_large_heap_obj_reads_one_object(self):
        for size, stages in ((1 << 20, [1, 3]), (1 << 30, [1])):
            s = fakes.shop()
            s.reached, s.python = 1, fakes.python(arena_bytes=size)
            status, _out, _err = run("core.1", "obj", "0x7ffbf7fc8300", session=s)
            self.assertEqual((status, s.needed), (0, stages))

    def test_where_a_large_heap_has_no_object_all_is_read_to_say_what_is_there(self):
        s = fakes.shop()
        s.reached, s.python = 1, fakes.python(arena_bytes=1 << 30)
        status, _out, err = run("core.1", "obj", "0x7ffbf7fc8308", session=s)
        self.assertEqual((status, s.needed), (2, [1, 3]))
        self.assertIn("Did you mean", err)

    def test_export_to_standard_output_is_the_file_and_nothing_else(self):
        for more in ((), ("--format", "json")):
            status, out, err = run(*more, "core.1", "export")
            self.assertEqual((status, err), (0, ""))
            self.assertEqual(out, '{"kind":"header"}\n{"kind":"object"}\n')

    def test_export_to_a_file(self):
        import gzip

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "heap.jsonl.gz")
            status, out, _err = run("core.1", "export", "-o", path)
            self.assertEqual(status, 0)
            self.assertIn("Wrote 92 objects", out)
            with gzip.open(path) as file:
                self.assertEqual(file.read(), b'{"kind":"header"}\n{"kind":"object"}\n')
            self.assertEqual(os.listdir(folder), ["heap.jsonl.gz"])

    def test_an_export_that_fails_leaves_no_file(self):
        session = fakes.shop()
        session.export = mock.Mock(side_effect=InspectError(Status.ERR_CANCELLED, 0, "stopped"))
        with tempfile.TemporaryDirectory() as folder:
            status, _out, err = run(
                "core.1", "export", "-o", os.path.join(folder, "x"), session=session
            )
            self.assertEqual(os.listdir(folder), [])
        self.assertEqual(status, 2)
        self.assertEqual(err, "refscope: core.1: stopped.\n")


class Errors(unittest.TestCase):
    def check(self, status, words, *argv, session=None):
        got, out, err = run(*argv, session=session)
        self.assertEqual(got, status, err)
        self.assertEqual(out, "")
        self.assertTrue(err.startswith("refscope: "), err)
        self.assertEqual(err.count("\n"), 1)
        self.assertIn(words, err)

    def test_usage(self):
        self.check(2, "no target is given")
        self.check(2, "no verb is given", "core.1")
        self.check(2, "heap of what?", "heap")
        self.check(2, "unknown verb 'reffs'. Close: ", "core.1", "reffs")
        self.check(2, "unrecognized arguments: --foo (", "core.1", "heap", "--foo")
        close = "unrecognized arguments: --limt 3. Close: --limit ("
        self.check(2, close, "core.1", "heap", "--limt", "3")
        self.check(2, "required: EXPR", "core.1", "refs")
        self.check(2, "run has nothing to do", "core.1", "run")

    def test_objects_that_are_none(self):
        self.check(
            2,
            "No object at 0x7ffbf783e341: it is 1 byte into dict 0x7ffbf783e340. "
            "Did you mean 0x7ffbf783e340?",
            "core.1",
            "refs",
            "0x7ffbf783e341",
        )
        before = "it is 16 bytes before dict 0x7ffbf783e340. Did you mean"
        self.check(2, before, "core.1", "refs", "0x7ffbf783e330")
        self.check(2, "No memory at 0x10.", "core.1", "refs", "0x10")
        self.check(2, "No Python name 'confg' in frame serve().", "core.1", "refs", "confg")
        self.check(2, "Close: config", "core.1", "refs", "confg")
        self.check(2, "write 0x1234", "core.1", "refs", "1234")
        self.check(2, "neither an address", "core.1", "refs", "a.b")

    def test_no_python_is_status_3(self):
        session = fakes.shop()
        session.need = mock.Mock(
            side_effect=InspectError(Status.ERR_NO_PYTHON, 0, "no Python interpreter found in it")
        )
        self.check(
            3,
            "core.77: a process of /usr/bin/python3.11; no Python interpreter found in it.",
            "core.77",
            "heap",
            session=session,
        )

    def test_a_failure_tells_the_problems_that_may_be_its_cause(self):
        session = fakes.shop()
        session.problems = [_abi.Problem("truncated", "cut short")]
        error = InspectError(Status.ERR_REFUSED, 0, "the layout of pools in core.9 is not true")
        session.need = mock.Mock(side_effect=error)
        status, out, err = run("core.9", "heap", session=session)
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(
            err,
            "refscope: core.9: cut short.\nrefscope: the layout of pools in core.9 is not true.\n",
        )

    def test_a_process_is_named_as_one(self):
        session = fakes.shop()
        session.need = mock.Mock(side_effect=InspectError(Status.ERR_DENIED, 0, "not allowed"))
        self.check(2, "refscope: process 25402: not allowed.", "25402", "heap", session=session)

    def test_ctrl_c_says_how_far_it_was(self):
        session = fakes.shop()

        def need(stage, progress=None):
            if stage > 1:
                progress(_abi.Progress(_abi.Stage.REFERENCES, 44, 100, 1000))
                raise KeyboardInterrupt

        session.need = need
        self.check(2, "stopped in stage references 44 %.", "core.1", "heap", session=session)

    def test_problems_are_said_and_leave_4_with_an_answer(self):
        session = fakes.shop()
        session.problems = [
            _abi.Problem("truncated", "cut short: 24 of 42 bytes are there"),
            _abi.Problem("truncated", "cut short: 24 of 42 bytes are there"),
        ]
        status, out, err = run("core.big", "heap", session=session)
        self.assertEqual(status, 4)
        self.assertIn("objects take", out)
        self.assertEqual(err, "refscope: core.big: cut short: 24 of 42 bytes are there.\n")

    def test_a_failed_proof_leaves_4(self):
        session = fakes.shop()
        session.proofs = [_abi.Proof("pools", "table", "x", "arenas", 1)]
        self.assertEqual(run("core.1", "layout", session=session)[0], 4)

    def test_a_check_that_does_not_hold_leaves_1(self):
        for flag, status in ((["--fail-on", "deficit"], 1), ([], 0), (["--fail-on", "x"], 2)):
            self.assertEqual(run("core.1", "audit", *flag)[0], status)


class Runs(unittest.TestCase):
    def test_many_verbs_in_one_session(self):
        status, out, err = run("core.1", "run", "--", "heap", ";", "refs", "CONFIG", ";", "gc")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(
            [line for line in out.split("\n") if line.startswith("# ")],
            ["# heap", "# refs CONFIG", "# gc"],
        )

    def test_ways_to_write_the_separator(self):
        for words in (("heap;", "gc"), ("heap ; gc",), ("heap;gc",), ("heap", ";", "gc", ";")):
            _status, out, _err = run("--format", "json", "core.1", "run", "--", *words)
            rows = [json.loads(line) for line in out.splitlines()]
            self.assertEqual([row["verb"] for row in rows], ["heap", "gc"])

    def test_a_verb_that_fails_does_not_end_the_run(self):
        status, out, _err = run(
            "--format", "json", "core.1", "run", "--", "refs", "0x10", ";", "heap", ";", "nonsense"
        )
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([row["status"] for row in rows], [2, 0, 2])
        self.assertEqual(rows[0]["error"], "No memory at 0x10.")
        self.assertIn("types", rows[1]["answer"])
        self.assertNotIn("answer", rows[2])
        self.assertEqual(status, 4)

    def test_verbs_from_a_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("# what is there\nheap\n\nrefs --all CONFIG\n")
            file.flush()
            _status, out, _err = run("--format", "json", "core.1", "run", "-f", file.name)
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([row["verb"] for row in rows], ["heap", "refs"])
        self.assertEqual(rows[1]["args"], ["--all", "CONFIG"])

    def test_problems_are_said_once(self):
        session = fakes.shop()
        session.problems = [_abi.Problem("truncated", "cut short")]
        status, _out, err = run("core.1", "run", "--", "heap", ";", "gc", session=session)
        self.assertEqual((status, err.count("cut short")), (4, 1))


class Help(unittest.TestCase):
    def test_every_verb_is_listed_and_explained(self):
        status, out, _err = run("--help")
        self.assertEqual(status, 0)
        for name in verbs.BY_NAME:
            self.assertIn(f"\n  {name} ", out)
            for argv in ((name, "--help"), ("core.1", name, "--help")):
                status, shown, _err = run(*argv)
                self.assertEqual(status, 0)
                self.assertTrue(shown.startswith(verbs.BY_NAME[name].summary))

    def test_run_and_version(self):
        self.assertIn("one go", run("run", "--help")[1])
        self.assertRegex(run("--version")[1], r"^refscope \d+\.\d+")


class Targets(unittest.TestCase):
    def test_what_is_no_core_is_told_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            for content, words in (
                (b"notes\n", "not a core file (no ELF header; text)"),
                (b"\x00\x01\xff" * 30, "not a core file (no ELF header; unknown data)"),
                (b"", "not a core file (it is empty)"),
                (Path("/bin/true").read_bytes(), "not a core. A core of it: refscope CORE heap."),
            ):
                path = os.path.join(folder, "file")
                Path(path).write_bytes(content)
                self.assertIn(words, target.why_not_core(path))
            self.assertIn("a folder", target.why_not_core(folder))
            self.assertIn("no such file", target.why_not_core(os.path.join(folder, "none")))

    def test_digits_are_a_process(self):
        self.assertTrue(target.is_pid("25402"))
        for word in ("./25402", "core.1", "", "\u0661\u0662"):
            self.assertFalse(target.is_pid(word))

    def test_locals_hide_globals(self):
        s = fakes.shop()
        frame = s.threads[0].frames[0]
        s.dicts[frame.globals]["config"] = 0x1
        self.assertEqual(target.resolve(s, "config"), 0x7FFBF7FC8300)
        s.dicts[frame.globals]["later"] = 0x2
        self.assertEqual(target.resolve(s, "later"), 0x2)


class Process(unittest.TestCase):
    """The real thing, in a process of its own."""

    def call(self, *argv, **more):
        code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from refscope.cli import main; "
        return subprocess.run(
            [sys.executable, "-c", code + "sys.exit(main())", str(PACKAGE), *argv],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **more,
        )

    def test_an_error_is_one_line_and_no_traceback(self):
        done = self.call("/etc/passwd", "heap")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_a_reader_that_goes_away_is_no_error(self):
        code = "import sys; sys.path.insert(0, sys.argv[1]); from refscope.cli import main; "
        command = f'"{sys.executable}" -c "{code}sys.exit(main([\'--help\']))" "{PACKAGE}" | true'
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")

    def test_ascii_terminals(self):
        env = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
        done = self.call("core.\u00e9", "heap", env=env)
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("Traceback", done.stderr)


class Launcher(unittest.TestCase):
    """gdbext/tools/launcher.in, with a package that takes its time."""

    def temporary(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def start(self, code, **more):
        folder = Path(self.temporary())
        (folder / "refscope").mkdir()
        (folder / "refscope" / "cli.py").write_text("import sys, time\n" + code)
        text = (PACKAGE / "tools" / "launcher.in").read_text()
        script = folder / "launcher"
        script.write_text(text.replace("@PACKAGE@", str(folder)))
        flag = text.splitlines()[0].split()[-1]
        process = subprocess.Popen(
            [sys.executable, flag, str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )
        self.assertEqual(process.stdout.readline(), "here\n")
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=30)[1]
        return process.returncode, err

    HERE = "print('here', flush=True); time.sleep(5)\n"

    def test_ctrl_c_while_modules_are_imported_says_nothing(self):
        self.assertEqual(self.start(self.HERE + "def main(): pass\n"), (-signal.SIGINT, ""))

    def test_ctrl_c_in_main_is_for_main_to_handle(self):
        code = f"""
def main():
    try:
        {self.HERE}
    except KeyboardInterrupt:
        return 7
"""
        self.assertEqual(self.start(code), (7, ""))

    def test_ctrl_c_when_all_is_said_says_nothing(self):
        code = f"""
import atexit
def late():
    {self.HERE}
def main():
    atexit.register(late)
    return 0
"""
        self.assertEqual(self.start(code), (-signal.SIGINT, ""))

    def test_what_the_parent_ignores_stays_ignored(self):
        ignored = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)  # noqa: E731
        code = "print('here', flush=True); time.sleep(0.3)\ndef main(): time.sleep(0.3); return 5\n"
        self.assertEqual(self.start(code, preexec_fn=ignored), (5, ""))


if __name__ == "__main__":
    unittest.main()
