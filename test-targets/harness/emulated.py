# SPDX-License-Identifier: MIT
"""Programs of another processor, run by qemu's user mode: their interpreters' scripts, and cores of what they are.

qemu maps the program's memory as the program sees it (-B 0), far below its own. So a core can be written of
what /proc tells of qemu, as the kernel of the other machine would: without the program's registers, which are qemu's
variables. The stack pointer is taken to be the lowest word in use of the main thread's stack.
"""
import os
import platform
import re
import shutil
import struct
import typing
from pathlib import Path

from .corefile import program_headers

MACHINES = {"arm64": ("aarch64", 183)}
"""By Debian's name of an architecture: the machine, and its number in ELF (EM_AARCH64)."""

SCRIPT = """#!/bin/bash
exec {emulator} -B 0 -L {tree} -0 "$0" {binary} "$@"
"""
GUEST_END = 1 << 40
PAGE = 4096
NT_PRSTATUS, NT_PRPSINFO, NT_FILE = 1, 3, 0x46494C45
PT_LOAD, PT_NOTE = 1, 4
PF_X = 1
N_REGISTERS, SP = 34, 31  # of struct user_regs_struct: x0 … x30, sp, pc, pstate


class Mapping(typing.NamedTuple):
    """A line of /proc/PID/maps."""

    start: int
    end: int
    rights: str
    offset: int
    path: str


def emulator(machine: str) -> str:
    """The program that runs those of `machine`; "" where it is not installed."""
    return shutil.which("qemu-" + machine) or ""


def compiler(machine: str) -> str:
    """What compiles C for it."""
    return os.environ.get("CC", "gcc") if machine == platform.machine() else machine + "-linux-gnu-gcc"


def is_emulator(pid: int) -> bool:
    """Whether a process is a program of another processor."""
    return os.path.basename(os.readlink("/proc/%d/exe" % pid)).startswith("qemu-")


def _mappings(pid: int) -> typing.List[Mapping]:
    found = []
    with open("/proc/%d/maps" % pid) as lines:
        for line in lines:
            start, end, rights, offset, path = re.match(
                r"(\w+)-(\w+) (\S+) (\w+) \S+ \d+ *(.*)", line.rstrip("\n")).groups()  # type: ignore[union-attr]
            found.append(Mapping(int(start, 16), int(end, 16), rights, int(offset, 16), path))
    return [m for m in found if m.start < GUEST_END and "r" in m.rights]


def _is_code(mapping: Mapping) -> bool:
    """Whether the program may execute it: for qemu it is data, so its file is asked."""
    if not mapping.path.startswith("/") or "w" in mapping.rights:
        return False
    elf = Path(mapping.path).read_bytes()
    if elf[:4] != b"\x7fELF":
        return False
    return any(kind == PT_LOAD and flags & PF_X and at < mapping.offset + mapping.end - mapping.start and
               mapping.offset < at + length for kind, flags, at, _, length in program_headers(elf))


def _note(kind: int, content: bytes) -> bytes:
    return (struct.pack("<III", 5, len(content), kind) + b"CORE\0\0\0\0" + content + b"\0" * (-len(content) % 4))


def _status(thread: int, sp: int) -> bytes:
    registers = [sp if i == SP else 0 for i in range(N_REGISTERS)]
    return struct.pack("<32xI76x%dQ8x" % N_REGISTERS, thread, *registers)


def _files(mappings: typing.Sequence[Mapping]) -> bytes:
    of_files = [m for m in mappings if m.path.startswith("/")]
    rows = b"".join(struct.pack("<QQQ", m.start, m.end, m.offset // PAGE) for m in of_files)
    names = b"".join(m.path.encode() + b"\0" for m in of_files)
    return struct.pack("<QQ", len(of_files), PAGE) + rows + names


def _pages(memory: int, mapping: Mapping) -> typing.Iterator[typing.Tuple[int, bytes]]:
    """The pages that a kernel would write, but for those that are all zeros. Of files' text only the first."""
    kept = mapping.path.startswith("/") and "w" not in mapping.rights
    for at in range(mapping.start, mapping.start + PAGE if kept else mapping.end, PAGE):
        try:
            page = os.pread(memory, PAGE, at)
        except OSError:
            continue
        if any(page):
            yield at, page


def _lowest_of_stack(memory: int, mappings: typing.Sequence[Mapping]) -> int:
    """Of the first large anonymous mapping behind the program: qemu makes it before it loads ld.so."""
    stack = next((m for m in mappings if not m.path and m.end - m.start >= 1 << 22 and m.start >= 1 << 32), None)
    page = next(_pages(memory, stack), None) if stack else None
    if page is None:
        return 0
    return page[0] + next(i for i in range(0, PAGE, 8) if any(page[1][i:i + 8]))


def gcore(pid: int, core: Path, number: int = MACHINES["arm64"][1]) -> None:
    """Write a core of the program that a process of qemu runs."""
    mappings = _mappings(pid)
    threads = sorted(int(t) for t in os.listdir("/proc/%d/task" % pid))
    memory = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
    try:
        sp = _lowest_of_stack(memory, mappings)
        notes = _note(NT_PRPSINFO, struct.pack("<24xI108x", pid))
        notes += b"".join(_note(NT_PRSTATUS, _status(t, sp if t == pid else 0)) for t in threads)
        notes += _note(NT_FILE, _files(mappings))
        _write(core, number, notes, memory, mappings)
    finally:
        os.close(memory)


def _write(core: Path, number: int, notes: bytes, memory: int, mappings: typing.Sequence[Mapping]) -> None:
    first = 64 + 56 * (len(mappings) + 1)
    at = -(-(first + len(notes)) // PAGE) * PAGE
    headers = [struct.pack("<IIQQQQQQ", PT_NOTE, 0, first, 0, 0, len(notes), 0, 4)]
    part = core.with_name(core.name + ".part")
    with open(part, "wb") as out:
        for m in mappings:
            size = 0
            for where, page in _pages(memory, m):
                os.pwrite(out.fileno(), page, at + where - m.start)
                size = m.end - m.start if "w" in m.rights or not m.path.startswith("/") else PAGE
            flags = 4 * ("r" in m.rights) + 2 * ("w" in m.rights) + ("x" in m.rights or _is_code(m))
            headers.append(struct.pack("<IIQQQQQQ", PT_LOAD, flags, at, m.start, 0, size, m.end - m.start, PAGE))
            at += -(-size // PAGE) * PAGE
        out.write(struct.pack("<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 4, number, 1, 0, 64, 0, 0, 64, 56,
                              len(headers), 0, 0, 0) + b"".join(headers) + notes)
        out.truncate(at)
    os.replace(part, core)
