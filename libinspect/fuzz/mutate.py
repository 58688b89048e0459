#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Damage a core where it hurts: the same seed does the same damage.

Usage: mutate.py CORE SEED OUT

Knows as little of CPython as is needed to hit it: an object is a word that points to a type behind
a word that may be a count, a type is what has `type` there. That holds for every version, and shares
nothing with the code under test.
"""

from __future__ import annotations

import array
import bisect
import random
import struct
import sys
from pathlib import Path
from typing import Callable, NamedTuple

PT_LOAD, PT_NOTE = 1, 4
WRITABLE = 2
WORD = 8

# Lengths and counts that no memory holds, and those next to which a sum turns over.
HUGE = (
    (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 62) + 1, 1 << 61, 1 << 60, 1 << 48, 1 << 40,
    1 << 32, (1 << 32) - 1, 1 << 31, (1 << 31) - 1, 1 << 30, 1 << 24, 1 << 20, 65536, 4096,
)
# The word of an object that holds a length, a table or a link lies among its first ones.
FIELDS = 12
# Words of a type: flags, base, dict, subclasses, mro lie in the first 60, the heap type's behind.
TYPE_WORDS = 112
# Pools are 4 KiB or 16 KiB; a pool header has 6 words.
POOL_SIZES, POOL_WORDS = (4096, 16384), 6


class Segment(NamedTuple):
    """A PT_LOAD that has bytes in the file."""

    start: int
    end: int
    offset: int
    flags: int


class Core:
    """A core's bytes, and where in them the objects are."""

    def __init__(self, path: Path) -> None:
        self.bytes = path.read_bytes()
        self.headers = self._headers()
        self.segments: list[Segment] = []
        self.notes: list[tuple[int, int]] = []
        for at in self.headers:
            kind, flags, offset, start, _, size = struct.unpack_from("<IIQQQQ", self.bytes, at)
            if kind == PT_LOAD and size:
                self.segments.append(Segment(start, start + size, offset, flags))
            elif kind == PT_NOTE:
                self.notes.append((offset, offset + size))
        self.segments.sort()
        self._starts = [s.start for s in self.segments]
        self.types, self.objects = self._find_objects()
        by_type: dict[int | None, list[int]] = {}
        for addr in self.objects:
            by_type.setdefault(self.word(addr + WORD), []).append(addr)
        self.instances = list(by_type.values())
        if not self.objects:
            raise ValueError(f"{path} has no objects of CPython")

    def _headers(self) -> list[int]:
        if self.bytes[:6] != b"\x7fELF\x02\x01":
            raise ValueError("no 64-bit little-endian ELF file")
        (first,) = struct.unpack_from("<Q", self.bytes, 32)
        size, count = struct.unpack_from("<HH", self.bytes, 54)
        return [first + i * size for i in range(count)]

    def offset(self, addr: int) -> int | None:
        """Where in the file the word at `addr` is."""
        i = bisect.bisect_right(self._starts, addr) - 1
        if i < 0 or addr + WORD > self.segments[i].end:
            return None
        return self.segments[i].offset + addr - self.segments[i].start

    def word(self, addr: int) -> int | None:
        """The word at `addr`."""
        at = self.offset(addr)
        return None if at is None else int.from_bytes(self.bytes[at : at + WORD], "little")

    def _words(self, segment: Segment) -> array.array[int]:
        size = (segment.end - segment.start) // WORD * WORD
        return array.array("Q", self.bytes[segment.offset : segment.offset + size])

    def _find_objects(self) -> tuple[list[int], list[int]]:
        """Types, and objects that are none."""
        written = [(s.start, self._words(s)) for s in self.segments if s.flags & WRITABLE]
        own = [
            start + i * WORD - WORD
            for start, words in written
            for i, word in enumerate(words)
            if word == start + i * WORD - WORD and i
        ]
        # `type` is what most of the others that point to themselves are not: many point to it.
        counts = dict.fromkeys(own, 0)
        for _, words in written:
            for word in words:
                if word in counts:
                    counts[word] += 1
        meta = max(counts, key=lambda addr: counts[addr], default=0)
        types = set(self._instances(written, {meta}))
        objects = set(self._instances(written, types)) - types
        return sorted(types), sorted(objects)

    @staticmethod
    def _instances(written: list[tuple[int, array.array[int]]], types: set[int]) -> list[int]:
        return [
            start + i * WORD - WORD
            for start, words in written
            for i, word in enumerate(words)
            if word in types and i and 0 < words[i - 1] & 0xFFFFFFFF < 1 << 31
        ]


class Mutant(NamedTuple):
    """What a seed made of a core."""

    bytes: bytearray
    story: str  # what was done, for a person
    hit: list[int]  # objects that were damaged


class Mutation:
    """One mutant in the making."""

    def __init__(self, core: Core, seed: int) -> None:
        self.core = core
        self.dice = random.Random(seed)
        self.bytes = bytearray(core.bytes)
        self.story: list[str] = []
        self.hit: list[int] = []

    # ---- what is written ---------------------------------------------------------------------

    def wild(self) -> int:
        """A pointer to where nothing is, or to where something ends."""
        segment = self.dice.choice(self.core.segments)
        return self.dice.choice((
            self.dice.getrandbits(47) & ~15,
            self.dice.getrandbits(64),
            segment.end - self.dice.choice((1, 4, 8, 16)),
            segment.end,
            segment.start,
            self.dice.randrange(segment.start, segment.end) & ~7,
            1 << 47,
            8,
            0,
        ))

    def value(self, site: int, owner: int, old: int) -> int:
        """What is to stand at `site`, which is part of the object at `owner`."""
        form = self.dice.randrange(8)
        if form == 0:
            return old ^ 1 << self.dice.randrange(64)
        if form == 1:
            return old ^ 1 << self.dice.randrange(8)
        if form in (2, 3):
            return self.dice.choice(HUGE)
        if form == 4:
            return self.wild()
        if form == 5:
            return self.dice.choice((site, owner, owner - 16, site & ~4095))
        if form == 6:
            return self.dice.choice(self.dice.choice((self.core.objects, self.core.types)))
        return self.dice.randrange(300)

    def put(self, addr: int, value: int) -> None:
        """A word of the target."""
        at = self.core.offset(addr)
        if at is not None:
            self.bytes[at : at + WORD] = (value & (1 << 64) - 1).to_bytes(WORD, "little")

    def damage(self, site: int, owner: int) -> None:
        """Any damage to the word at `site`."""
        old = self.core.word(site)
        if old is not None:
            self.put(site, self.value(site, owner, old))
            if len(self.hit) < 4:
                self.hit.append(owner)

    # ---- places where it hurts -----------------------------------------------------------------

    def field(self) -> tuple[int, int]:
        """A word of an object."""
        owner = self.dice.choice(self.core.objects)
        return owner + WORD * self.dice.randrange(FIELDS), owner

    def size(self) -> tuple[int, int]:
        """ob_size, ma_used, and what else stands first."""
        owner = self.dice.choice(self.core.objects)
        return owner + 16, owner

    def head(self) -> tuple[int, int]:
        """A gc head, or what stands in front of it."""
        owner = self.dice.choice(self.core.objects)
        return owner - WORD * self.dice.choice((1, 1, 2, 2, 3, 4)), owner

    def count(self) -> tuple[int, int]:
        """ob_refcnt or ob_type."""
        owner = self.dice.choice(self.core.objects)
        return owner + WORD * self.dice.randrange(2), owner

    def of_type(self) -> tuple[int, int]:
        """A word of a type."""
        owner = self.dice.choice(self.core.types)
        return owner + WORD * self.dice.randrange(TYPE_WORDS), owner

    def pool(self) -> tuple[int, int]:
        """A word of a pool header."""
        owner = self.dice.choice(self.core.objects)
        start = owner & ~(self.dice.choice(POOL_SIZES) - 1)
        return start + WORD * self.dice.randrange(POOL_WORDS), owner

    def table(self) -> tuple[int, int]:
        """A word of a block that an object points to: keys, items, values, nodes."""
        owner = self.dice.choice(self.core.objects)
        for _ in range(8):
            to = self.core.word(owner + WORD * self.dice.randrange(2, FIELDS))
            if to and not to & 7 and self.core.offset(to) is not None:
                return to + WORD * self.dice.randrange(6), owner
        return owner + 16, owner

    def anywhere(self) -> tuple[int, int]:
        """A word of what the target could write."""
        written = [s for s in self.core.segments if s.flags & WRITABLE]
        segment = self.dice.choices(written, [s.end - s.start for s in written])[0]
        site = self.dice.randrange(segment.start, segment.end - WORD + 1) & ~7
        return site, site

    def static(self) -> tuple[int, int]:
        """A word near static types: there lie the runtime and the heads of lists."""
        owner = self.dice.choice(self.core.types)
        return owner + WORD * self.dice.randrange(-4096, 4096), owner

    # ---- ways of damaging ------------------------------------------------------------------------

    def some_words(self, place: Callable[[], tuple[int, int]], n: int) -> None:
        """n words of one kind of place."""
        self.story.append(f"{n} x {place.__name__}")
        for _ in range(n):
            self.damage(*place())

    def few(self) -> None:
        """Single words, as a stray write does."""
        self.some_words(self.dice.choice(self.places()), self.dice.choice((1, 2, 3, 8, 32)))

    def many(self) -> None:
        """Thousands of words of one kind."""
        self.some_words(self.dice.choice(self.places()), self.dice.choice((500, 2000, 10000)))

    def places(self) -> list[Callable[[], tuple[int, int]]]:
        """All kinds of places."""
        return [
            self.field, self.size, self.head, self.count, self.of_type, self.pool, self.table,
            self.anywhere, self.static,
        ]

    def flood(self) -> None:
        """One word in all instances of a type, or in all types: one lie told a thousand times."""
        of_types = self.dice.random() < 0.3
        word = self.dice.randrange(-4, TYPE_WORDS if of_types else FIELDS)
        value = self.dice.choice((self.dice.choice(HUGE), self.wild(), self.core.types[0]))
        owners = self.core.types
        if not of_types:
            owners = self.dice.choice(self.core.instances)
            value = self.dice.choice((value, self.core.word(owners[0] + WORD * word) or value))
        self.story.append(f"word {word} of {len(owners)} {'types' if of_types else 'objects'}"
                          f" = {value:#x}")
        for owner in owners:
            self.put(owner + WORD * word, value)
        self.hit = self.dice.sample(owners, min(3, len(owners)))

    def chain(self) -> None:
        """The same word of each points to the next one: a chain of all there are, or a circle."""
        owners = self.dice.choice((self.core.types, self.core.objects))
        word = self.dice.choice((2, 3, 4, 5, 6, 7, 8, 32, 33, 35, 36))
        owners = self.dice.sample(owners, min(len(owners), self.dice.choice((3, 100, 100000))))
        self.story.append(f"word {word} chains {len(owners)}")
        for owner, following in zip(owners, owners[1:] + owners[:1]):
            self.put(owner + WORD * word, following)
        self.hit = owners[:3]

    def copy(self) -> None:
        """Pages over other pages."""
        n = self.dice.choice((1, 4, 64))
        self.story.append(f"{n} pages over others")
        for _ in range(n):
            source, target = (self.dice.choice(self.core.objects) & ~4095 for _ in range(2))
            at, to = self.core.offset(source), self.core.offset(target)
            if at is not None and to is not None:
                self.bytes[to : to + 4096] = self.core.bytes[at : at + 4096]

    def noise(self) -> None:
        """Pages of random bytes, or of zeros."""
        n, random_bytes = self.dice.choice((1, 16, 256)), self.dice.random() < 0.5
        self.story.append(f"{n} pages of {'noise' if random_bytes else 'zeros'}")
        for _ in range(n):
            to = self.core.offset(self.dice.choice(self.core.objects) & ~4095)
            if to is not None:
                self.bytes[to : to + 4096] = self.dice.randbytes(4096) if random_bytes else bytes(4096)

    def cut(self) -> None:
        """The end is missing."""
        at = self.dice.randrange(len(self.bytes))
        if self.dice.random() < 0.5:
            at = self.dice.choice(self.core.segments).offset + self.dice.choice((-1, 0, 1, 8))
        self.story.append(f"cut at {at}")
        del self.bytes[max(0, at) :]

    def program_headers(self) -> None:
        """Segments that claim what is not there, or each other's place."""
        n = self.dice.choice((1, 3, len(self.core.headers)))
        self.story.append(f"{n} program headers")
        for _ in range(n):
            at = self.dice.choice(self.core.headers)
            word = self.dice.randrange(7)
            old = struct.unpack_from("<Q", self.bytes, at + WORD * word)[0]
            new = self.dice.choice((
                self.dice.choice(HUGE), old ^ 1 << self.dice.randrange(64), self.wild(),
                struct.unpack_from("<Q", self.bytes,
                                   self.dice.choice(self.core.headers) + WORD * word)[0],
            ))
            struct.pack_into("<Q", self.bytes, at + WORD * word, new)

    def elf_header(self) -> None:
        """Bytes of the ELF header behind its magic."""
        self.story.append("ELF header")
        for _ in range(self.dice.choice((1, 2, 8))):
            self.bytes[self.dice.randrange(4, 64)] = self.dice.choice((0, 255, 128, 1, 64))

    def note_bytes(self) -> None:
        """Words of the notes: sizes, counts, paths, registers."""
        n = self.dice.choice((1, 4, 64))
        self.story.append(f"{n} words of notes")
        for _ in range(n if self.core.notes else 0):
            start, end = self.dice.choice(self.core.notes)
            at = self.dice.randrange(start, max(start + 1, min(end, len(self.bytes)) - 4)) & ~3
            value = self.dice.choice((self.dice.choice(HUGE), self.dice.getrandbits(32), 0, 1))
            struct.pack_into("<I", self.bytes, at, value & 0xFFFFFFFF)

    def run(self) -> Mutant:
        """One way or several."""
        ways = {
            self.few: 30, self.many: 14, self.flood: 24, self.chain: 6, self.copy: 4, self.noise: 5,
            self.cut: 5, self.program_headers: 6, self.elf_header: 2, self.note_bytes: 4,
        }
        n = self.dice.choice((1, 1, 1, 2, 5))
        chosen = self.dice.choices(list(ways), list(ways.values()), k=n)
        for way in chosen:
            if way != self.cut:
                way()
        # What needs bytes to be there comes before they are cut off.
        if self.cut in chosen:
            self.cut()
        while len(self.hit) < 3:
            self.hit.append(self.dice.choice(self.core.objects))
        return Mutant(self.bytes, "; ".join(self.story), self.hit[:3])


def mutate(core: Core, seed: int) -> Mutant:
    """What `seed` makes of `core`."""
    return Mutation(core, seed).run()


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    mutant = mutate(Core(Path(sys.argv[1])), int(sys.argv[2], 0))
    Path(sys.argv[3]).write_bytes(mutant.bytes)
    print(mutant.story)
    print("damaged: " + " ".join(f"{addr:#x}" for addr in mutant.hit))
    return 0


if __name__ == "__main__":
    sys.exit(main())
