# SPDX-License-Identifier: MIT
"""libinspect from Python: opening a target, and asking it.

Every question of libinspect.h is a method of Session with the name of the C function less
`insp_`; an answer is copied into plain records (see _abi) and freed, so nothing a caller holds
can go stale. Knows nothing of gdb and nothing of how the target's memory is laid out.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from array import array
from collections.abc import Sequence
from ctypes import POINTER, byref
from typing import Any, Callable, Optional

from . import _abi, records
from ._abi import Format, JobState, PathOrigin, Query, RemainderQuery, Sort, Stage, Status
from .loader import InspectError, Library, LibraryError, load
from .opening import OnUnpacking, Opening
from .writing import WAIT_MS, Writing, start_quietly

PlaceKind = _abi.PlaceKind
Access = _abi.Access

# Memory is asked of the reader in pieces of at most this size, so that a slow one can be interrupted.
READ_PIECE = 1 << 20
WANTED_RANGES = 256

Reader = Callable[[int, int], Optional[bytes]]
OnProgress = Callable[[_abi.Progress], object]


class Session:
    """A target that is open. Close it, or use it in a `with` statement."""

    Error = InspectError

    def __init__(self, library: Optional[Library] = None) -> None:
        # Pointers the library writes to itself: an interrupt cannot lose what they point to.
        self.reached = 0  # the latest stage that was asked for and is there
        self._handle = POINTER(_abi.insp_session)()
        self._job = POINTER(_abi.insp_job)()
        self._ending = threading.Lock()
        self._reader: Optional[Reader] = None
        self._lib = library or load()

    @classmethod
    def open_core(
        cls,
        path: str,
        exe: Optional[str] = None,
        sysroot: Optional[str] = None,
        tick: Optional[OnUnpacking] = None,
    ) -> Session:
        """Open a core dump; `exe` and `sysroot` as insp_options has them.

        `tick` is called while a compressed one is unpacked, on this thread.
        """
        session = cls()
        function, options = session._lib.insp_open_core, _options(exe, sysroot)
        job = Opening(function, os.fsencode(path), options, session._handle)
        job.finish(tick)
        _check(job.status, job.error)
        return session

    @classmethod
    def open_process(
        cls, pid: int, exe: Optional[str] = None, sysroot: Optional[str] = None
    ) -> Session:
        """Copy a process's memory while it is held for a moment."""
        session = cls()
        session._open("insp_open_process", pid, byref(_options(exe, sysroot)))
        return session

    @classmethod
    def open_caller(
        cls,
        mappings: Sequence[_abi.Mapping],
        threads: Sequence[_abi.CallerThread],
        reader: Reader,
        pid: int = 0,
        exe: Optional[str] = None,
        sysroot: Optional[str] = None,
    ) -> Session:
        """Open a target through the caller's own eyes.

        `reader(start, end)` is called on the caller's thread, from need(), with at most READ_PIECE
        bytes to bring; it returns them all, or None where they cannot be read.
        """
        session = cls()
        session._reader = reader
        maps = (_abi.insp_mapping * len(mappings))(
            *((m.start, m.end, m.offset, os.fsencode(m.path), m.flags) for m in mappings)
        )
        regs = (_abi.insp_caller_thread * len(threads))()
        for row, thread in zip(regs, threads):
            row.tid = thread.tid
            row.registers[:] = thread.registers
        options = byref(_options(exe, sysroot))
        arguments = (pid, maps, len(maps), regs, len(regs), options)
        session._open("insp_open_caller", *arguments)
        return session

    def _open(self, name: str, *arguments: Any) -> None:
        error = _abi.insp_error()
        _check(getattr(self._lib, name)(*arguments, byref(self._handle), byref(error)), error)

    def describe_types(self, file: str, text: str) -> None:
        """Describe types by the text of a file; before anything is asked."""
        error = _abi.insp_error()
        function = self._function("insp_describe_types")
        words = (os.fsencode(file), text.encode())
        _check(function(self._handle, *words, byref(error)), error)

    def close(self) -> None:
        """Let go of the target. A second time does nothing."""
        handle, self._handle = self._handle, POINTER(_abi.insp_session)()
        self._job = POINTER(_abi.insp_job)()
        if handle:
            self._lib.insp_close(handle)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) and getattr(self, "_lib", None):
            self.close()

    # ---- jobs ----

    def need(self, stage: int, progress: Optional[OnProgress] = None) -> None:
        """Derive everything up to a stage. Ctrl-C ends it soon, and leaves nothing running.

        `progress` is called about twenty times a second, on this thread.
        """
        error = _abi.insp_error()
        try:
            start = self._function("insp_job_start")
            self._end_job(error, cancel=True)
            _check(start(self._handle, stage, byref(self._job), byref(error)), error)
            self._drive(progress)
        except BaseException:
            self._end_job(error, cancel=True)
            raise
        _check(self._end_job(error, cancel=False), error)
        self.reached = max(self.reached, stage)

    def _drive(self, progress: Optional[OnProgress]) -> None:
        state = _abi.insp_progress()
        told = time.monotonic()
        while True:
            now = self._lib.insp_job_wait(self._job, WAIT_MS, byref(state))
            if now == JobState.DONE:
                return
            if now == JobState.NEEDS_MEMORY:
                self._bring_memory()
            if progress and time.monotonic() - told >= WAIT_MS / 1000:
                progress(records.copy(_abi.insp_progress, ctypes.addressof(state)))
                told = time.monotonic()

    def _bring_memory(self) -> None:
        ranges = (_abi.insp_range * WANTED_RANGES)()
        n = self._lib.insp_job_wanted(self._job, ranges, WANTED_RANGES)
        for wanted in ranges[: min(n, WANTED_RANGES)]:
            for start in range(wanted.start, wanted.end, READ_PIECE):
                self._supply(start, min(start + READ_PIECE, wanted.end))

    def _supply(self, start: int, end: int) -> None:
        data = self._reader(start, end) if self._reader else None
        if data is not None and len(data) != end - start:
            data = None
        error = _abi.insp_error()
        piece = _abi.insp_range(start, end)
        _check(self._lib.insp_job_supply(self._job, piece, data, byref(error)), error)

    def _end_job(self, error: _abi.insp_error, cancel: bool) -> int:
        """Wait for the job's end and free it, however often Ctrl-C is pressed meanwhile.

        On a thread, where no KeyboardInterrupt is raised: between the call that frees the job and
        the note that it did, one would free it twice, or never.
        """
        status = [int(Status.OK)]
        late: Optional[KeyboardInterrupt] = None
        while self._job:
            try:
                ender = threading.Thread(target=self._free_job, args=(error, cancel, status))
                start_quietly(ender)
                ender.join()
            except KeyboardInterrupt as interrupt:
                late = interrupt
        if late and not cancel:
            raise late
        return status[0]

    def _free_job(self, error: _abi.insp_error, cancel: bool, status: list[int]) -> None:
        with self._ending:
            if not self._job:
                return
            if cancel:
                self._lib.insp_job_cancel(self._job)
            status[0] = self._lib.insp_job_finish(self._job, byref(error))
            self._job = POINTER(_abi.insp_job)()

    # ---- asking ----

    def _function(self, name: str) -> Any:
        if not self._handle:
            raise InspectError(Status.ERR_ARGUMENT, 0, "the session is closed")
        return getattr(self._lib, name)

    def _until_brought(self, function: Any, error: _abi.insp_error, *arguments: Any) -> None:
        """Call a question, again for as long as it misses memory that the reader can bring.

        It ends: memory that was brought, or cannot be read, is never missed again.
        """
        status = function(self._handle, *arguments, byref(error))
        while status == Status.ERR_NEEDS_MEMORY and self._reader:
            self.need(Stage.RUNTIME)
            status = function(self._handle, *arguments, byref(error))
        _check(status, error)

    def _ask(self, name: str, *arguments: Any) -> Any:
        """Call a question whose answer is the library's to free: the last but one argument."""
        function = self._function(name)
        answer = function.argtypes[-2]._type_()
        error = _abi.insp_error()
        try:
            self._until_brought(function, error, *arguments, byref(answer))
            return records.copy(answer._type_, ctypes.addressof(answer.contents))
        finally:
            self._lib.insp_answer_free(answer)

    def _fill(self, name: str, *arguments: Any) -> Any:
        """Call a question whose answer goes into the caller's own structure."""
        function = self._function(name)
        answer = function.argtypes[-2]._type_()
        error = _abi.insp_error()
        self._until_brought(function, error, *arguments, byref(answer))
        return records.copy(type(answer), ctypes.addressof(answer))

    def session_target(self) -> _abi.Target:
        """Where the target came from."""
        target = self._function("insp_session_target")(self._handle)
        return records.copy(_abi.insp_target, ctypes.addressof(target.contents))

    def session_problems(self) -> list[_abi.Problem]:
        """What keeps answers from being whole."""
        return self._ask("insp_session_problems")

    def session_modules(self) -> list[_abi.Module]:
        """Executables and libraries mapped in the target."""
        return self._ask("insp_session_modules")

    def session_findings(self) -> _abi.Findings:
        """What is wrong in the target itself."""
        return self._ask("insp_session_findings")

    def heap_findings(self) -> _abi.Findings:
        """The same, and what the whole heap does not hold that a sound one does."""
        return self._ask("insp_heap_findings")

    # Stage RUNTIME.

    def python_info(self) -> _abi.Python:
        """Which CPython this is."""
        return self._ask("insp_python_info")

    def layout_proofs(self) -> list[_abi.Proof]:
        """Whether the layout is true of this target, structure by structure."""
        return self._ask("insp_layout_proofs")

    def layout_fields(self) -> list[_abi.FieldRow]:
        """Every field the library reads by."""
        return self._ask("insp_layout_fields")

    def interpreter_list(self) -> list[_abi.Interpreter]:
        """Interpreters and what their collectors know."""
        return self._ask("insp_interpreter_list")

    def thread_list(self) -> list[_abi.Thread]:
        """Threads, their Python frames and locals."""
        return self._ask("insp_thread_list")

    def allocation_of(self, addr: int) -> _abi.Allocation:
        """Where tracemalloc saw the block of an object allocated."""
        return self._ask("insp_allocation_of", addr)

    def value_text(self, addr: int, size: int = 512) -> tuple[str, bool]:
        """The short value of an object, in at most size - 1 bytes, and whether it was cut."""
        text = ctypes.create_string_buffer(size)
        cut = ctypes.c_int32()
        error = _abi.insp_error()
        function = self._function("insp_value_text")
        self._until_brought(function, error, addr, text, size, byref(cut))
        return text.value.decode("utf-8", "replace"), bool(cut)

    def dict_get(self, addr: int, key: str) -> int:
        """The value of a str key in a dict, 0 where it is not there."""
        value = ctypes.c_uint64()
        error = _abi.insp_error()
        function = self._function("insp_dict_get")
        name = key.encode("utf-8", "surrogatepass")
        self._until_brought(function, error, addr, name, byref(value))
        return value.value

    def fault_info(self) -> _abi.Fault:
        """How the target died, as far as registers and code tell."""
        return self._ask("insp_fault_info")

    def find(self, addr: int) -> _abi.Place:
        """What lies at an address."""
        return self._ask("insp_find", addr)

    # Stage OBJECTS.

    def heap_summary(self) -> _abi.Summary:
        """How large the heap is."""
        return self._ask("insp_heap_summary")

    def type_list(self) -> list[_abi.TypeRow]:
        """Every type, by type id."""
        return self._ask("insp_type_list")

    def object_at(self, addr: int) -> _abi.Object:
        """The object at an address."""
        return self._fill("insp_object_at", addr)

    def object_look(self, addr: int) -> _abi.Object:
        """The object at an address, without the others: see insp_object_look."""
        return self._fill("insp_object_look", addr)

    def object_number(self, number: int) -> _abi.Object:
        """The object with a number."""
        return self._fill("insp_object_number", number)

    def object_columns(self, numbers: Sequence[int]) -> tuple[array[int], array[int], array[int]]:
        """The addresses, type ids and sizes of many objects, in the order of their numbers."""
        asked, n = array("I", numbers), len(numbers)
        addrs, types = array("Q", bytes(8 * n)), array("I", bytes(4 * n))
        sizes = array("q", bytes(8 * n))
        error = _abi.insp_error()
        columns = [
            (ctype * n).from_buffer(column) if n else None
            for ctype, column in (
                (ctypes.c_uint32, asked),
                (ctypes.c_uint64, addrs),
                (ctypes.c_uint32, types),
                (ctypes.c_int64, sizes),
            )
        ]
        function = self._function("insp_object_columns")
        self._until_brought(function, error, columns[0], n, *columns[1:])
        return addrs, types, sizes

    def object_words(self, addr: int) -> list[_abi.Word]:
        """An object's memory, word by word."""
        return self._ask("insp_object_words", addr)

    def objects_between(self, start: int, end: int) -> array[int]:
        """Numbers of the objects in [start, end), by address."""
        return self._ask("insp_objects_between", start, end)

    def arena_list(self) -> _abi.Arenas:
        """Arenas with their pools, and size classes."""
        return self._ask("insp_arena_list")

    # Stages REFERENCES, REVERSE and NATIVE.

    def referents(self, number: int) -> list[_abi.Edge]:
        """What an object or root refers to."""
        return self._ask("insp_referents", number)

    def items_of(self, number: int, most: int) -> _abi.Items:
        """The first references of an object by a name of its own; 0: all."""
        return self._ask("insp_items_of", number, most)

    def referents_among(self, numbers: Sequence[int]) -> list[_abi.Edge]:
        """The references of some objects to each other, by source."""
        asked, n = array("I", numbers), len(numbers)
        column = (ctypes.c_uint32 * n).from_buffer(asked) if n else None
        return self._ask("insp_referents_among", column, n)

    def referrers(self, number: int) -> list[_abi.Edge]:
        """What refers to an object."""
        return self._ask("insp_referrers", number)

    def dangling(self, start: int, end: int) -> list[_abi.Edge]:
        """Slots that own what lies in a range, where no object starts."""
        return self._ask("insp_dangling", start, end)

    def collector_at(self, thread: int, pointer: int) -> list[_abi.Edge]:
        """Slots of the container that the collector was on, as a thread's stack tells."""
        return self._ask("insp_collector_at", thread, pointer)

    def root_at(self, number: int) -> _abi.Root:
        """The root with a number."""
        return self._fill("insp_root_at", number)

    def whose(self, number: int, size: int = 256) -> str:
        """Whose an object is, in words, "" where several hold it."""
        text = ctypes.create_string_buffer(size)
        error = _abi.insp_error()
        function = self._function("insp_whose")
        self._until_brought(function, error, number, text, size)
        return text.value.decode("utf-8", "replace")

    def candidates_of(self, number: int) -> _abi.Candidates:
        """Words of C memory that point to an object."""
        return self._ask("insp_candidates_of", number)

    def unbalanced(self) -> array[int]:
        """Numbers of mortal objects whose refcount does not add up."""
        return self._ask("insp_unbalanced")

    def search_objects(self, query: _abi.Query) -> _abi.Search:
        """Objects that match all of a query; `types` has a 1 for each type id that is wanted."""
        fields = query._asdict()
        wanted = array("B", fields.pop("types") or ())
        column = (ctypes.c_uint8 * len(wanted)).from_buffer(wanted) if wanted else None
        fields["gc"] = query.gc.encode() if query.gc else None
        asked = _abi.insp_query(types=column, n_types=len(wanted), **fields)
        return self._ask("insp_search_objects", byref(asked))

    def check_decoders(self, per_type: int) -> list[_abi.DecoderRow]:
        """Compare the decoders with the types' own tp_traverse."""
        return self._ask("insp_check_decoders", per_type)

    def garbage_replay(self) -> _abi.Garbage:
        """What a full collection would find now."""
        return self._ask("insp_garbage_replay")

    def cycle_list(self) -> _abi.Cycles:
        """Components of objects that refer to each other."""
        return self._ask("insp_cycle_list")

    def rings_through(self, number: int, limit: int) -> _abi.Rings:
        """Shortest cycles through one object."""
        return self._ask("insp_rings_through", number, limit)

    def path_to(self, number: int) -> _abi.Path:
        """The shortest way by owned references to an object from what lives by itself."""
        return self._ask("insp_path_to", number)

    # Stage RETAINED.

    def retained_by(self, number: int) -> _abi.Retained:
        """What would go with an object."""
        return self._ask("insp_retained_by", number)

    def retained_most_by(self, limit: int) -> _abi.Retained:
        """The objects that keep most alive."""
        return self._ask("insp_retained_most_by", limit)

    # ---- export ----

    def export(
        self,
        write: Callable[[bytes], object],
        format: Format = Format.JSONL,
        tick: Optional[Callable[[], object]] = None,
    ) -> None:
        """Write the whole heap. `write` is called on another thread, `tick` on this one.

        The thread is there for Ctrl-C: on this one, an interrupt inside a callback of ctypes
        would be printed and lost.
        """
        self._write("insp_export", (format,), write, tick)

    def export_inside(
        self,
        numbers: Sequence[int],
        counts: Sequence[int],
        write: Callable[[bytes], object],
        tick: Optional[Callable[[], object]] = None,
    ) -> None:
        """Write the references inside each of some sets of objects, one line of JSON a set."""
        asked, sizes = array("I", numbers), array("Q", counts)
        columns = (
            (ctypes.c_uint32 * len(asked)).from_buffer(asked) if asked else None,
            (ctypes.c_size_t * len(sizes)).from_buffer(sizes) if sizes else None,
        )
        self._write("insp_export_inside", (*columns, len(sizes)), write, tick)

    def write_core(
        self,
        write: Callable[[bytes], object],
        zeros: Callable[[int], object],
        tick: Optional[Callable[[], object]] = None,
    ) -> None:
        """Write a process that was copied as a core file; `zeros` is told of runs of zero bytes."""
        self._write("insp_write_core", (), write, tick, zeros)

    def _write(
        self,
        name: str,
        arguments: tuple[Any, ...],
        write: Callable[[bytes], object],
        tick: Optional[Callable[[], object]],
        zeros: Optional[Callable[[int], object]] = None,
    ) -> None:
        job = Writing(self._function(name), (self._handle, *arguments), write, zeros)
        try:
            start_quietly(job)
            while not job.ended:
                job.wait(WAIT_MS / 1000)
                if tick:
                    tick()
        except BaseException:
            job.call_off()
            raise
        if job.failure:
            raise job.failure
        _check(job.status, job.error)


def _options(exe: Optional[str], sysroot: Optional[str]) -> _abi.insp_options:
    return _abi.insp_options(
        exe=os.fsencode(exe) if exe else None, sysroot=os.fsencode(sysroot) if sysroot else None
    )


def _check(status: int, error: _abi.insp_error) -> None:
    if status:
        message = error.message.decode("utf-8", "replace")
        raise InspectError(_status(status), error.addr, message or f"status {status}")


def _status(value: int) -> Status:
    try:
        return Status(value)
    except ValueError:
        return Status.ERR_UNSUPPORTED


__all__ = [
    "Format",
    "InspectError",
    "Library",
    "LibraryError",
    "PathOrigin",
    "Query",
    "RemainderQuery",
    "Session",
    "Sort",
    "Stage",
    "Status",
    "load",
]
