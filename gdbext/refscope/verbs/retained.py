# SPDX-License-Identifier: MIT
"""retained: which objects keep most alive, or what would go with one."""

import argparse
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .. import text, verb
from ..book import NAME_WIDTH, REF_OWNED, Allocation, Book, allocated_json, called, hexa, owner_words
from ..session import PathOrigin

STAYING_NAMED = 3
"""References to what stays that are called by name."""


class Row(NamedTuple):
    """One object, and what goes with it."""

    addr: int
    type: str
    bytes: int
    objects: int
    held_as: str  # by which slot: of the object asked for, or of its only owner
    value: str
    allocated: Optional[Allocation] = None


@dataclass(frozen=True)
class Subject:
    """The object that was asked for."""

    addr: int
    type: str
    name: str
    bytes: int  # with all that goes with it
    objects: int
    own: int  # bytes of itself
    stays: List[Tuple[str, str]]  # (slot, type) of what it owns and others own as well


@dataclass(frozen=True)
class Answer:
    """What is kept alive by whom."""

    subject: Optional[Subject]
    rows: List[Row]
    heap: int  # bytes of all objects
    more: bool  # there are more rows than were asked for
    limit: Optional[int]


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """The dominators of the heap, or what one of them is over."""
    book = Book(session)
    if args.expr is not None:
        return _of_one(book, book.at(args.expr), args)
    limit = text.DEFAULT_LIMIT if args.limit is None else args.limit
    found = session.retained_most_by(limit + 1 if limit else 0)
    rows = found.rows[: limit or None]
    return Answer(
        subject=None,
        rows=[_row(book, row, _held_as(book, row.number)) for row in rows],
        heap=book.summary.bytes,
        more=len(found.rows) > len(rows),
        limit=args.limit,
    )


def _held_as(book: Book, number: int) -> str:
    """Whose it is; where several hold it, by the nearest way from a root."""
    whose = book.whose(number)
    if whose:
        return whose
    path = book.session.path_to(number)
    if path.edges:
        return owner_words(book, path.edges[-1])
    return "nobody: held by C, or leaked" if path.origin == PathOrigin.SURPLUS else ""


def _row(book: Book, found: Any, held_as: str) -> Row:
    member = book.members([found.number])[0]
    value = "" if held_as else book.value(member.addr)
    return Row(
        member.addr,
        book.type_name(member),
        found.bytes,
        found.objects,
        held_as,
        value,
        book.allocation(member.addr),
    )


def _of_one(book: Book, row: Any, args: argparse.Namespace) -> Answer:
    found = book.session.retained_by(row.number)
    edges = [edge for edge in book.session.referents(row.number) if edge.kind == REF_OWNED]
    slots: Dict[int, str] = {}
    for edge in edges:
        slots.setdefault(edge.dst, text.clean(edge.name))
    below = {each.number for each in found.rows}
    shown = len(text.cut(found.rows, args.limit)[0])
    rows = [
        _row(book, each, slots.get(each.number, "")) if i < shown else _bare(each)
        for i, each in enumerate(found.rows)
    ]
    subject = Subject(
        addr=row.addr,
        type=book.type_name(row),
        name=book.own_name(row),
        bytes=found.bytes,
        objects=found.objects,
        own=found.bytes - sum(each.bytes for each in found.rows),
        stays=[
            (slots[number], book.type_name(book.object(number)))
            for number in slots
            if number not in below and number != row.number and not _for_ever(book, number)
        ],
    )
    return Answer(subject, rows, book.summary.bytes, False, args.limit)


def _bare(found: Any) -> Row:
    return Row(0, "", found.bytes, found.objects, "", "")


def _for_ever(book: Book, number: int) -> bool:
    row = book.object(number)
    return bool(row.immortal or row.is_static)


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """Bytes of blocks; the rows are those shown."""
    rows = [row for row in answer.rows if row.addr]
    found: Dict[str, Any] = {
        "heap": answer.heap,
        "rows": [
            {
                "addr": hexa(row.addr),
                "type": row.type,
                "bytes": row.bytes,
                "objects": row.objects,
                "held_as": row.held_as,
                **allocated_json(row.allocated),
            }
            for row in rows
        ],
        "left_out": len(answer.rows) - len(rows),
    }
    if answer.subject is not None:
        subject = answer.subject
        found.update(
            addr=hexa(subject.addr),
            type=subject.type,
            bytes=subject.bytes,
            objects=subject.objects,
            own=subject.own,
            stays=[{"name": name, "type": kind} for name, kind in subject.stays],
        )
    return found


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """Largest first; of one object, what goes with it as a sum."""
    if answer.subject is not None:
        return _one_text(answer, answer.subject, style, spelling)
    if not answer.rows:
        return ["Nothing keeps anything alive: no object is reachable from a root."]
    first = answer.rows[0]
    share = text.share(first.bytes, answer.heap, 1, " ")
    lines = [text.fit(lambda columns: _most_sentence(first, share, style, columns)), ""]
    cells: List[List[text.Cell]] = [
        [
            text.number(row.bytes),
            text.share(row.bytes, answer.heap, 1, " "),
            text.number(row.objects),
            text.address(row.addr),
            row.type,
            text.shorten(row.held_as or row.value),
            row.allocated.place if row.allocated else "",
        ]
        for row in answer.rows
    ]
    head = ["retained", "share", "objects", "address", "type", "held as, or value"]
    head += ["allocated at"] if any(row.allocated for row in answer.rows) else []
    lines.extend(text.table(cells, "rrrllll", style, head=head))
    if answer.more:
        lines.append("  ... and more (--limit 0 lists all)")
    notes = text.Notes(spelling, style)
    addr = hexa(first.addr)
    notes.next("retained", addr, why="what would go with it")
    notes.next("why", addr, why="what keeps it alive")
    return lines + [""] + notes.lines()


def _most_sentence(first: Row, share: str, style: text.Style, columns: int) -> str:
    subject = called(first.type, first.addr, "", style, columns)
    held = f", {text.shorten(first.held_as, columns + 16)}," if first.held_as else ""
    return f"{subject}{held} alone keeps {text.size(first.bytes)} alive: {share} of the heap."


def _one_text(
    answer: Answer, subject: Subject, style: text.Style, spelling: text.Spelling
) -> List[str]:
    if not subject.objects:
        name = called(subject.type, subject.addr, subject.name, style, NAME_WIDTH)
        return [
            text.fit(lambda columns: f"{name} is garbage: nothing alive keeps it."),
            "",
            *_next(subject, style, spelling, ("garbage", "what a full collection would free")),
        ]
    lines = [text.fit(lambda columns: _one_sentence(subject, style, columns)), ""]
    shown, rest = text.cut(answer.rows, answer.limit)
    total = text.number(subject.bytes)
    own = f"{text.number(subject.own):>{len(total)}}"
    rows: List[List[text.Cell]] = [[own, f"{subject.type} itself"]]
    for row in shown:
        slot = text.shorten(row.held_as, 40) or "by several ways"
        count = text.plural(row.objects, "object") if row.objects > 1 else ""
        cells = [text.number(row.bytes), slot, text.address(row.addr), row.type, count]
        place = row.allocated.place if row.allocated else ""
        rows.append([*cells, place if row.held_as else row.value])
    if rest:
        left = answer.rows[len(shown) :]
        rows.append([text.number(sum(row.bytes for row in left)), text.left_out(rest)])
    lines.extend(text.table(rows, "rlllrl", style))
    lines.append("  " + "-" * len(total))
    lines.append(f"  {total}  in {text.plural(subject.objects, 'object')}")
    notes = text.Notes(spelling, style)
    notes.add("stays", _stays(subject))
    notes.next("why", hexa(subject.addr), why="what keeps it alive")
    notes.next("refs", hexa(subject.addr), why="who holds it")
    return lines + [""] + notes.lines()


def _next(
    subject: Subject, style: text.Style, spelling: text.Spelling, *hints: Tuple[str, str]
) -> List[str]:
    notes = text.Notes(spelling, style)
    for name, why in hints:
        notes.next(name, why=why)
    notes.next("why", hexa(subject.addr), why="the cycle, and when it goes")
    return notes.lines()


def _one_sentence(subject: Subject, style: text.Style, columns: int) -> str:
    name = called(subject.type, subject.addr, subject.name, style, columns)
    more = subject.objects - 1
    if not more:
        return f"If {name} went, nothing would go with it: {text.plural(subject.bytes, 'byte')}."
    would = f"{text.plural(more, 'more object')} would go with it"
    return f"If {name} went, {would}: {text.plural(subject.bytes, 'byte')} in all."


def _stays(subject: Subject) -> str:
    if not subject.stays:
        return ""
    named = [f"{text.shorten(name, 32)} ({kind})" for name, kind in subject.stays[:STAYING_NAMED]]
    rest = len(subject.stays) - len(named)
    named += [f"{text.number(rest)} more"] if rest else []
    have = text.verb_form(len(subject.stays), "has another owner", "have other owners")
    return f"{text.listing(named)} {have}."


VERB = verb.Verb(
    name="retained",
    summary="List the objects that keep most alive, or what would go with one.",
    stage=lambda args: verb.STAGE_RETAINED,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(verb.limit("objects"),),
    positional=verb.Positional("EXPR", required=False),
    body="""
An object retains what can only be reached over it: if it went, that would go
too. Bytes are those of the allocator's blocks. The list without EXPR holds no
object that is below another one; modules and their globals are gone into.
""",
    examples=("retained", "retained CACHE"),
    see=("why", "heap", "find"),
)
