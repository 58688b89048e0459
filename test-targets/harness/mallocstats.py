# SPDX-License-Identifier: MIT
"""Reads the text of sys._debugmallocstats."""
import re
import typing


class SizeClass(typing.NamedTuple):
    """A line of the table of size classes."""

    size: int
    pools: int
    used: int
    free: int


class MallocStats(typing.NamedTuple):
    """pymalloc's totals in the interpreter's own words."""

    classes: typing.List[SizeClass]
    arenas: int
    arena_size: int
    unused_pools: int
    pool_size: int
    used_bytes: int

    @property
    def used_blocks(self) -> int:
        """Blocks in use, of all sizes."""
        return sum(c.used for c in self.classes)


def parse(text: str) -> typing.Optional[MallocStats]:
    """None where the process does not use pymalloc."""
    arenas = re.search(r"^([\d,]+) arenas \* ([\d,]+) bytes/arena", text, re.M)
    if not arenas:
        return None
    rows = re.findall(r"^\s*\d+\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$", text, re.M)
    pools = re.search(r"^([\d,]+) unused pools \* ([\d,]+) bytes", text, re.M)
    used = re.search(r"^# bytes in allocated blocks\s*=\s*([\d,]+)", text, re.M)
    assert pools and used
    return MallocStats([SizeClass(*map(int, row)) for row in rows], _number(arenas[1]),
                       _number(arenas[2]), _number(pools[1]), _number(pools[2]), _number(used[1]))


def _number(text: str) -> int:
    return int(text.replace(",", ""))
