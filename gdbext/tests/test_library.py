# SPDX-License-Identifier: MIT
"""session.py against a libinspect whose behaviour the test chooses (support/fake_library.c)."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from array import array
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "gdbext"))

from refscope import _abi, loader, records  # noqa: E402
from refscope.session import (  # noqa: E402
    READ_PIECE,
    InspectError,
    LibraryError,
    Reader,
    Session,
    Stage,
    Status,
)

# Counts of the fake library that must be 0 again in the end.
ALIVE = ("fake_sessions", "fake_jobs", "fake_answers")


def compile_fake(path: Path, *flags: str) -> str:
    source = HERE / "support" / "fake_library.c"
    include = f"-I{ROOT / 'libinspect' / 'include'}"
    command = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-pthread", include]
    subprocess.run([*command, *flags, str(source), "-o", str(path)], check=True)
    return str(path)


class FakeLibrary(unittest.TestCase):
    folder: tempfile.TemporaryDirectory[str]
    path: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = compile_fake(Path(cls.folder.name) / "fake.so")

    def setUp(self) -> None:
        patch = mock.patch.dict(os.environ, {"REFSCOPE_LIB": self.path})
        patch.start()
        self.addCleanup(patch.stop)
        self.addCleanup(self.expect_nothing_left)

    def count(self, name: str) -> int:
        """What the fake library counted."""
        kind = ctypes.c_int if name in ALIVE else ctypes.c_uint64
        return kind.in_dll(ctypes.CDLL(self.path), name).value

    def expect_nothing_left(self) -> None:
        self.assertEqual({name: self.count(name) for name in ALIVE}, dict.fromkeys(ALIVE, 0))

    def open(self, path: str) -> Session:
        session = Session.open_core(path)
        self.addCleanup(session.close)
        return session


class Loading(FakeLibrary):
    def test_the_environment_says_which_library(self) -> None:
        self.assertEqual(loader.load().path, self.path)
        self.assertEqual(loader.load().version(), "9.8.7")

    def test_a_library_of_another_header_is_refused(self) -> None:
        stale = compile_fake(Path(self.folder.name) / "stale.so", "-DFAKE_ABI=0x12345678u")
        with self.assertRaisesRegex(LibraryError, r"stale\.so was built from another .*make gen"):
            loader.Library(stale)

    def test_a_library_that_lacks_a_function_is_said_to(self) -> None:
        with self.assertRaisesRegex(LibraryError, "has no insp_rings_through; run `make`"):
            self.open("any").rings_through(1, 2)

    def test_a_library_that_is_not_there(self) -> None:
        with mock.patch.dict(os.environ, {"REFSCOPE_LIB": "/nonexistent/lib.so"}):
            with self.assertRaisesRegex(LibraryError, "^cannot load /nonexistent/lib.so: "):
                loader.load()

    def test_a_file_that_is_no_library(self) -> None:
        with self.assertRaisesRegex(LibraryError, "^cannot load .*test_library.py: "):
            loader.Library(__file__)

    def test_another_library_is_refused(self) -> None:
        with self.assertRaisesRegex(LibraryError, "has no insp_abi"):
            loader.Library("libc.so.6")

    def test_it_is_looked_for_beside_the_package(self) -> None:
        """In the tree, then below the prefix that the package is installed in."""
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ):
            del os.environ["REFSCOPE_LIB"]
            package = Path(folder) / "share" / "refscope" / "refscope"
            for place in ("lib/x86_64-linux-gnu", "lib", "share/build/lib"):
                (Path(folder) / place).mkdir(parents=True, exist_ok=True)
                (Path(folder) / place / loader.SONAME).touch()
            with mock.patch.object(loader, "__file__", str(package / "session.py")):
                found = [path.replace(folder, "PREFIX") for path in loader.candidates()]
        names = ["share/build/lib", "lib", "lib/x86_64-linux-gnu"]
        wanted = [f"PREFIX/{name}/{loader.SONAME}" for name in names]
        self.assertEqual(found, [*wanted, loader.SONAME])

    def test_a_library_that_is_nowhere_says_what_to_do(self) -> None:
        with mock.patch.dict(os.environ):
            del os.environ["REFSCOPE_LIB"]
            with mock.patch.object(loader, "SONAME", "libinspect-of-nobody.so.0"):
                with self.assertRaisesRegex(LibraryError, "is not here; run `make`, or set"):
                    loader.Library("libinspect-of-nobody.so.0")

    def test_nothing_is_imported_that_only_gdb_has(self) -> None:
        code = "import sys; import refscope.session; sys.exit('gdb' in sys.modules)"
        subprocess.run([sys.executable, "-c", code], cwd=ROOT / "gdbext", check=True)


class Errors(FakeLibrary):
    def test_an_error_carries_status_address_and_message(self) -> None:
        with self.assertRaises(InspectError) as raised:
            self.open("any").object_at(0)
        self.assertIs(raised.exception.status, Status.ERR_NO_OBJECT)
        self.assertEqual(raised.exception.addr, 0)
        self.assertEqual(str(raised.exception), "no object at 0x0")

    def test_a_core_that_cannot_be_opened(self) -> None:
        with self.assertRaisesRegex(InspectError, "^no such file: missing$"):
            Session.open_core("missing")

    def test_who_waits_for_a_packed_core_is_told_and_may_interrupt(self) -> None:
        told = []

        def tick(done: int, total: int) -> None:
            told.append((done, total))
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            Session.open_core("packed", tick=tick)
        self.assertEqual(told, [(50, 200)])

    def test_options_arrive(self) -> None:
        with self.assertRaisesRegex(InspectError, "^/usr/bin/x$") as raised:
            Session.open_core("options", exe="/usr/bin/x")
        self.assertIs(raised.exception.status, Status.ERR_MISMATCH)
        with self.assertRaisesRegex(InspectError, "^none$"):
            Session.open_core("options")

    def test_a_refused_question_frees_nothing_that_is_not_there(self) -> None:
        with self.assertRaisesRegex(InspectError, "types are refused"):
            self.open("refuse").type_list()

    def test_a_closed_session_says_so(self) -> None:
        session = self.open("any")
        session.close()
        session.close()
        for ask in (session.type_list, session.session_target, lambda: session.need(1)):
            with self.assertRaisesRegex(InspectError, "the session is closed"):
                ask()

    def test_a_session_that_is_dropped_is_closed(self) -> None:
        session = Session.open_core("any")
        del session
        self.expect_nothing_left()

    def test_a_with_statement_closes(self) -> None:
        with Session.open_core("any") as session:
            self.assertEqual(session.object_at(16).addr, 16)
        self.expect_nothing_left()


class Answers(FakeLibrary):
    def test_rows_are_copied_with_their_text(self) -> None:
        rows = self.open("any").type_list()
        self.assertEqual(len(rows), 100000)
        self.assertEqual([row.addr for row in rows], [i * 16 for i in range(100000)])
        self.assertEqual({row.name for row in rows[1::2]}, {"d\xe9j\xe0"})
        last = _abi.TypeRow(1599984, "d\xe9j\xe0", "builtins", "none", 99999, -1, 2**64 - 1, 99999, 0, 0)
        self.assertEqual(rows[-1], last)

    def test_arrays_inside_rows_are_lists(self) -> None:
        first, second = self.open("any").interpreter_list()
        self.assertEqual([g.name for g in first.generations], ["gen0", "frozen"])
        self.assertEqual(first.generations[0], _abi.Generation("gen0", 1, 700, 2, 3, 4, 5))
        self.assertEqual(second.generations, [])

    def test_an_unknown_enum_value_stays_a_number(self) -> None:
        first, second = self.open("any").layout_proofs()
        self.assertIs(first.result, _abi.ProofResult.REPAIRED)
        self.assertEqual(second.result, 99)

    def test_numbers_come_as_an_array(self) -> None:
        numbers = self.open("any").unbalanced()
        self.assertIsInstance(numbers, array)
        self.assertEqual(len(numbers), 1000000)
        self.assertEqual(numbers[999999], 3999996000)
        self.assertEqual(list(self.open("empty").unbalanced()), [])

    def test_a_structure_is_filled_in(self) -> None:
        found = self.open("any").object_at(64)
        self.assertEqual((found.addr, found.refcnt, found.interp), (64, -5, -1))
        self.assertEqual(found.raw, (7, 2**64 - 1))
        self.assertIsNone(found.gc)

    def test_text_that_is_cut_says_so(self) -> None:
        session = self.open("any")
        self.assertEqual(session.value_text(16), ("a value that is 33 bytes long ...", False))
        self.assertEqual(session.value_text(16, size=8), ("a value", True))

    def test_a_key_is_given_as_utf8(self) -> None:
        session = self.open("any")
        self.assertEqual(session.dict_get(100, "k\xe9y"), 101)
        self.assertEqual(session.dict_get(100, "other"), 0)


class Jobs(FakeLibrary):
    def test_progress_is_told_until_the_job_is_done(self) -> None:
        seen: list[_abi.Progress] = []
        self.open("slow").need(Stage.OBJECTS, seen.append)
        self.assertGreaterEqual(len(seen), 3)
        self.assertEqual(seen[0], _abi.Progress(Stage.OBJECTS, 1, 2, 3))

    def test_a_job_that_fails(self) -> None:
        with self.assertRaises(InspectError) as raised:
            self.open("fail").need(Stage.OBJECTS)
        self.assertIs(raised.exception.status, Status.ERR_CHANGED)

    def test_a_job_that_cannot_start(self) -> None:
        with self.assertRaisesRegex(InspectError, "^no layout$"):
            self.open("refuse").need(Stage.OBJECTS)

    def test_an_error_of_the_progress_callback_ends_the_job(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            self.open("forever").need(Stage.OBJECTS, lambda progress: 1 // 0)
        self.assertEqual(self.count("fake_jobs"), 0)

    def interrupt(self, *delays: float) -> None:
        """Press Ctrl-C after each delay, counted from now."""

        def press() -> None:
            start = time.monotonic()
            for delay in delays:
                time.sleep(max(0.0, start + delay - time.monotonic()))
                os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=press)
        thread.start()
        self.addCleanup(thread.join)

    def test_ctrl_c_cancels_and_is_not_lost(self) -> None:
        session = self.open("forever")
        self.interrupt(0.2)
        start = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            session.need(Stage.OBJECTS)
        self.assertLess(time.monotonic() - start, 2)
        self.assertEqual(self.count("fake_jobs"), 0)

    def test_a_second_ctrl_c_leaves_no_job(self) -> None:
        # The fake takes 0.3 s to stop: the second and third arrive while it is waited for.
        session = self.open("forever")
        self.interrupt(0.1, 0.2, 0.3)
        with self.assertRaises(KeyboardInterrupt):
            session.need(Stage.OBJECTS)
        self.assertEqual(self.count("fake_jobs"), 0)

    def test_many_impatient_people(self) -> None:
        session = self.open("forever")
        for _ in range(5):
            self.interrupt(*(0.05 + i * 0.002 for i in range(100)))
            with self.assertRaises(KeyboardInterrupt):
                session.need(Stage.OBJECTS)
                time.sleep(1)
            self.wait_until_no_job_is_left()

    def wait_until_no_job_is_left(self) -> None:
        end = time.monotonic() + 2
        while self.count("fake_jobs") and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(self.count("fake_jobs"), 0)

    def test_sigint_is_open_again_afterwards(self) -> None:
        session = self.open("forever")
        self.interrupt(0.1)
        with self.assertRaises(KeyboardInterrupt):
            session.need(Stage.OBJECTS)
        self.assertNotIn(signal.SIGINT, signal.pthread_sigmask(signal.SIG_BLOCK, ()))


class CallersMemory(FakeLibrary):
    def open_caller(self, kind: str, reader: Reader) -> Session:
        mappings = [_abi.Mapping(0, 4096, 0, "/bin/x", 5), _abi.Mapping(8192, 9000, 1, kind, 3)]
        threads = [_abi.CallerThread(7, tuple(range(27)))]
        session = Session.open_caller(mappings, threads, reader, pid=7)
        self.addCleanup(session.close)
        return session

    def test_wanted_memory_is_brought_in_pieces_on_this_thread(self) -> None:
        asked: list[tuple[int, int]] = []

        def reader(start: int, end: int) -> bytes | None:
            self.assertIs(threading.current_thread(), threading.main_thread())
            asked.append((start, end))
            return None if start >= 0xFFFF0000 else b"\x01" * (end - start)

        before = {n: self.count(n) for n in ("fake_sum", "fake_unreadable", "fake_pieces")}
        self.open_caller("memory", reader).need(Stage.OBJECTS)
        grown = {name: self.count(name) - value for name, value in before.items()}
        size = 5 * 1024 * 1024 // 2
        self.assertEqual(
            grown, {"fake_sum": size, "fake_unreadable": 4096, "fake_pieces": len(asked)}
        )
        self.assertEqual(asked[0], (0x10000, 0x110000))
        self.assertEqual(sum(end - start for start, end in asked), size + 4096)
        self.assertLessEqual(self.count("fake_largest"), READ_PIECE)

    def test_a_short_read_is_no_read(self) -> None:
        before = self.count("fake_sum")
        self.open_caller("memory", lambda start, end: b"\x01").need(Stage.OBJECTS)
        self.assertEqual(self.count("fake_sum"), before)

    def test_an_error_of_the_reader_ends_the_job(self) -> None:
        def reader(start: int, end: int) -> bytes:
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.open_caller("memory", reader).need(Stage.OBJECTS)
        self.assertEqual(self.count("fake_jobs"), 0)


class Export(FakeLibrary):
    def test_all_pieces_arrive_in_order(self) -> None:
        pieces: list[bytes] = []
        self.open("any").export(pieces.append)
        self.assertEqual(b"".join(pieces), b"line\n" * 5)

    def test_an_error_of_the_writer_is_raised_here(self) -> None:
        def write(data: bytes) -> None:
            raise OSError(28, "No space left on device")

        with self.assertRaisesRegex(OSError, "No space left"):
            self.open("any").export(write)

    def test_ctrl_c_ends_it(self) -> None:
        session = self.open("forever")
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            session.export(lambda data: None)
        # Not whether a thread says that it is alive: one whose join was interrupted does not.
        self.assertEqual(self.count("fake_exports"), 0)


class Copying(unittest.TestCase):
    def test_every_structure_of_the_header_can_be_copied(self) -> None:
        for struct, record in _abi.RECORDS.items():
            with self.subTest(struct.__name__):
                raw = struct()
                found = records.copy(struct, ctypes.addressof(raw))
                self.assertIsInstance(found, record if record is not list else (list, array))


if __name__ == "__main__":
    unittest.main()
