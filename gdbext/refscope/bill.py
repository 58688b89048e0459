# SPDX-License-Identifier: MIT
"""The bill of one object: ob_refcnt = owned + remainder, with every owner by name.

Plain rows, gathered by verbs/refs.py and worded by verbs/_refs_text.py.
"""

from dataclasses import dataclass
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from . import text
from .book import Allocation, Holder, module_name

GROUP_FROM = 4
"""So many holders of the same type and slot become one line."""

SHARED_STATES = (
    "owned by its thread only",
    "maybe-weakref (not queued, not merged)",
    "queued for merge (the queue owns 1 more)",
    "merged (only the shared part counts)",
)


class Line(NamedTuple):
    """One holder and the slots by which it refers to the subject."""

    holder: Holder
    names: Tuple[str, ...]
    count: int
    scanned: bool  # found by a scan: the type of the holder has no other reading


@dataclass(frozen=True)
class Candidate:
    """A word of C memory that points to the subject."""

    addr: int
    where: str
    module: str
    section: str
    offset: int
    symbol: str

    def place(self) -> str:
        """`_rowcache .bss+0x8 'last_bad_row'`."""
        parts = [module_name(self.module)] if self.module else []
        if self.section:
            parts.append(f"{text.shorten(self.section, 24)}+{self.offset:#x}")
        elif self.where != "module data":
            parts.append(self.where)
        if self.symbol:
            parts.append(f"'{text.shorten(self.symbol, 40)}'")
        return " ".join(parts)

    def short(self) -> str:
        """Its symbol, else its place."""
        return f"'{text.shorten(self.symbol, 40)}'" if self.symbol else self.place()


    def neighbourhood(self) -> Tuple[str, str, str]:
        """Words of one of these are told together where they are many."""
        return self.where, self.module, self.section

    def area(self) -> str:
        """`_rowcache .bss`."""
        parts = [module_name(self.module)] if self.module else []
        return " ".join(parts + [text.shorten(self.section, 24) or self.where])


def candidate_groups(rows: Sequence[Candidate]) -> List[List[Candidate]]:
    """Candidates of one section together, where there are enough of them; in the order of the first."""
    alike: Dict[Tuple[str, str, str], List[Candidate]] = {}
    for row in rows:
        alike.setdefault(row.neighbourhood(), []).append(row)
    groups: List[List[Candidate]] = []
    for group in alike.values():
        groups.extend([group] if len(group) >= GROUP_FROM else [[row] for row in group])
    return groups


@dataclass(frozen=True)
class Searched:
    """Where candidates were looked for."""

    modules: int
    threads: int
    malloc_blocks: int
    unreadable: int


@dataclass(frozen=True)
class Answer:
    """The bill of one object."""

    addr: int
    type: str
    name: str
    refcnt: int
    raw: Tuple[int, ...]
    version: int  # PY_VERSION_HEX
    free_threaded: bool
    immortal: bool
    instances: int  # of a type
    garbage_instances: int
    owned: List[Line]
    borrowed: List[Line]
    weak: List[Line]
    possible: List[Candidate]
    searched: Optional[Searched]  # None: not asked for
    located: int
    unexplained: int
    value: str
    value_cut: bool
    allocated: Optional[Allocation]
    extensions: List[str]
    show_all: bool
    limit: Optional[int]

    @property
    def owned_total(self) -> int:
        """References with an owner."""
        return sum(line.count for line in self.owned)

    @property
    def remainder(self) -> int:
        """What the owners leave over; the bill is ob_refcnt = owned + remainder."""
        return self.refcnt - self.owned_total

    @property
    def verdict(self) -> str:
        """balanced, surplus, deficit or immortal."""
        if self.immortal:
            return "immortal"
        if self.remainder == 0:
            return "balanced"
        return "surplus" if self.remainder > 0 else "deficit"


def halves(answer: Answer) -> Tuple[int, int, int]:
    """ob_ref_local, the count in ob_ref_shared, and its state."""
    local = answer.raw[0] & 0xFFFFFFFF
    word = answer.raw[1] if len(answer.raw) > 1 else 0
    word -= (word >> 63) << 64
    return local, word >> 2, word & 3
