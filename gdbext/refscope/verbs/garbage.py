# SPDX-License-Identifier: MIT
"""garbage: what a full collection would free right now."""

import argparse
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .. import text, verb
from ..book import Book, Columns, hexa


@dataclass(frozen=True)
class Row:
    """One type among the garbage."""

    name: str
    tracked: int
    freed_with_them: int
    size: int
    finalizers: int


class Entry(NamedTuple):
    """One object of the garbage."""

    addr: int
    type: str
    size: int
    value: str


@dataclass(frozen=True)
class Answer:
    """The collector's subtraction, replayed."""

    types: List[Row]
    unreachable: Sequence[int]  # addresses, as are those below
    with_them: Sequence[int]
    finalizers: List[Entry]
    callbacks: Sequence[int]
    may_resurrect: Sequence[int]
    uncollectable: List[Entry]
    below_zero: List[Entry]
    entries: List[Entry]  # of --list
    listed: bool
    cycles: int
    tracked: int
    interpreters: List[Any]
    limit: Optional[int]


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Replay a full collection; nothing is collected."""
    book = Book(session)
    found = session.garbage_replay()
    unreachable = book.columns(found.unreachable)
    with_them = book.columns(found.with_them)
    return Answer(
        types=_types(book, unreachable, with_them, found.finalizers),
        unreachable=unreachable.addrs,
        with_them=with_them.addrs,
        finalizers=_entries(book, found.finalizers, args),
        callbacks=book.columns(found.callbacks).addrs,
        may_resurrect=book.columns(found.may_resurrect).addrs,
        uncollectable=_entries(book, found.uncollectable, args),
        below_zero=_entries(book, found.below_zero, args),
        entries=_entries(book, found.unreachable, args) if args.list else [],
        listed=args.list,
        cycles=sum(1 for row in session.cycle_list().rows if not row.reachable),
        tracked=found.tracked,
        interpreters=list(session.interpreter_list()),
        limit=args.limit,
    )


def _types(
    book: Book, unreachable: Columns, with_them: Columns, finalizers: Sequence[int]
) -> List[Row]:
    tracked, freed = Counter(unreachable.types), Counter(with_them.types)
    finalized = Counter(book.columns(finalizers).types)
    sizes: Dict[int, int] = dict.fromkeys([*tracked, *freed], 0)
    for columns in (unreachable, with_them):
        for kind, size in zip(columns.types, columns.sizes):
            sizes[kind] += size
    found = [
        Row(book.name_of_type(kind), tracked[kind], freed[kind], size, finalized[kind])
        for kind, size in sizes.items()
    ]
    return sorted(found, key=lambda row: (-row.size, row.name))


def _entries(book: Book, numbers: Sequence[int], args: argparse.Namespace) -> List[Entry]:
    """Objects with their values, these only where they will be shown."""
    shown = 0 if args.format == "json" else len(text.cut(numbers, args.limit)[0])
    return [
        Entry(row.addr, book.type_name(row), row.size, book.value(row.addr) if i < shown else "")
        for i, row in enumerate(book.members(numbers))
    ]


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """Addresses; `unreachable` before any finalizer or callback runs."""
    return {
        "unreachable": [hexa(addr) for addr in answer.unreachable],
        "with_them": [hexa(addr) for addr in answer.with_them],
        "finalizers": [hexa(row.addr) for row in answer.finalizers],
        "callbacks": [hexa(addr) for addr in answer.callbacks],
        "may_resurrect": [hexa(addr) for addr in answer.may_resurrect],
        "uncollectable": [hexa(row.addr) for row in answer.uncollectable],
        "below_zero": [hexa(row.addr) for row in answer.below_zero],
        "cycles": answer.cycles,
        "tracked": answer.tracked,
        "types": [
            {
                "name": row.name,
                "unreachable": row.tracked,
                "with_them": row.freed_with_them,
                "size": row.size,
                "finalizers": row.finalizers,
            }
            for row in answer.types
        ],
    }


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """By type, with what stands in the way."""
    lines = [_sentence(answer)]
    if answer.types:
        lines.append("")
        lines.extend(_list(answer, style) if answer.listed else _table(answer, style))
    lines.append("")
    lines.extend(_replayed(answer))
    lines.extend(_obstacles(answer, style))
    notes = text.Notes(spelling, style)
    disabled = [row for row in answer.interpreters if not row.gc_enabled]
    if disabled and answer.types:
        notes.add(
            "note",
            "gc is disabled: all this stays until gc.collect(), or gc.enable() and a collection.",
        )
    for entry in answer.below_zero[:1]:
        notes.next("refs", hexa(entry.addr), why="who holds it, and what is missing")
    if answer.cycles:
        notes.next("cycles", why="the cycles, and why each is still here")
    if answer.types and not answer.listed:
        notes.next("garbage", "--list", why="one object a line")
    notes.next("gc", why="when the collector runs next")
    return lines + [""] + notes.lines()


def _sentence(answer: Answer) -> str:
    n = len(answer.unreachable) + len(answer.with_them)
    if not n:
        return "A full collection would free nothing: every tracked object is reachable."
    size = sum(row.size for row in answer.types)
    cycles = f" in {text.plural(answer.cycles, 'cycle')}" if answer.cycles else ""
    stuck = len(answer.uncollectable)
    tail = (
        "nothing is uncollectable"
        if not stuck
        else f"{text.number(stuck)} would stay in gc.garbage"
    )
    head = f"A full collection would free {text.plural(n - stuck, 'object')}"
    return text.first_fit(
        [
            f"{head} ({text.plural(size, 'byte')}){cycles}; {tail}.",
            f"{head} ({text.size(size)}){cycles}; {tail}.",
            f"{head} ({text.size(size)}); {tail}.",
        ]
    )


def _table(answer: Answer, style: text.Style) -> List[str]:
    shown, rest = text.cut(answer.types, answer.limit)
    rows = [_cells(row.name, [row]) for row in shown]
    if rest:
        rows.append(
            _cells(
                f"... {text.number(rest)} more (--limit 0 lists all)", answer.types[len(shown) :]
            )
        )
    total = _cells("", answer.types)
    rule: List[text.Cell] = ["------"]
    head = ("type", "tracked", "freed with them", "bytes", "finalizers")
    return text.table(rows + [rule, total], "lrrrr", style, head=head)


def _cells(name: str, rows: Sequence[Row]) -> List[text.Cell]:
    tracked = sum(row.tracked for row in rows)
    return [
        name,
        text.number(tracked),
        text.number(sum(row.freed_with_them for row in rows)),
        text.number(sum(row.size for row in rows)),
        text.number(sum(row.finalizers for row in rows)) if tracked else "-",
    ]


def _list(answer: Answer, style: text.Style) -> List[str]:
    shown, rest = text.cut(answer.entries, answer.limit)
    rows: List[List[text.Cell]] = [
        [text.address(row.addr), row.type, text.number(row.size), row.value] for row in shown
    ]
    lines = text.table(rows, "llrl", style, head=("address", "type", "size", "value"))
    return lines + ([f"  {text.left_out(rest)}"] if rest else [])


def _replayed(answer: Answer) -> List[str]:
    stay = answer.tracked - len(answer.unreachable)
    lines = text.wrap(
        "replayed: the collector's own subtraction over "
        f"{text.plural(answer.tracked, 'tracked object')}; {text.number(stay)} "
        f"{text.verb_form(stay, 'stays', 'stay')}.",
        12,
        2,
    )
    if not answer.below_zero:
        return lines + [
            "  check:    no count went below zero (a deficit that frames cover up is not seen)."
        ]
    first = answer.below_zero[0]
    counts = text.plural(len(answer.below_zero), "count")
    return lines + text.wrap(
        f"check:    {counts} went below zero, first {first.type} {hexa(first.addr)}; a real "
        "collection would crash or free too early.",
        12,
        2,
    )


def _obstacles(answer: Answer, style: text.Style) -> List[str]:
    """What runs before anything is freed, and what is not freed."""
    lines: List[str] = []
    n = len(answer.may_resurrect)
    if answer.finalizers:
        back = f"{text.plural(n, 'object')} {text.verb_form(n, 'comes', 'come')} back"
        lines += [
            "",
            f"finalizers that would run first (if one stores what it sees, at most {back}):",
        ]
        lines.extend(_entry_lines(answer.finalizers, answer.limit, style))
    if answer.callbacks:
        k = len(answer.callbacks)
        lines += ["", f"{text.plural(k, 'weakref callback')} would run."]
    if answer.uncollectable:
        lines += [
            "",
            "uncollectable: a legacy tp_del, and what it reaches; these go to gc.garbage:",
        ]
        lines.extend(_entry_lines(answer.uncollectable, answer.limit, style))
    return lines


def _entry_lines(entries: Sequence[Entry], limit: Optional[int], style: text.Style) -> List[str]:
    shown, rest = text.cut(entries, limit)
    rows: List[List[text.Cell]] = [[text.address(row.addr), row.type, row.value] for row in shown]
    lines = text.table(rows, "lll", style)
    return lines + ([f"  {text.left_out(rest)}"] if rest else [])


VERB = verb.Verb(
    name="garbage",
    summary="Show what a full collection would free, without collecting.",
    stage=lambda args: verb.STAGE_REVERSE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.Option("--list", "list the objects, one a line, instead of their types."),
        verb.limit("rows"),
    ),
    body="""
The collector's own algorithm is replayed over copies of the counts: references
that come from tracked objects are subtracted, what is left above zero is held
from outside, and so is all that it reaches. The rest is garbage. "freed with
them" are objects that the collector does not track and that only garbage holds.
""",
    examples=("garbage", "garbage --list --limit 0"),
    see=("cycles", "gc", "refs"),
)
