# SPDX-License-Identifier: MIT
"""Reads what ext/_truth.c wrote: the interpreter's own word on its heap."""
import typing
from pathlib import Path

IS_GC, IS_TRACKED, IS_FINALIZED, IS_SPLIT, IS_TYPE = 1, 2, 4, 8, 16


class Record(typing.NamedTuple):
    """One object as its interpreter described it."""

    addr: int
    type: int
    refcnt: int
    size: int
    gen: int  # -1: in no generation
    flags: int
    visited: typing.List[int]  # gc.get_referents
    extras: typing.List[int]  # owned and not visited, as far as Python.h tells


class TypeRecord(typing.NamedTuple):
    """A type: sizes, tp_flags, and its tp_name."""

    addr: int
    basicsize: int
    itemsize: int
    flags: int
    name: str


class Truth:
    """All of one truth file; objects by address."""

    def __init__(self) -> None:
        self.version = 0
        self.pid = 0
        self.gc_enabled = False
        self.gc_count: typing.List[int] = []
        self.gc_threshold: typing.List[int] = []
        self.gc_stats: typing.List[typing.List[int]] = []
        self.gc_freeze_count = 0
        self.gc_garbage: typing.List[int] = []
        self.objects: typing.Dict[int, Record] = {}
        self.types: typing.Dict[int, TypeRecord] = {}
        self.saved: typing.Optional[typing.Set[int]] = None
        self.frozen: typing.Set[int] = set()
        self.collected = -1
        self.mallocstats = ""

    @classmethod
    def load(cls, path: Path) -> "Truth":
        """Read a truth file and the allocator's text beside it."""
        self = cls()
        ended = False
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, _, rest = line.partition(" ")
                if key == "o":
                    self._object(rest)
                else:
                    self._other(key, rest)
                    ended = ended or key.strip() == "end"
        beside = Path(str(path) + ".mallocstats")
        if beside.exists():
            self.mallocstats = beside.read_text(errors="replace")
        if self.saved is not None:
            self.saved -= set(self.gc_garbage)  # they were in gc.garbage before
        if not ended:
            raise ValueError("%s is cut short" % path)
        return self

    def _object(self, rest: str) -> None:
        head, _, extra = rest.partition("|")
        words = head.split()
        addr = int(words[0], 16)
        self.objects[addr] = Record(
            addr, int(words[1], 16), int(words[2]), int(words[3]), int(words[4]), int(words[5]),
            [int(w, 16) for w in words[6:]], [int(w, 16) for w in extra.split()])

    def _other(self, key: str, rest: str) -> None:
        if key == "t":
            addr, basic, item, flags, name = rest.rstrip("\n").split(" ", 4)
            self.types[int(addr, 16)] = TypeRecord(int(addr, 16), int(basic), int(item),
                                                   int(flags, 16), name)
        elif key == "version":
            self.version = int(rest, 16)
        elif key in ("pid", "gc_freeze_count"):
            setattr(self, key, int(rest))
        elif key == "gc_enabled":
            self.gc_enabled = rest.strip() == "1"
        elif key in ("gc_count", "gc_threshold"):
            setattr(self, key, [int(w) for w in rest.split()])
        elif key == "gc_stats":
            self.gc_stats.append([int(w) for w in rest.split()[1:]])
        elif key == "gc_garbage":
            self.gc_garbage.append(int(rest, 16))
        elif key == "frozen":
            self.frozen.add(int(rest, 16))
        elif key == "collect":
            self.collected, self.saved = int(rest), set()
        elif key == "saved" and self.saved is not None:
            self.saved.add(int(rest, 16))
        elif key.strip() == "failed":
            raise ValueError("the target ran out of memory while it wrote its truth")

    def type_name(self, addr: int) -> str:
        """The tp_name of the type at addr, or its address."""
        known = self.types.get(addr)
        return known.name if known else hex(addr)

    def generation(self, gen: int) -> typing.Set[int]:
        """Members of one generation, as gc.get_objects(generation) gave them."""
        return {r.addr for r in self.objects.values() if r.gen == gen}

    def tracked(self) -> typing.Set[int]:
        """Objects for which gc.is_tracked is true."""
        return {r.addr for r in self.objects.values() if r.flags & IS_TRACKED}
