# SPDX-License-Identifier: MIT
"""Cycles as rows: components of objects, those that look alike, and why each is still here.

Gathered for verbs/cycles.py, which words them.
"""

import argparse
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import collector, text
from .book import REF_OWNED, Book, Holder, Member, hexa

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

    members: List[Member]
    bytes: int  # of the allocator's blocks
    reachable: bool
    program: bool
    classes: bool  # it holds a type
    gc: str  # the oldest generation that has a member
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
    type_names: Dict[int, str]  # by type id
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
        self.members = book.members(found.members)
        self.interpreters = {row.id: row for row in book.session.interpreter_list()}
        self.uncollectable = frozenset(book.session.garbage_replay().uncollectable)
        self.types = {row.addr for row in book.types}
        self.edges = self._edges() if want_edges else {}

    def components(self) -> List[Component]:
        """All of them, in the library's order."""
        return [self.component(row) for row in self.found.rows]

    def component(self, row: Any) -> Component:
        """One component with its members."""
        members = self.members[row.first : row.first + row.count]
        return Component(
            members=members,
            bytes=row.bytes,
            reachable=bool(row.reachable),
            program=bool(row.program),
            classes=any(member.addr in self.types for member in members),
            gc=row.gc or "",
            verdict=self._verdict(row, members),
            edges=self.edges.get(row.first, []),
        )

    def _edges(self) -> Dict[int, List[Any]]:
        """The edges inside each component, by its first member's place."""
        numbers = self.found.members
        of = {n: row.first for row in self.found.rows for n in _slice(numbers, row)}
        inside: Dict[int, List[Any]] = {}
        for edge in self.book.session.referents_among(numbers):
            if of[edge.src] == of[edge.dst]:
                inside.setdefault(of[edge.src], []).append(edge)
        return inside

    def _verdict(self, row: Any, members: Sequence[Member]) -> str:
        if row.program:
            return "reachable: the program itself."
        if self.uncollectable and not self.uncollectable.isdisjoint(m.number for m in members):
            return "in gc.garbage, or bound for it: a legacy tp_del made it uncollectable."
        if not row.reachable:
            return collector.fate(self._interpreter(members), row.gc or "")
        return self._held([self.book.object(member.number) for member in members])

    def _interpreter(self, members: Sequence[Member]) -> Optional[Any]:
        if len(self.interpreters) > 1 and members:
            found = self.interpreters.get(self.book.object(members[0].number).interp)
            if found is not None:
                return found
        return self.interpreters.get(min(self.interpreters, default=0))

    def _held(self, rows: Sequence[Any]) -> str:
        """For a reachable component: whether what holds it is known."""
        if all(row.gc == "frozen" for row in rows):
            return "frozen by gc.freeze(): no collection looks at it."
        surplus = [row for row in rows if not row.immortal and row.remainder > 0]
        if surplus and self.holder(rows) is None:
            n = sum(row.remainder for row in surplus)
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


def _slice(numbers: Sequence[int], row: Any) -> Sequence[int]:
    return numbers[row.first : row.first + row.count]


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
