# SPDX-License-Identifier: MIT
"""The neighbourhood of an object: nodes, edges, cycles, as plain data.

Gathered from a session; drawn as a tree by verbs/graph.py and as DOT by dot.py.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

from . import text
from .book import REF_OWNED, REF_WEAK, Book

ALIKE = 8
"""Holders of the same type and slot that are drawn; more of them would hide the others."""

LABEL_WIDTH = 24
"""A name or value in a picture is cut to this many columns."""


@dataclass(frozen=True)
class Node:
    """An object or a root."""

    number: int
    addr: int
    type: str
    label: str  # its name or short value, or ""
    refcnt: int
    remainder: int
    immortal: bool
    unreachable: bool
    root: str  # its kind, "" for an object
    cycle: int  # from 1 on, 0 for none

    @property
    def name(self) -> str:
        """`dict 0x7f...`."""
        return f"{self.type} {self.addr:#x}"

    @property
    def known(self) -> int:
        """Owners of counted references."""
        return self.refcnt - self.remainder


@dataclass(frozen=True)
class Edge:
    """All references from one node to another that are of one kind."""

    src: int
    dst: int
    names: Tuple[str, ...]
    kind: int

    def label(self, columns: int = 20) -> str:
        """`.x`, `[0], [1], [2]`, `x7`."""
        if len(self.names) > 3:
            return f"x{len(self.names)}"
        return text.shorten(", ".join(self.names), columns)


@dataclass
class Picture:
    """What is drawn. The first node is the subject."""

    nodes: Dict[int, Node] = field(default_factory=dict)
    edges: List[Edge] = field(default_factory=list)
    below: Dict[int, List[Edge]] = field(default_factory=dict)  # drawn, by source
    above: List[Edge] = field(default_factory=list)  # to the subject
    hidden_below: Dict[int, int] = field(default_factory=dict)  # objects not drawn, by source
    hidden_above: int = 0
    not_followed: Set[int] = field(default_factory=set)  # types, unless asked for
    cut: Optional[Edge] = None  # of the subject's own cycle

    @property
    def subject(self) -> Node:
        """Whose neighbourhood this is."""
        return next(iter(self.nodes.values()))

    def cycles(self) -> Dict[int, List[Node]]:
        """Members that are drawn, by cycle; of a cycle with one member here nothing can be seen."""
        found: Dict[int, List[Node]] = {}
        closed = {self.in_cycle(edge) for edge in self.edges}
        for node in self.nodes.values():
            if node.cycle in closed and node.cycle:
                found.setdefault(node.cycle, []).append(node)
        return {cycle: found[cycle] for cycle in sorted(found)}

    def in_cycle(self, edge: Edge) -> int:
        """The cycle that an edge is part of, or 0."""
        a, b = self.nodes[edge.src].cycle, self.nodes[edge.dst].cycle
        return a if a == b and edge.kind == REF_OWNED else 0


@dataclass(frozen=True)
class Bounds:
    """How much is drawn."""

    depth: int
    nodes: int
    types: bool  # types are followed too
    alike: int = ALIKE  # holders of the same type and slot


def gather(book: Book, start: int, bounds: Bounds) -> Picture:
    """What is around an object: what it refers to, `depth` steps far, and what refers to it."""
    return _Gatherer(book, bounds).gather(start)


class _Gatherer:
    def __init__(self, book: Book, bounds: Bounds) -> None:
        self.book = book
        self.bounds = bounds
        self.picture = Picture()
        self.unreachable = frozenset(book.session.garbage_replay().unreachable)
        self.components = book.session.cycle_list()
        self.cycle_numbers: Dict[int, int] = {}
        self.type_addrs = {row.addr for row in book.types}

    def gather(self, start: int) -> Picture:
        """The whole picture."""
        self._node(start)
        queue = deque([(start, 0)] if self.bounds.depth else [])
        while queue:
            at, depth = queue.popleft()
            for other in self._below(at):
                if depth + 1 < self.bounds.depth:
                    queue.append((other, depth + 1))
        self._above(start)
        self._mark_cycles()
        self.picture.edges = self._all_edges()
        self.picture.cut = self._cut()
        return self.picture

    def _below(self, at: int) -> List[int]:
        """Draw what a node refers to; returns the nodes that are new and may be followed."""
        edges = [edge for edge in self.book.session.referents(at) if not is_key(edge)]
        grouped = _grouped(edges, "dst")
        drawn: List[Edge] = []
        fresh: List[int] = []
        for edge in grouped:
            if edge.dst not in self.picture.nodes:
                if self._is_full():
                    self.picture.hidden_below[at] = self.picture.hidden_below.get(at, 0) + 1
                    continue
                self._node(edge.dst)
                if self._may_follow(edge):
                    fresh.append(edge.dst)
            drawn.append(edge)
        self.picture.below[at] = drawn
        return fresh

    def _above(self, start: int) -> None:
        edges = _grouped(self.book.session.referrers(start), "src")
        holders = self.book.holders(edge.src for edge in edges)
        seen: Dict[Tuple[str, Tuple[str, ...]], int] = {}
        for edge in edges:
            if edge.src not in self.picture.nodes:
                like = (holders[edge.src].type, edge.names)
                seen[like] = seen.get(like, 0) + 1
                if self._is_full() or seen[like] > self.bounds.alike:
                    self.picture.hidden_above += 1
                    continue
                self._node(edge.src)
            self.picture.above.append(edge)

    def _is_full(self) -> bool:
        return len(self.picture.nodes) >= self.bounds.nodes

    def _may_follow(self, edge: Edge) -> bool:
        """Types lead to nearly everything, weak references keep nothing."""
        if edge.kind == REF_WEAK:
            return False
        if not self.bounds.types and self.picture.nodes[edge.dst].addr in self.type_addrs:
            self.picture.not_followed.add(edge.dst)
            return False
        return True

    def _node(self, number: int) -> None:
        self.picture.nodes[number] = self._root(number) or self._object(number)

    def _root(self, number: int) -> Optional[Node]:
        if not self.book.is_root(number):
            return None
        holder = self.book.holder(number)
        return Node(
            number, holder.addr, holder.type, holder.path, 0, 0, False, False, holder.type, 0
        )

    def _object(self, number: int) -> Node:
        row = self.book.object(number)
        name = self.book.own_name(row)
        kind = self.book.type_name(row)
        value = f"'{name}'" if name else self.book.value(row.addr, LABEL_WIDTH)
        return Node(
            number=number,
            addr=row.addr,
            type=kind,
            # An instance says no more of itself than its type.
            label="" if value == f"<{kind}>" else value,
            refcnt=row.refcnt,
            remainder=row.remainder,
            immortal=bool(row.immortal),
            unreachable=number in self.unreachable,
            root="",
            cycle=0,
        )

    def _mark_cycles(self) -> None:
        """Number the components that have a node, in the order of the nodes."""
        nodes, rows = self.picture.nodes, self.components.rows
        starts = [row.first for row in rows]
        places = (i for i, n in enumerate(self.components.members) if n in nodes)
        found = {self.components.members[i]: bisect_right(starts, i) - 1 for i in places}
        for number in [n for n in nodes if n in found and not rows[found[n]].program]:
            cycle = self.cycle_numbers.setdefault(found[number], len(self.cycle_numbers) + 1)
            nodes[number] = replace(nodes[number], cycle=cycle)

    def _all_edges(self) -> List[Edge]:
        """Every edge once, by source and target address."""
        picture = self.picture
        seen: Dict[Tuple[int, int, int], Edge] = {}
        for edges in (*picture.below.values(), picture.above):
            for edge in edges:
                seen.setdefault((edge.src, edge.dst, edge.kind), edge)
        return sorted(
            seen.values(),
            key=lambda e: (picture.nodes[e.src].addr, picture.nodes[e.dst].addr, e.kind),
        )

    def _cut(self) -> Optional[Edge]:
        """The edge by which the subject's cycle comes back to it."""
        back = [edge for edge in self.picture.above if self.picture.in_cycle(edge)]
        return back[0] if back else None


def is_key(edge: Any) -> bool:
    """A key of a dict: the slot of its value says it already."""
    return edge.name.startswith("key ")


def _grouped(edges: Sequence[Any], end: str) -> List[Edge]:
    """One edge for all slots between the same two, in the order of the first."""
    names: Dict[Tuple[int, int], List[str]] = {}
    first: Dict[Tuple[int, int], Any] = {}
    for edge in edges:
        key = (getattr(edge, end), edge.kind)
        names.setdefault(key, []).append(text.clean(edge.name))
        first.setdefault(key, edge)
    return [Edge(e.src, e.dst, tuple(names[key]), e.kind) for key, e in first.items()]
