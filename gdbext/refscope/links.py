# SPDX-License-Identifier: MIT
"""References as rows: what `referrers` and `referents` have in common."""

import argparse
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from . import text
from .book import NAME_WIDTH, REF_OWNED, REF_WORDS, Book, Holder, called, hexa


class Link(NamedTuple):
    """One reference between the subject and another object or root."""

    other: Holder
    kind: int
    name: str
    value: str
    visited: bool


@dataclass(frozen=True)
class Links:
    """The references of one object, in one direction."""

    addr: int
    type: str
    name: str  # of a type, module or function
    refcnt: int
    immortal: bool
    read_by: str
    links: List[Link]
    searched: int  # objects
    limit: Optional[int]

    def subject(self, style: text.Style, columns: int = NAME_WIDTH) -> str:
        """`list 0x7f...`."""
        return called(self.type, self.addr, self.name, style, columns)

    def how(self, one: str, each: str) -> str:
        """`each owns a reference`, or the kinds counted: `3 owned, 1 weak`."""
        counts = {kind: sum(link.kind == kind for link in self.links) for kind in REF_WORDS}
        if counts[REF_OWNED] == len(self.links):
            return one if len(self.links) == 1 else each
        found = [f"{text.number(n)} {REF_WORDS[kind]}" for kind, n in counts.items() if n]
        return text.listing(found)

    def count_words(self, distinct: int) -> str:
        """Said where several references go to or come from the same object."""
        if distinct == len(self.links):
            return ""
        return f" in {text.plural(len(self.links), 'place')}"


def of_edges(
    book: Book, row: Any, edges: Sequence[Any], end: str, args: argparse.Namespace
) -> Links:
    """The links of an object; `end` says which end of an edge is the other one."""
    shown = len(text.cut(edges, args.limit)[0])
    holders = book.holders(getattr(edge, end) for edge in edges)
    links = []
    for i, edge in enumerate(edges):
        other, value = holders[getattr(edge, end)], ""
        if i < shown:
            other = book.holder(other.number) if end == "src" else other
            value = other.path or ("" if other.root else book.value(other.addr))
        links.append(Link(other, edge.kind, text.clean(edge.name), value, bool(edge.visited)))
    type_row = book.type_row(row)
    return Links(
        addr=row.addr,
        type=book.type_name(row),
        name=book.own_name(row),
        refcnt=row.refcnt,
        immortal=bool(row.immortal),
        read_by=type_row.read_by if type_row else "",
        links=links,
        searched=book.summary.objects,
        limit=args.limit,
    )


def link_rows(answer: Links) -> List[List[text.Cell]]:
    """Cells of the references that are shown."""
    shown, rest = text.cut(answer.links, answer.limit)
    rows: List[List[text.Cell]] = [
        [
            text.address(link.other.addr),
            link.other.type,
            REF_WORDS.get(link.kind, "?"),
            text.shorten(link.name, 32),
            text.shorten(link.value),
        ]
        for link in shown
    ]
    if rest:
        rows.append([text.left_out(rest)])
    return rows


def table_of(rows: List[List[text.Cell]], style: text.Style) -> List[str]:
    """The rows under their heads; the line of a cut list takes no part in the columns."""
    tail = rows.pop()[0] if rows and len(rows[-1]) == 1 else ""
    lines = text.table(rows, "lllll", style, head=("address", "type", "ref", "slot", "value"))
    return lines + ([f"  {tail}"] if tail else [])


def links_json(answer: Links, key: str) -> Dict[str, Any]:
    """One object a reference."""
    rows = []
    for link in answer.links:
        found = link.other.as_json()
        found["name"] = link.name
        found["ref"] = REF_WORDS.get(link.kind, "?")
        found["visited"] = link.visited
        rows.append(found)
    return {"addr": hexa(answer.addr), "type": answer.type, "refcnt": answer.refcnt, key: rows}
