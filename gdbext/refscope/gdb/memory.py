# SPDX-License-Identifier: MIT
"""What gdb debugs, and how libinspect gets at its memory.

A core is a file: libinspect maps it. A process on this machine is read directly, gdb holding it
still. Anything else (remote, recorded) is read through gdb.
"""

import os
import re
from dataclasses import dataclass
from typing import Any, List, NamedTuple, Optional, Tuple

import gdb

from ..descriptions import DescriptionError, describe
from ..session import InspectError, Session, Status
from ..target import TargetError, elf_type

PIECE = 1 << 16
"""Bytes gdb is asked for at once: fastest for cores and processes, no slower for remote ones."""

_ET_CORE = 4


class Mapping(NamedTuple):
    """A range of the target's memory, as Session.open_caller takes it."""

    start: int
    end: int
    offset: int
    path: str
    flags: int


class CallerThread(NamedTuple):
    """A thread's registers, as Session.open_caller takes them."""

    tid: int
    registers: Tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """What is to be opened. Equal places hold the same memory, as long as nothing ran."""

    kind: str  # "core", "native", "remote"
    name: str  # as messages name it
    path: str  # of the core
    pid: int
    exe: str
    stamp: Tuple[int, ...]  # of the core file: it changes when that does


def place_of(inferior: Any) -> Place:
    """What the inferior is. Raises TargetError where it is nothing."""
    kind = _connection(inferior)
    exe = _local_file(inferior.progspace.filename)
    if kind == "core":
        path = _core_path(inferior)
        if not path:
            raise TargetError("gdb debugs a core, but where its file is cannot be told.")
        status = os.stat(path)
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        return Place("core", os.path.basename(path), path, inferior.pid, exe, stamp)
    if not kind or not inferior.pid:
        raise TargetError(
            "gdb has no process and no core. Give one: core-file FILE, or attach PID."
        )
    _refuse_running(inferior)
    if kind == "native" and _recording() is None:
        return Place("native", f"process {inferior.pid}", "", inferior.pid, exe, ())
    return Place("remote", f"process {inferior.pid}", "", inferior.pid, exe, ())


def open_place(place: Place, inferior: Any) -> Session:
    """Open it. Raises InspectError or TargetError."""
    sysroot = _local_folder(str(gdb.parameter("sysroot") or ""))
    try:
        return describe(_open_any(place, inferior, sysroot))
    except DescriptionError as error:
        raise TargetError(str(error)) from None


def _open_any(place: Place, inferior: Any, sysroot: Optional[str]) -> Session:
    try:
        return _open(place, inferior, place.exe or None, sysroot)
    except InspectError as error:
        if error.status != Status.ERR_MISMATCH or not place.exe:
            raise
    # The executable gdb was given is not the core's; libinspect looks for the right one itself.
    return _open(place, inferior, None, sysroot)


def _open(place: Place, inferior: Any, exe: Optional[str], sysroot: Optional[str]) -> Session:
    if place.kind == "core":
        return Session.open_core(place.path, exe, sysroot)
    threads = threads_of(inferior)
    reader = Reader(inferior)
    if place.kind == "native":
        mappings = _mappings_of_proc(place.pid)
        try:
            return Session.open_caller(mappings, threads, reader, place.pid, exe, sysroot)
        except InspectError as error:
            if error.status != Status.ERR_DENIED:
                raise
    else:
        mappings = _mappings_of_gdb()
    return Session.open_caller(mappings, threads, reader, 0, exe, sysroot)


# ---- what it is -----------------------------------------------------------------------------

_CONNECTION = re.compile(r"^\*.*?\b\d+ \(([\w-]+)[^)]*\)", re.MULTILINE)


def _connection(inferior: Any) -> str:
    """`core`, `native`, `remote` ..., or "". inferior.pid does not tell: cores have it too."""
    if hasattr(inferior, "connection"):
        return inferior.connection.type if inferior.connection else ""
    found = _CONNECTION.search(gdb.execute("info inferiors", to_string=True))
    return found.group(1) if found else ""


def _recording() -> Any:
    """A recording that replays: then memory is not what the process has."""
    current = getattr(gdb, "current_recording", None)
    return current() if current else None


def _refuse_running(inferior: Any) -> None:
    for thread in inferior.threads():
        if thread.is_running():
            raise TargetError(
                f"Thread {thread.num} is running: stop the process first (interrupt, or Ctrl-C)."
            )


def _local_file(name: Optional[str]) -> str:
    """A path on this machine, or ""."""
    return name if name and os.path.isfile(name) else ""


def _local_folder(name: str) -> Optional[str]:
    return name if name not in ("", "/") and os.path.isdir(name) else None


# ---- the core's file ------------------------------------------------------------------------


def _core_path(inferior: Any) -> str:
    """Where the core is: as gdb 18 says, else the one core gdb has open, else as gdb words it."""
    corefile = getattr(inferior, "corefile", None)
    if corefile is not None and corefile.filename:
        return corefile.filename
    opened = _open_cores()
    if len(opened) == 1:
        return opened[0]
    found = re.search(r"`(.+)', file type", gdb.execute("info target", to_string=True))
    if found and os.path.isfile(found.group(1)):
        return found.group(1)
    return opened[0] if opened else ""


def _open_cores() -> List[str]:
    """Core files that this process has open. A deleted one is reached by its descriptor."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        link = f"/proc/self/fd/{name}"
        try:
            path = os.readlink(link)
        except OSError:
            continue
        if path.startswith("/") and os.path.isfile(link) and elf_type(link) == _ET_CORE:
            found.append(path if os.path.isfile(path) else link)
    return sorted(set(found))


# ---- mappings -------------------------------------------------------------------------------

_PROC_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])\S ([0-9a-f]+) \S+ \d+\s*(.*)")
_GDB_LINE = re.compile(
    r"\s*(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)"
    r"(?:\s+([rwxps-]{4}))?(?:\s+(.*))?$"
)


def _mappings_of_proc(pid: int) -> List[Mapping]:
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise TargetError(f"process {pid}: its mappings: {error.strerror}.") from None
    found = []
    for line in lines:
        match = _PROC_LINE.match(line)
        if match:
            start, end, r, w, x, offset, path = match.groups()
            flags = (r == "r") | (w == "w") << 1 | (x == "x") << 2
            path = path if path.startswith("/") else ""
            found.append(Mapping(int(start, 16), int(end, 16), int(offset, 16), path, flags))
    return found


def _mappings_of_gdb() -> List[Mapping]:
    """As the target tells gdb; without permissions (before gdb 12) all of it may be read."""
    try:
        told = gdb.execute("info proc mappings", to_string=True)
    except gdb.error as error:
        raise TargetError(f"The target does not say what memory it has: {error}.") from None
    found = []
    for line in told.splitlines():
        match = _GDB_LINE.match(line)
        if match:
            start, end, offset, rights, path = match.groups()
            rights = rights or "rwxp"
            flags = sum(1 << i for i, right in enumerate("rwx") if right in rights)
            path = path if path and path.startswith("/") else ""
            found.append(Mapping(int(start, 16), int(end, 16), int(offset, 16), path, flags))
    if not found:
        raise TargetError("The target does not say what memory it has (info proc mappings).")
    return found


# ---- threads --------------------------------------------------------------------------------

# struct user_regs_struct of x86-64, in its order.
_REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
    "fs_base gs_base ds es fs gs"
).split()
_WORD = (1 << 64) - 1


def threads_of(inferior: Any) -> List[CallerThread]:
    """Every thread with its registers. What is selected stays selected."""
    selected = gdb.selected_thread()
    frame = _selected_frame()
    found = []
    try:
        for thread in inferior.threads():
            thread.switch()
            found.append(CallerThread(thread.ptid[1] or thread.ptid[2], _registers()))
    finally:
        if selected is not None and selected.is_valid():
            selected.switch()
        if frame is not None and frame.is_valid():
            frame.select()
    return found


def _selected_frame() -> Any:
    try:
        return gdb.selected_frame()
    except gdb.error:
        return None


def _registers() -> Tuple[int, ...]:
    frame = gdb.newest_frame()
    return tuple(_register(frame, name) for name in _REGISTERS)


def _register(frame: Any, name: str) -> int:
    try:
        return int(frame.read_register(name)) & _WORD
    except (gdb.error, ValueError, TypeError):
        return 0


# ---- bytes ----------------------------------------------------------------------------------


class Reader:
    """Memory through gdb, on gdb's own thread."""

    def __init__(self, inferior: Any) -> None:
        self._inferior = inferior

    def __call__(self, start: int, end: int) -> Optional[bytes]:
        """All bytes of a range, or None. Ctrl-C is noticed between two pieces."""
        pieces = []
        try:
            for at in range(start, end, PIECE):
                n = min(PIECE, end - at)
                pieces.append(bytes(self._inferior.read_memory(at, n)))
        except gdb.error:
            return None
        return b"".join(pieces)
