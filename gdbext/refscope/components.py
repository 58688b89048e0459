# SPDX-License-Identifier: MIT
"""Cycles as rows: components of objects, those that look alike, and why each is still here.

Gathered for verbs/cycles.py, which words them. There may be a million components, so they are
looked at by column; only those that are shown become objects.
"""

import argparse
import json
from array import array
from bisect import bisect_right
from codecs import getincrementaldecoder
from collections import Counter, deque
from dataclasses import dataclass
from itertools import compress, count
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from . import collector, text
from .book import REF_OWNED, Book, Holder, Member, hexa

RING_MEMBERS = 400
"""A ring is looked for in components of at most so many members."""

HOLDERS_LOOKED_FOR = 64
"""Members that are asked for a holder outside, a component."""


JSON_COMPONENTS = 10000
"""So many components are listed in JSON; --limit 0 lists all."""

PAGE_MEMBERS = 50000
"""Members whose edges are asked for at once."""


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


class Members(Sequence[Member]):
    """The members of a component: there may be millions, so each becomes a row when it is asked for."""

    def __init__(self, columns: Sequence[Sequence[int]], row: Any) -> None:
        self._columns = columns
        self._first, self._count = row.first, row.count

    @property
    def numbers(self) -> Sequence[int]:
        """The column of that name."""
        return self._column(0)

    @property
    def types(self) -> Sequence[int]:
        """The column of that name."""
        return self._column(2)

    def _column(self, i: int) -> Sequence[int]:
        return self._columns[i][self._first : self._first + self._count]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        places = range(self._first, self._first + self._count)[place]
        if isinstance(places, int):
            return Member(*(column[places] for column in self._columns))
        return [Member(*(column[i] for column in self._columns)) for i in places]


@dataclass(frozen=True)
class Component:
    """Objects each of which refers, over the others, to itself."""

    members: Members
    bytes: int  # of the allocator's blocks
    reachable: bool
    program: bool
    classes: bool  # it holds a type
    gc: str  # the oldest generation that has a member
    verdict: str


@dataclass
class Spread:
    """How large the components of a group are."""

    count: int = 0
    objects: int = 0
    size: int = 0
    fewest: int = 0
    most: int = 0
    smallest: int = 0
    largest: int = 0

    def add(self, objects: int, size: int) -> None:
        """One more component."""
        if not self.count:
            self.fewest, self.smallest = objects, size
        self.count += 1
        self.objects += objects
        self.size += size
        # No min() and max(): there may be a million of them.
        if objects > self.most:
            self.most = objects
        elif objects < self.fewest:
            self.fewest = objects
        if size > self.largest:
            self.largest = size
        elif size < self.smallest:
            self.smallest = size


@dataclass(frozen=True)
class Group:
    """Components of the same state and types."""

    first: Component  # it stands for all
    spread: Spread
    ring: List[Step]  # of the first
    held_by: Optional[str]  # of the first, if reachable


@dataclass(frozen=True)
class MemberRow:
    """One member, and its component as a line tells it."""

    number: int  # of the component, from 1 on
    member: Member
    reachable: bool
    gc: str


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
    pieces: Iterable[str]  # of JSON: all components
    left_out: int  # of JSON: components
    unreachable: Spread
    all: Spread
    type_names: Dict[int, str]  # by type id
    tracked: int
    members: Optional[List[MemberRow]]  # of --members
    members_left_out: int
    show_classes: bool
    through: Optional[Through]
    limit: Optional[int]


class Reader:
    """Components from the library's rows and columns."""

    def __init__(self, book: Book, found: Any) -> None:
        self.book = book
        self.found = found
        self.rows = found.rows
        self.addrs, self.types, self.sizes = book.session.object_columns(found.members)
        self.interpreters = {row.id: row for row in book.session.interpreter_list()}
        replay = book.session.garbage_replay()
        self.uncollectable = self._components_of(frozenset(replay.uncollectable))
        self.unbalanced = self._components_of(frozenset(book.session.unbalanced()))
        self.classes = self._components_with_types()
        self._type_texts = {kind: json.dumps(book.name_of_type(kind)) for kind in set(self.types)}

    # ---- which component ----

    def _components_of(self, numbers: FrozenSet[int]) -> Set[int]:
        """Rows of the components that have one of these objects."""
        if not numbers:
            return set()
        return self._rows_at(self.found.members, numbers)

    def _components_with_types(self) -> Set[int]:
        return self._rows_at(self.addrs, frozenset(row.addr for row in self.book.types))

    def _rows_at(self, column: Sequence[int], wanted: FrozenSet[int]) -> Set[int]:
        """The rows where one of these stands in the column."""
        starts = [row.first for row in self.rows]
        places = compress(count(), map(wanted.__contains__, column))
        return {bisect_right(starts, place) - 1 for place in places}

    def row_of(self, number: int) -> Optional[int]:
        """The row of the component an object is in."""
        return next(iter(self._components_of(frozenset([number]))), None)

    # ---- one component ----

    def component(self, index: int) -> Component:
        """One component with its members."""
        row = self.rows[index]
        members = self.members_of(row)
        return Component(
            members=members,
            bytes=row.bytes,
            reachable=bool(row.reachable),
            program=bool(row.program),
            classes=index in self.classes,
            gc=row.gc or "",
            verdict=self._verdict(index),
        )

    def members_of(self, row: Any) -> Members:
        """What is known of each member without asking for it."""
        return Members((self.found.members, self.addrs, self.types, self.sizes), row)

    def pieces(self, shown: int) -> Iterator[str]:
        """JSON of the first components, a page at a time."""
        yield "["
        for page in self._pages(shown):
            for index, edges in zip(page, self._edges_inside(page)):
                yield "" if index == 0 else ", "
                yield from self._component_json(index, edges)
        yield "]"

    def _pages(self, shown: int) -> Iterator[range]:
        """Runs of rows that have some thousand members together, or one that has more."""
        first = size = 0
        for index in range(shown):
            size += self.rows[index].count
            if size >= PAGE_MEMBERS:
                yield range(first, index + 1)
                first, size = index + 1, 0
        if first < shown:
            yield range(first, shown)

    def _edges_inside(self, page: range) -> List[List[bytes]]:
        """For each component of a page the text of its edges, in pieces."""
        numbers, lines = array("I"), [[]]  # type: array[int], List[List[bytes]]
        for index in page:
            numbers.extend(_slice(self.found.members, self.rows[index]))

        def take(data: bytes) -> None:
            first, *rest = data.split(b"\n")
            lines[-1].append(first)
            lines.extend([piece] for piece in rest)

        counts = [self.rows[index].count for index in page]
        self.book.session.export_inside(numbers, counts, take)
        return lines

    def _component_json(self, index: int, edges: List[bytes]) -> Iterator[str]:
        row = self.rows[index]
        yield f'{{"size": {row.count}, "bytes": {row.bytes}, "reachable": '
        yield f'{_bool(row.reachable)}, "program": {_bool(row.program)}, '
        members = '", "'.join(map(hexa, _slice(self.addrs, row)))
        yield f'"members": ["{members}"], "types": ['
        yield ", ".join(map(self._type_texts.__getitem__, _slice(self.types, row)))
        yield '], "edges": '
        # A character may be cut by the end of a piece.
        decoder = getincrementaldecoder("utf-8")("replace")
        yield from map(decoder.decode, edges)
        yield f', "verdict": {json.dumps(self._verdict(index))}}}'

    def first_members(self, limit: Optional[int]) -> Tuple[List[MemberRow], int]:
        """As many members as are shown, and how many are left out; not those of the program."""
        rows = [(i, row) for i, row in enumerate(self.rows, 1) if not row.program]
        total = sum(row.count for _i, row in rows)
        shown, left_out = text.cut(range(total), limit)
        found: List[MemberRow] = []
        for i, row in rows:
            for member in self.members_of(row)[: len(shown) - len(found)]:
                found.append(MemberRow(i, member, bool(row.reachable), row.gc or ""))
            if len(found) >= len(shown):
                break
        return found, left_out

    # ---- why it is still here ----

    def _verdict(self, index: int) -> str:
        row = self.rows[index]
        if row.program:
            return "reachable: the program itself."
        if index in self.uncollectable:
            return "in gc.garbage, or bound for it: a legacy tp_del made it uncollectable."
        if not row.reachable:
            return collector.fate(self._interpreter(row), row.gc or "")
        if index in self.unbalanced:
            return self._held(self.book.objects(_slice(self.found.members, row)))
        if row.gc == "frozen":
            return "frozen by gc.freeze(): no collection looks at it."
        return "reachable: held from outside."

    def _interpreter(self, row: Any) -> Optional[Any]:
        if len(self.interpreters) > 1:
            first = self.book.object(self.found.members[row.first])
            found = self.interpreters.get(first.interp)
            if found is not None:
                return found
        return self.interpreters.get(min(self.interpreters, default=0))

    def _held(self, rows: Sequence[Any]) -> str:
        """For a reachable component with a surplus: whether something else holds it."""
        surplus = [row for row in rows if not row.immortal and row.remainder > 0]
        if not surplus or self.holder([row.number for row in rows]) is not None:
            return "reachable: held from outside."
        n = sum(row.remainder for row in surplus)
        first = surplus[0]
        whose = "by C, most likely" if all(row.unexplained == 0 for row in surplus) else ""
        return (
            f"held from outside {whose or 'by C, or leaked'}: {text.plural(n, 'reference')} that "
            f"nobody owns, surplus of {self.book.type_name(first)} {hexa(first.addr)}; the "
            "collector treats it as alive."
        )

    def holder(self, numbers: Sequence[int]) -> Optional[Tuple[Holder, str]]:
        """Who holds a component from outside, and by which slot; roots before objects."""
        asked = numbers[:HOLDERS_LOOKED_FOR]
        edges = [edge for number in asked for edge in self.book.session.referrers(number)]
        inside = {edge.src for edge in edges}.intersection(numbers)
        outside = [e for e in edges if e.kind == REF_OWNED and e.src not in inside]
        if not outside:
            return None
        best = next((edge for edge in outside if self.book.is_root(edge.src)), outside[0])
        return self.book.holder(best.src), text.clean(best.name)

    # ---- likeness ----

    def spread(self, unreachable: bool = False) -> Spread:
        """Of all components, or of the unreachable ones."""
        counts = [row.count for row in self.rows if not (unreachable and row.reachable)]
        size = sum(sum(_slice(self.sizes, row)) for row in self.rows if not row.reachable)
        return Spread(
            count=len(counts),
            objects=sum(counts),
            size=size if unreachable else sum(self.sizes),
            fewest=min(counts, default=0),
            most=max(counts, default=0),
        )

    def groups(self, args: argparse.Namespace) -> List[Group]:
        """Components that look alike, together."""
        spreads: Dict[Any, Spread] = {}
        first: Dict[Any, int] = {}
        for i, row in enumerate(self.rows):
            key = self._key(i, row, args.classes)
            spread = spreads.get(key)
            if spread is None:
                spread, first[key] = spreads.setdefault(key, Spread()), i
            spread.add(row.count, sum(_slice(self.sizes, row)))
        keys = sorted(first, key=lambda key: self._order(first[key], spreads[key]))
        shown = len(text.cut(keys, args.limit)[0])
        return [
            self._group(self.component(first[key]), spreads[key], i < shown, args)
            for i, key in enumerate(keys)
        ]

    def _key(self, index: int, row: Any, one_by_one: bool) -> Any:
        """Equal for components that look alike."""
        if row.program:
            return index
        if row.reachable and index in self.classes and not one_by_one:
            return "classes"
        types = _slice(self.types, row)
        kinds = types[0] if row.count == 1 else bytes(array("I", sorted(types)))
        if index in self.unbalanced:
            return (index, kinds)
        return (row.reachable, row.gc, index in self.uncollectable, kinds)

    def _order(self, index: int, spread: Spread) -> Tuple[int, int, int]:
        """Unreachable first, the program last; most first between them."""
        row = self.rows[index]
        folded = row.reachable and index in self.classes
        rank = 3 if row.program else 2 if folded else int(bool(row.reachable))
        return rank, -spread.count, self.addrs[row.first]

    def _group(
        self, first: Component, spread: Spread, shown: bool, args: argparse.Namespace
    ) -> Group:
        folded = first.classes and first.reachable and not args.classes
        if not shown or first.program or folded:
            return Group(first, spread, [], None)
        held = self.holder(first.members.numbers) if first.reachable else None
        words = f"{held[0].path or held[0].type} {held[1]}" if held else None
        return Group(first, spread, self._ring(first.members), words)

    def _ring(self, members: Sequence[Member]) -> List[Step]:
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


def _bool(value: object) -> str:
    return "true" if value else "false"


def _slice(column: Sequence[int], row: Any) -> Sequence[int]:
    return column[row.first : row.first + row.count]


def _back(came: Dict[int, Any], start: int) -> List[Any]:
    """The edges of the ring that ends at start, in order."""
    ring, at = [came[start]], came[start].src
    while at != start:
        ring.append(came[at])
        at = came[at].src
    return ring[::-1]


def steps_of(book: Book, edges: Sequence[Any]) -> List[Step]:
    """A ring with the types of its objects."""
    return [
        Step(member.addr, book.type_name(member), text.clean(edge.name))
        for edge, member in zip(edges, book.members([edge.src for edge in edges]))
    ]


def types_of(component: Component, names: Dict[int, str]) -> List[Tuple[str, int]]:
    """The types of the members, most frequent first."""
    return Counter(map(names.__getitem__, component.members.types)).most_common()
