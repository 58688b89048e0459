# SPDX-License-Identifier: MIT
"""audit: which counts in the whole heap do not add up."""

import argparse
import fnmatch
import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .. import text, verb
from ..book import MOST_DANGLING, Allocation, Book, Dangling, allocated_json, called, dangling, hexa, module_name
from ..text import Span

TOLD_OF = 1000
"""Rows of which more is told than their counts: a heap in pieces has as many as objects."""

FAIL_ON = ("deficit", "surplus", "freed", "broken", "any")


@dataclass(frozen=True)
class Row:
    """An object whose count does not add up."""

    addr: int
    type: str
    refcnt: int
    remainder: int
    located: int
    unexplained: int
    candidates: int
    held_by: str  # where the first candidate lies
    value: str
    allocated: Optional[Allocation]

    @property
    def owners(self) -> int:
        """References that are known."""
        return self.refcnt - self.remainder


class Damage(NamedTuple):
    """What no sound heap holds, and whose memory it is."""

    addr: int
    rule: str
    words: str
    around: str  # the object there, the block before it


@dataclass(frozen=True)
class Answer:
    """The books of a heap."""

    objects: int
    mortal: int
    balanced: int
    explained: int
    deficit: List[Row]
    leaked: List[Row]  # surplus, part of it without any candidate
    held: List[Row]  # surplus with as many candidates
    freed: List[Dangling]  # slots that own what is no object any more
    broken: List[Damage]
    broken_more: int  # that were counted and not kept
    only_deficit: bool
    show_all: bool
    type: Optional[str]
    fail_on: Optional["Limits"]
    baseline: Optional[str]  # the name of its file
    limit: Optional[int]


class Limits(NamedTuple):
    """How many of a kind are too many: more than so many, None for any number."""

    deficit: Optional[int] = None
    surplus: Optional[int] = None
    freed: Optional[int] = None
    broken: Optional[int] = None


def fail_on(word: str) -> Limits:
    """`deficit`, `surplus:3`, several with commas, or `any`."""
    limits = Limits()
    for part in word.split(","):
        kind, colon, most = part.partition(":")
        if kind not in FAIL_ON or (colon and not most.isdecimal()):
            wanted = f"one of {', '.join(FAIL_ON)}, with :N for more than N"
            raise argparse.ArgumentTypeError(f"'{text.shorten(part, 20)}' is not {wanted}")
        n = int(most) if colon else 0
        limits = Limits(n, n, n, n) if kind == "any" else limits._replace(**{kind: n})
    return limits


class Baseline(NamedTuple):
    """An earlier audit, to compare with."""

    file: str
    rows: Dict[Tuple[str, str], int]  # (address, type) -> remainder
    by_type: Dict[str, int]  # sum of what was not explained


def _wrong(remainder: int, unexplained: int) -> int:
    """How many references are too few, or too many without a candidate."""
    return -remainder if remainder < 0 else unexplained


def baseline(path: str) -> Baseline:
    """Read what `audit --format json` wrote."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        rows = found["surplus"] + found["deficit"]
        sums: Dict[str, int] = Counter()
        for row in rows:
            sums[row["type"]] += _wrong(row["remainder"], row["unexplained"])
        return Baseline(path, {(row["addr"], row["type"]): row["remainder"] for row in rows}, sums)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {(error.strerror or '').lower()}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        wanted = "it is not what audit --format json writes"
        raise argparse.ArgumentTypeError(f"{path}: {wanted}") from None


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Add up every count."""
    book = Book(session)
    summary = book.summary
    rows = [
        _row(book, found)
        for found in book.objects(session.unbalanced())
        if not found.is_static and _is_wanted(book, found, args.type)
    ]
    if args.baseline is not None:
        rows = _since(args.baseline, rows)
    if args.format != "json":
        rows = [_valued(book, row) for row in rows[:TOLD_OF]] + rows[TOLD_OF:]
    if book.is_traced:
        rows = _placed(book, rows)
    broken = session.heap_findings()
    return Answer(
        objects=summary.objects,
        mortal=summary.mortal,
        balanced=summary.balanced,
        explained=summary.explained,
        deficit=[row for row in rows if row.remainder < 0],
        leaked=[row for row in rows if row.remainder > 0 and row.unexplained > 0],
        held=[row for row in rows if row.remainder > 0 and row.unexplained <= 0],
        freed=dangling(book, 0, 1 << 63) if args.type is None else [],
        broken=[_damage(book, row) for row in broken.rows] if args.type is None else [],
        broken_more=broken.left_out if args.type is None else 0,
        only_deficit=args.deficit,
        show_all=args.all,
        type=args.type,
        fail_on=args.fail_on,
        baseline=args.baseline.file if args.baseline else None,
        limit=args.limit,
    )


def _is_wanted(book: Book, row: Any, name: Optional[str]) -> bool:
    names = (book.type_name(row), book.full_type_name(row))
    return name is None or any(fnmatch.fnmatchcase(each, name) for each in names)


def _since(base: Baseline, rows: Sequence[Row]) -> List[Row]:
    """What is new: another address, or more of it, of a type of which there is more in all.

    The sum keeps rows out that merely moved: the two may be of different runs.
    """
    sums: Dict[str, int] = Counter()
    for row in rows:
        sums[row.type] += _wrong(row.remainder, row.unexplained)
    return [
        row
        for row in rows
        if sums[row.type] > base.by_type.get(row.type, 0)
        and abs(row.remainder) > abs(base.rows.get((hexa(row.addr), row.type), 0))
    ]


def _row(book: Book, row: Any) -> Row:
    candidates = book.session.candidates_of(row.number).rows if row.remainder > 0 else []
    first = candidates[0] if candidates else None
    held_by = ""
    if first is not None:
        held_by = module_name(first.module) if first.module else first.where
    return Row(
        addr=row.addr,
        type=book.type_name(row),
        refcnt=row.refcnt,
        remainder=row.remainder,
        located=row.located,
        unexplained=row.unexplained,
        candidates=len(candidates),
        held_by=held_by,
        value="",
        allocated=None,
    )


_GUARDED = ("guard", "written-after-free")
"""Rules of which one asks whose the block is, and whose the one before it: that one ran over."""


def _damage(book: Book, row: Any) -> Damage:
    around = _around(book, row.addr) if row.rule in _GUARDED else ""
    return Damage(row.addr, row.rule, text.clean(row.text), around)


def _around(book: Book, addr: int) -> str:
    place = book.session.find(addr)
    parts = []
    if place.object:
        parts.append(f"it is of {_named(book, place.object)}")
    before = book.session.find(place.block - 1) if place.block_index else None
    if before and before.object:
        parts.append(f"the block before it is of {_named(book, before.object)}")
    return "; ".join(parts)


def _named(book: Book, addr: int) -> str:
    row = book.at(addr)
    return called(book.type_name(row), addr, book.own_name(row), text.plain)


def _placed(book: Book, rows: Sequence[Row]) -> List[Row]:
    """With where they were allocated: the first of the deficits, and of the others."""
    told: Counter[bool] = Counter()
    placed = []
    for row in rows:
        kind = row.remainder < 0
        told[kind] += 1
        known = told[kind] <= TOLD_OF
        placed.append(replace(row, allocated=book.allocation(row.addr)) if known else row)
    return placed


def _valued(book: Book, row: Row) -> Row:
    return replace(row, value=book.value(row.addr))


def fails(answer: Answer) -> bool:
    """What --fail-on asked for holds."""
    limits = answer.fail_on or Limits()
    broken = len(answer.broken) + answer.broken_more
    found = Limits(len(answer.deficit), len(answer.leaked), len(answer.freed), broken)
    return any(most is not None and n > most for n, most in zip(found, limits))


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """Surplus without an explanation; with --all, what C holds too."""
    surplus = answer.leaked + (answer.held if answer.show_all else [])
    return {
        "objects": answer.objects,
        "mortal": answer.mortal,
        "balanced": answer.balanced,
        "explained": answer.explained,
        "surplus": [] if answer.only_deficit else [_row_json(row) for row in surplus],
        "deficit": [_row_json(row) for row in answer.deficit],
        "freed": [row.as_json() for row in answer.freed],
        "broken": [
            {"rule": row.rule, "addr": hexa(row.addr), "text": row.words, "around": row.around}
            for row in answer.broken
        ],
    }


def _row_json(row: Row) -> Dict[str, Any]:
    return {
        "addr": hexa(row.addr),
        "type": row.type,
        "refcnt": row.refcnt,
        "remainder": row.remainder,
        "located": row.located,
        "unexplained": row.unexplained,
        "candidates": row.candidates,
        **allocated_json(row.allocated),
    }


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """Deficits first: each is a future crash."""
    lines = [_sentence(answer), ""]
    lines.extend(_sums(answer))
    lines.extend(_section(answer, answer.deficit, _DEFICIT, style))
    lines.extend(_freed(answer, style))
    lines.extend(_broken(answer, style))
    if not answer.only_deficit:
        lines.extend(_section(answer, answer.leaked, _LEAKED, style))
        lines.extend(_held(answer, style))
    notes = text.Notes(spelling, style)
    notes.add("by type", _sums_by(answer, lambda row: row.type))
    if any(row.allocated for row in answer.deficit + answer.leaked):
        notes.add("by place", _sums_by(answer, lambda row: row.allocated and row.allocated.place))
    for addr in [slot.target for slot in answer.freed[:1]] + [row.addr for row in answer.broken[:1]]:
        notes.next("what", hexa(addr), why="what is there now")
    for row in (answer.deficit + answer.leaked)[:2]:
        notes.next("refs", hexa(row.addr), why="its bill, holder by holder")
    return lines + ([""] + notes.lines() if notes.lines() else [])


def _sentence(answer: Answer) -> str:
    head = _found(answer)
    share = text.share(answer.balanced, answer.mortal, 2, " ")
    balanced = text.number(answer.balanced)
    return text.first_fit(
        [
            f"{head}{balanced} of {text.number(answer.mortal)} counts balance ({share}).",
            f"{head}{share} of {text.number(answer.mortal)} counts balance.",
            f"{head}{share} of the counts balance.",
        ]
    )


def _found(answer: Answer) -> str:
    """What is wrong, up to the figures that follow."""
    about = f" of {text.shorten(answer.type, 24)}" if answer.type else ""
    new = "new " if answer.baseline else ""
    deficits, leaks, freed = len(answer.deficit), len(answer.leaked), len(answer.freed)
    parts = []
    if freed:
        point = text.verb_form(freed, "points", "point")
        least = "at least " if freed == MOST_DANGLING else ""
        parts.append(f"{least}{text.plural(freed, 'slot')} {point} to freed objects")
    broken = len(answer.broken) + answer.broken_more
    if broken:
        parts.append(f"{text.plural(broken, 'rule')} of a sound heap {text.verb_form(broken, 'is', 'are')} broken")
    if deficits:
        noun = text.plural(deficits, f"{new}object")
        parts.append(f"{noun}{about} {text.verb_form(deficits, 'is', 'are')} over-released")
        about = ""
    if leaks:
        noun = text.number(leaks) if deficits else text.plural(leaks, f"{new}object")
        seem = text.verb_form(leaks, "leaks", "leak")
        parts.append(f"{noun}{about} {seem} or {text.verb_form(leaks, 'is', 'are')} held by C")
    return f"{', '.join(parts)}; " if parts else f"No {new}deficit and no {new}leak{about}: "


def _sums(answer: Answer) -> List[str]:
    static = answer.objects - answer.mortal
    rest = answer.mortal - answer.explained
    return [
        f"  objects {text.number(answer.objects)} = {text.number(answer.mortal)} counted + "
        f"{text.number(static)} immortal or static",
        f"  balanced {text.share(answer.balanced, answer.mortal, 2, ' ')}   "
        f"explained {text.share(answer.explained, answer.mortal, 2, ' ')} "
        f"({text.number(rest)} {text.verb_form(rest, 'is', 'are')} not)",
    ]


_DEFICIT = ("deficit", "DEFICIT", "freed too early, each one a future crash")
_LEAKED = ("surplus", "SURPLUS", "more than its candidates in C memory: leaked, most likely")


def _section(
    answer: Answer, rows: Sequence[Row], what: Tuple[str, str, str], style: text.Style
) -> List[str]:
    if not rows:
        return []
    kind, word, meaning = what
    return ["", f"{style(kind, word)}  {meaning}", *_table(rows, answer.limit, kind, style)]


def _freed(answer: Answer, style: text.Style) -> List[str]:
    if not answer.freed:
        return []
    shown, rest = text.cut(answer.freed, answer.limit)
    lines = text.table([slot.cells() for slot in shown], "llll", style, indent=4)
    meaning = "slots that still refer to objects which are gone: use after free"
    more = [f"    {text.left_out(rest, 'slots')}"] if rest else []
    return ["", f"{style('deficit', 'FREED')}  {meaning}", *lines, *more]


def _broken(answer: Answer, style: text.Style) -> List[str]:
    if not answer.broken:
        return []
    meaning = "what every sound heap holds does not hold here: memory was overwritten"
    lines = ["", f"{style('deficit', 'BROKEN')}  {meaning}"]
    shown, rest = text.cut(answer.broken, answer.limit)
    for row in shown:
        lines.extend(text.wrap(f"{row.rule}: {row.words}", 8, 4))
        lines.extend(text.wrap(row.around, 8, 8) if row.around else [])
    rest += answer.broken_more
    return lines + ([f"    {text.left_out(rest, 'findings')}"] if rest else [])


def _table(rows: Sequence[Row], limit: Optional[int], kind: str, style: text.Style) -> List[str]:
    shown, rest = text.cut(rows, limit)
    cells: List[List[text.Cell]] = [
        [
            Span(text.signed(row.remainder), kind),
            text.address(row.addr),
            row.type,
            f"refcnt {text.number(row.refcnt)}",
            f"owners {text.number(row.owners)}",
            f"candidates {text.number(row.candidates)}" if kind == "surplus" else "",
            row.allocated.place if row.allocated else "",
            row.value,
        ]
        for row in shown
    ]
    lines = text.table(cells, "rlllllll", style, indent=4)
    return lines + ([f"    {text.left_out(rest)}"] if rest else [])


def _held(answer: Answer, style: text.Style) -> List[str]:
    if not answer.held:
        return []
    n = text.number(len(answer.held))
    word = style("surplus", "SURPLUS")
    if answer.show_all:
        lines = ["", f"{word}  with as many candidates: held by C, most likely ({n})"]
        return lines + _table(answer.held, answer.limit, "surplus", style)
    lines = ["", f"{word}  with as many candidates: held by C, most likely ({n}; --all lists them)"]
    where = Counter(row.held_by for row in answer.held).most_common(6)
    return lines + ["    " + "   ".join(f"{name} {text.number(k)}" for name, k in where)]


def _sums_by(answer: Answer, key: Callable[[Row], Optional[str]]) -> str:
    """Deficits and surpluses apart: one does not make up for the other."""
    sums: Dict[Tuple[bool, str], List[int]] = {}
    rows = answer.deficit + ([] if answer.only_deficit else answer.leaked)
    rows += answer.held if answer.show_all and not answer.only_deficit else []
    for row in rows:
        found = sums.setdefault((row.remainder > 0, key(row) or "elsewhere"), [0, 0])
        found[0] += row.remainder
        found[1] += 1
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], -abs(item[1][0]), item[0][1]))
    shown = [
        f"{name} {text.signed(total)} ({text.number(n)})"
        for (_sign, name), (total, n) in ordered[:8]
    ]
    return ", ".join(shown) + (", ..." if len(ordered) > 8 else "")


VERB = verb.Verb(
    name="audit",
    summary="Find every object whose refcount does not add up: leaked or over-released.",
    stage=lambda args: verb.STAGE_NATIVE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    fails=fails,
    options=(
        verb.Option("--deficit", "only over-released objects."),
        verb.Option("--all", "also list what C memory holds, most likely."),
        verb.Option("--type", "only objects of types whose name matches GLOB.", "GLOB"),
        verb.Option(
            "--fail-on",
            "leave with status 1 if there is one: deficit, surplus, freed, broken or any, several "
            "with commas; surplus:3 allows three (command line only).",
            "WHAT",
            fail_on,
        ),
        verb.Option(
            "--baseline",
            "only what is new since FILE, which audit --format json has written.",
            "FILE",
            baseline,
        ),
        verb.limit("rows a section"),
    ),
    body="""
A deficit is an object with more owners than its refcount: it will be freed
while still in use. A surplus is one with fewer: the rest is held by C code, or
leaked. Words of C memory that point to it are candidates; they are never
counted as owners.

FREED lists slots of live objects that refer to memory where no object is: what
was there has been freed, and the next use of the slot crashes or reads what
has taken its place.

BROKEN lists what no sound heap shows, wherever it is: counts that cannot be,
singletons and immortal objects whose counts were eaten, lists of the collector
and of the allocator that do not hold together and, under PYTHONMALLOC=debug,
guard bytes that were overwritten and free blocks that were written to, with
the object there and the one before it.
""",
    examples=("audit", "audit --deficit", "audit --type 'my*'", "audit --fail-on surplus"),
    see=("refs", "garbage", "what"),
)
