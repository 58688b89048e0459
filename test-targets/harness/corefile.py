# SPDX-License-Identifier: MIT
"""A tiny reader of memory out of an ELF64 little-endian core: PT_LOAD, and NT_FILE behind it.

Nothing here knows CPython but `refcount`, which reads the first word of an object. It shares no
code with refscope on purpose: it is what refscope's figures are checked with.
"""
import bisect
import functools
import mmap
import struct
import typing
from pathlib import Path

PT_LOAD, PT_NOTE, NT_FILE = 1, 4, 0x46494C45


class Unreadable(Exception):
    """The address is in no segment that the core holds."""


def program_headers(elf: typing.Any) -> typing.Iterator[typing.Tuple[int, int, int, int, int]]:
    """Of a 64-bit ELF file's bytes: kind, flags, offset, address and bytes in the file of each."""
    (offset,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    if count == 0xFFFF:  # PN_XNUM: the true count is sh_info of section 0
        (sections,) = struct.unpack_from("<Q", elf, 40)
        (count,) = struct.unpack_from("<I", elf, sections + 44)
    for i in range(count):
        kind, flags, at, addr, _, in_file, _, _ = struct.unpack_from("<IIQQQQQQ", elf, offset + i * size)
        yield kind, flags, at, addr, in_file


class Core:
    """Bytes at addresses of a dumped process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._map[:6] != b"\x7fELF\x02\x01":
            raise ValueError("%s is no 64-bit little-endian ELF file" % path)
        loads, notes = self._program_headers()
        self._segments = sorted(loads)
        self._starts = [s[0] for s in self._segments]
        self._files = sorted(f for n in notes for f in self._mapped_files(*n))
        self._opened: typing.Dict[str, typing.Optional[mmap.mmap]] = {}

    def _program_headers(self):
        loads, notes = [], []
        for kind, _, at, addr, in_file in program_headers(self._map):
            if kind == PT_LOAD and in_file:
                loads.append((addr, addr + in_file, at))
            elif kind == PT_NOTE:
                notes.append((at, in_file))
        return loads, notes

    def _mapped_files(self, at: int, size: int):
        end = at + size
        while at + 12 <= end:
            name_size, desc_size, kind = struct.unpack_from("<III", self._map, at)
            desc = at + 12 + (name_size + 3) // 4 * 4
            if kind == NT_FILE:
                yield from self._file_note(desc, desc_size)
            at = desc + (desc_size + 3) // 4 * 4

    def _file_note(self, at: int, size: int):
        count, page = struct.unpack_from("<QQ", self._map, at)
        names = self._map[at + 16 + 24 * count:at + size].split(b"\0")
        for i in range(count):
            start, end, offset = struct.unpack_from("<QQQ", self._map, at + 16 + 24 * i)
            yield start, end, offset * page, names[i].decode(errors="replace")

    def read(self, addr: int, size: int) -> bytes:
        """`size` bytes at `addr`, which must lie in one segment."""
        i = bisect.bisect_right(self._starts, addr) - 1
        if i >= 0:
            start, end, at = self._segments[i]
            if addr + size <= end:
                at += addr - start
                return self._map[at:at + size]
        return self._from_file(addr, size)

    def _from_file(self, addr: int, size: int) -> bytes:
        """Pages of a file's private mapping that were never written are not in a core."""
        for start, end, offset, name in self._files:
            if start <= addr and addr + size <= end:
                content = self._open(name)
                at = offset + addr - start
                if content is not None and at + size <= len(content):
                    return content[at:at + size]
        raise Unreadable("no memory at %#x in %s" % (addr, self.path))

    def _open(self, name: str) -> typing.Optional[mmap.mmap]:
        if name not in self._opened:
            try:
                with open(name, "rb") as file:
                    self._opened[name] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):
                self._opened[name] = None
        return self._opened[name]

    def is_static(self, addr: int) -> bool:
        """Whether addr lies in the data of an executable or library (its .data or .bss)."""
        i = bisect.bisect_right(self._modules, (addr, 1 << 64)) - 1
        return i >= 0 and addr < self._modules[i][1]

    @functools.cached_property
    def _modules(self) -> typing.List[typing.Tuple[int, int]]:
        """[start, end) in memory of every loaded segment of every mapped ELF file, sorted."""
        first: typing.Dict[str, int] = {}
        for start, _, offset, name in self._files:
            if offset == 0:
                first.setdefault(name, start)
        spans = []
        for name, base in first.items():
            content = self._open(name)
            if content is not None and content[:6] == b"\x7fELF\x02\x01":
                spans += _spans(content, base)
        return sorted(spans)

    def word(self, addr: int) -> int:
        """The unsigned 64-bit word at `addr`."""
        return int.from_bytes(self.read(addr, 8), "little")


def _spans(content: mmap.mmap, base: int) -> typing.List[typing.Tuple[int, int]]:
    (offset,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    loads = []
    for i in range(count):
        kind, _, _, addr, _, _, in_memory, _ = struct.unpack_from("<IIQQQQQQ", content,
                                                                  offset + i * size)
        if kind == PT_LOAD:
            loads.append((addr, addr + in_memory))
    slide = base - min(loads)[0] // 4096 * 4096 if loads else 0
    return [(start + slide, end + slide) for start, end in loads]


IMMORTAL_IN_3_11 = 999_000_000


class Refcount(typing.NamedTuple):
    """What an object header says of its count."""

    count: int
    immortal: bool


def refcount(core: Core, addr: int, version: int, free_threaded: bool) -> Refcount:
    """ob_refcnt of the object at `addr`, read by the rules of that version's object.h."""
    if free_threaded:
        return _split_refcount(core, addr)
    word = core.word(addr)
    if version >= 0x030C0000:
        low = word & 0xFFFFFFFF
        return Refcount(low, low >= 1 << 31)
    count = word - (1 << 64) if word >> 63 else word
    return Refcount(count, version >= 0x030B0000 and count >= IMMORTAL_IN_3_11)


def _split_refcount(core: Core, addr: int) -> Refcount:
    local = int.from_bytes(core.read(addr + 12, 4), "little")
    shared = int.from_bytes(core.read(addr + 16, 8), "little", signed=True)
    queued = shared & 3 == 2  # one reference is that of the queue for merging
    return Refcount(local + (shared >> 2) - queued, local == 0xFFFFFFFF)
