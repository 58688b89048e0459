# SPDX-License-Identifier: MIT
"""Cycles as rows: components of objects, those that look alike, and why each is still here.

Gathered for verbs/cycles.py, which words them.
"""

import argparse
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import collector, text
from .book import REF_OWNED, Book, Holder, hexa

RING_MEMBERS = 400
"""A ring is looked for in components of at most so many members."""

HOLDERS_LOOKED_FOR = 64
"""Members that are asked for a holder outside, a component."""


@dataclass(frozen=True)
class Step:
    """One edge of a ring."""

    addr: int
    type: str
    name: str

    @property
    def slot(self) -> str:
        """Its name, cut for a line."""
        return text.shorten(self.name, 40)


@dataclass(frozen=True)
class Component:
    """Objects each of which refers, over the others, to itself."""

    members: List[Any]  # the library's rows of objects; of the program itself, book.Member
    bytes: int  # of the allocator's blocks
    reachable: bool
    program: bool
    classes: bool  # it holds a type
    verdict: str
    edges: List[Any]  # among the members; of JSON only

    @property
    def size(self) -> int:
        """What sys.getsizeof says of all members."""
        return sum(row.size for row in self.members)


@dataclass(frozen=True)
class Group:
    """Components of the same state and types."""

    components: List[Component]
    ring: List[Step]  # of the first
    held_by: Optional[str]  # of the first, if reachable

    @property
    def first(self) -> Component:
        """The one that stands for all."""
        return self.components[0]


@dataclass(frozen=True)
class Through:
    """The shortest cycles through one object."""

    addr: int
    type: str
    rings: List[List[Step]]
    in_component: bool
    reachable: bool
    whose: str
    fate: str


@dataclass(frozen=True)
class Answer:
    """Components by likeness, or rings through one object."""

    groups: List[Group]
    components: List[Component]
    type_names: Dict[int, str]  # by number of an object
    tracked: int
    members: bool
    show_classes: bool
    through: Optional[Through]
    limit: Optional[int]


class Reader:
    """Components from the library's rows."""

    def __init__(self, book: Book, found: Any, want_edges: bool) -> None:
        self.book = book
        self.found = found
        self.want_edges = want_edges
        self.interpreters = {row.id: row for row in book.session.interpreter_list()}
        replay = book.session.garbage_replay()
        self.uncollectable = frozenset(replay.uncollectable)
        self.types = {row.addr for row in book.types}

    def component(self, row: Any) -> Component:
        """One component with its members."""
        numbers = self.found.members[row.first : row.first + row.count]
        # Of the program itself, which may be a million objects, only its types are told.
        members = self.book.members(numbers) if row.program else self.book.objects(numbers)
        return Component(
            members=members,
            bytes=row.bytes,
            reachable=bool(row.reachable),
            program=bool(row.program),
            classes=any(member.addr in self.types for member in members),
            verdict=self._verdict(row, members),
            edges=self._edges(members) if self.want_edges else [],
        )

    def _edges(self, members: Sequence[Any]) -> List[Any]:
        inside = {member.number for member in members}
        session = self.book.session
        return [e for m in members for e in session.referents(m.number) if e.dst in inside]

    def _verdict(self, row: Any, members: Sequence[Any]) -> str:
        if row.program:
            return "reachable: the program itself."
        if any(member.number in self.uncollectable for member in members):
            return "in gc.garbage, or bound for it: a legacy tp_del made it uncollectable."
        if not row.reachable:
            return collector.fate(self._interpreter(members), oldest(members))
        if all(member.gc == "frozen" for member in members):
            return "frozen by gc.freeze(): no collection looks at it."
        return self._held(members)

    def _interpreter(self, members: Sequence[Any]) -> Optional[Any]:
        first = self.interpreters.get(members[0].interp) if members else None
        return first or next(iter(self.interpreters.values()), None)

    def _held(self, members: Sequence[Any]) -> str:
        """For a reachable component: whether what holds it is known."""
        surplus = [member for member in members if not member.immortal and member.remainder > 0]
        if surplus and self.holder(members) is None:
            n = sum(member.remainder for member in surplus)
            first = surplus[0]
            return (
                f"held from outside by {text.plural(n, 'reference')} nobody owns: surplus of "
                f"{self.book.type_name(first)} {hexa(first.addr)}; the collector treats it as "
                "alive."
            )
        return "reachable: held from outside."

    def holder(self, members: Sequence[Any]) -> Optional[Tuple[Holder, str]]:
        """Who holds a component from outside, and by which slot; roots before objects."""
        inside = {member.number for member in members}
        found: Optional[Tuple[Holder, str]] = None
        for member in members[:HOLDERS_LOOKED_FOR]:
            for edge in self.book.session.referrers(member.number):
                if edge.src in inside or edge.kind != REF_OWNED:
                    continue
                if self.book.is_root(edge.src):
                    return self.book.holder(edge.src), text.clean(edge.name)
                if found is None:
                    found = self.book.holder(edge.src), text.clean(edge.name)
        return found

    # ---- likeness ----

    def groups(self, components: Sequence[Component], args: argparse.Namespace) -> List[Group]:
        """Components that look alike, together."""
        alike: Dict[Tuple[Any, ...], List[Component]] = {}
        for i, component in enumerate(components):
            types = frozenset(Counter(row.type for row in component.members).items())
            key: Tuple[Any, ...] = (component.reachable, component.verdict, types)
            if component.program:
                key = (i,)
            elif component.classes and component.reachable and not args.classes:
                key = ("classes",)
            alike.setdefault(key, []).append(component)
        groups = sorted(alike.values(), key=_order)
        shown = len(text.cut(groups, args.limit)[0])
        return [self._group(group, i < shown, args) for i, group in enumerate(groups)]

    def _group(self, components: List[Component], shown: bool, args: argparse.Namespace) -> Group:
        first = components[0]
        folded = first.classes and first.reachable and not args.classes
        if not shown or first.program or folded:
            return Group(components, [], None)
        held = self.holder(first.members) if first.reachable else None
        words = f"{held[0].path or held[0].type} {held[1]}" if held else None
        return Group(components, self._ring(first.members), words)

    def _ring(self, members: Sequence[Any]) -> List[Step]:
        """The shortest way from a member back to it; one of the program's own types first."""
        if len(members) > RING_MEMBERS:
            return []
        start = min(members, key=lambda row: (self._is_builtin(row), row.addr))
        came: Dict[int, Any] = {}
        queue = deque([start.number])
        inside = {member.number for member in members}
        while queue:
            at = queue.popleft()
            for edge in self.book.session.referents(at):
                if edge.dst not in inside or edge.dst in came or edge.kind != REF_OWNED:
                    continue
                came[edge.dst] = edge
                if edge.dst == start.number:
                    return steps_of(self.book, _back(came, start.number))
                queue.append(edge.dst)
        return []

    def _is_builtin(self, row: Any) -> bool:
        found = self.book.type_row(row)
        return found is None or found.module in ("", "builtins")


def _back(came: Dict[int, Any], start: int) -> List[Any]:
    """The edges of the ring that ends at start, in order."""
    ring, at = [came[start]], came[start].src
    while at != start:
        ring.append(came[at])
        at = came[at].src
    return ring[::-1]


def steps_of(book: Book, edges: Sequence[Any]) -> List[Step]:
    steps = []
    for edge in edges:
        row = book.object(edge.src)
        steps.append(Step(row.addr, book.type_name(row), text.clean(edge.name)))
    return steps


def _order(group: List[Component]) -> Tuple[int, int, int]:
    """Unreachable first, the program last; most first between them."""
    first = group[0]
    rank = 3 if first.program else 2 if first.classes and first.reachable else int(first.reachable)
    return rank, -len(group), first.members[0].addr if first.members else 0


_AGES = {"gen0": 0, "gen1": 1, "gen2": 2, "young": 0, "old": 2, "frozen": 3}


def oldest(members: Sequence[Any]) -> str:
    """The oldest generation a component reaches into: it goes when that one is collected."""
    names = {member.gc for member in members if member.gc}
    return max(sorted(names), key=lambda name: _AGES.get(name, -1), default="")
