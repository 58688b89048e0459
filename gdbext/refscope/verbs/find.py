# SPDX-License-Identifier: MIT
"""find: objects by type, generation, size, count, remainder."""

import argparse
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, List, Optional, Tuple

from .. import text, verb
from ..book import Book, generation_words, hexa
from ..session import Query, RemainderQuery, Sort

SORTS = {
    "address": Sort.ADDRESS,
    "size": Sort.SIZE,
    "bytes": Sort.BYTES,
    "refcnt": Sort.REFCNT,
    "remainder": Sort.REMAINDER,
    "referrers": Sort.REFERRERS,
}
REMAINDERS = {
    "nonzero": RemainderQuery.UNBALANCED,
    "surplus": RemainderQuery.SURPLUS,
    "deficit": RemainderQuery.DEFICIT,
}


@dataclass(frozen=True)
class Row:
    """One object that matches."""

    addr: int
    type: str
    module: str
    refcnt: int
    immortal: bool
    remainder: int
    size: int
    bytes: int
    gc: Optional[str]
    referrers: int
    value: str


@dataclass(frozen=True)
class Answer:
    """Objects that match, and what was asked."""

    rows: List[Row]
    count: int
    size: int
    conditions: List[str]
    columns: List[str]
    close: List[str]  # types that are close to a name that no type has


# ---- question -------------------------------------------------------------------------------


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Look for objects; all conditions must hold."""
    book = Book(session)
    columns = _columns(args)
    wanted = _types(book, args.type) if args.type else None
    query = Query(
        types=wanted or (),
        gc=_generation(args.gen) if args.gen else "",
        least_refcnt=args.refcnt if args.refcnt is not None else -(1 << 63),
        least_size=args.size if args.size is not None else -(1 << 63),
        least_referrers=args.referrers or 0,
        remainder=REMAINDERS[args.remainder] if args.remainder else RemainderQuery.ANY,
        sort=SORTS[args.sort],
        # A list that is over by one is shown whole.
        limit=text.most(args.limit),
    )
    found = session.search_objects(query)
    shown, _rest = text.cut(found.rows, args.limit, found.count - len(found.rows))
    rows = [_row(book, number, columns) for number in shown]
    close = [] if wanted is None or any(wanted) else _close(book, args.type)
    return Answer(rows, found.count, found.size, _conditions(args), columns, close)


def _columns(args: argparse.Namespace) -> List[str]:
    if not args.cols:
        return ["type", "refcnt", "remainder", "size", "gen", "value"]
    columns = [word.strip() for word in args.cols.split(",")]
    for word in columns:
        if word not in CELLS:
            raise verb.UsageError(
                f"there is no column '{text.shorten(word, 20)}'; there are {', '.join(CELLS)}."
            )
    return columns


def _names(row: Any) -> Tuple[str, str]:
    return row.name, f"{row.module}.{row.name}"


def _types(book: Book, pattern: str) -> bytes:
    """A 1 for each type whose name, or module and name, the pattern fits."""
    return bytes(any(fnmatchcase(name, pattern) for name in _names(row)) for row in book.types)


def _close(book: Book, pattern: str) -> List[str]:
    import difflib

    names = {row.name for row in book.types if row.count}
    return [text.shorten(name, 32) for name in difflib.get_close_matches(pattern, names, 3, 0.6)]


def _generation(word: str) -> str:
    return f"gen{word}" if word.isdigit() else word


def _row(book: Book, number: int, columns: List[str]) -> Row:
    row = book.object(number)
    kind = book.type_row(row)
    return Row(
        addr=row.addr,
        type=book.type_name(row),
        module=kind.module if kind else "",
        refcnt=row.refcnt,
        immortal=bool(row.immortal),
        remainder=row.remainder,
        size=row.size,
        bytes=row.bytes,
        gc=row.gc,
        referrers=len(book.session.referrers(number)) if "referrers" in columns else 0,
        value=book.value(row.addr) if "value" in columns else "",
    )


def _conditions(args: argparse.Namespace) -> List[str]:
    found = []
    if args.type:
        found.append(f"type {text.shorten(args.type, 32)}")
    if args.gen:
        found.append(generation_words(_generation(args.gen)))
    for name in ("refcnt", "size", "referrers"):
        least = getattr(args, name)
        if least is not None:
            found.append(f"{name} at least {text.number(least)}")
    if args.remainder:
        found.append(f"remainder {args.remainder}")
    return found


# ---- answers --------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """The objects, and how many there are in all."""
    return {
        "count": answer.count,
        "size": answer.size,
        "left_out": answer.count - len(answer.rows),
        "objects": [
            {
                "addr": hexa(row.addr),
                "type": row.type,
                "module": row.module,
                "refcnt": row.refcnt,
                "immortal": row.immortal,
                "remainder": None if row.immortal else row.remainder,
                "size": row.size,
                "bytes": row.bytes,
                "gc": row.gc,
                "value": row.value,
            }
            for row in answer.rows
        ],
    }


def _count(row: Row) -> str:
    return "immortal" if row.immortal else text.number(row.refcnt)


def _remainder(row: Row) -> text.Cell:
    if row.immortal:
        return "-"
    kind = "deficit" if row.remainder < 0 else "surplus" if row.remainder else ""
    return text.Span(text.number(row.remainder), kind)


def _gen(row: Row) -> str:
    if row.gc is None:
        return "-"
    return row.gc[3:] if row.gc.startswith("gen") else row.gc


CELLS: Dict[str, Tuple[str, Callable[[Row], text.Cell]]] = {
    "type": ("l", lambda row: row.type),
    "module": ("l", lambda row: text.shorten(row.module, 32) or "-"),
    "refcnt": ("r", _count),
    "remainder": ("r", _remainder),
    "referrers": ("r", lambda row: text.number(row.referrers)),
    "size": ("r", lambda row: text.number(row.size)),
    "bytes": ("r", lambda row: text.number(row.bytes)),
    "gen": ("r", _gen),
    "value": ("l", lambda row: row.value),
}
"""What a row can show, how it is aligned, and the cell."""


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """One object a line."""
    lines = [_sentence(answer)]
    if not answer.rows:
        if answer.close:
            lines.append(f"No type has that name. Close: {', '.join(answer.close)}.")
        return lines
    cells: List[List[text.Cell]] = [
        [text.address(row.addr)] + [CELLS[name][1](row) for name in answer.columns]
        for row in answer.rows
    ]
    align = "l" + "".join(CELLS[name][0] for name in answer.columns)
    lines += ["", *text.table(cells, align, style, head=("address", *answer.columns))]
    rest = answer.count - len(answer.rows)
    if rest:
        lines.append(f"  {text.left_out(rest)}")
    notes = text.Notes(spelling, style)
    first = hexa(answer.rows[0].addr)
    notes.next("refs", first, why="who holds it")
    notes.next("obj", first, why="its fields")
    return lines + ([""] + notes.lines() if notes.lines() else [])


def _sentence(answer: Answer) -> str:
    n = answer.count
    match = text.verb_form(n, "matches", "match")
    words = ": " + ", ".join(answer.conditions) if answer.conditions else ", without a condition"
    size = f" ({text.size(answer.size)})" if n else ""
    found = f"{text.plural(n, 'object')} {match}{size}" if n else "No object matches"
    return text.first_fit([f"{found}{words}.", f"{found}."])


VERB = verb.Verb(
    name="find",
    summary="List objects by type, generation, size, refcount and remainder.",
    stage=lambda args: verb.STAGE_REVERSE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.Option("--type", "of types whose name fits: Order, shop.*, *Error.", "GLOB"),
        verb.Option(
            "--gen",
            "in a list of the collector, or in none.",
            choices=("0", "1", "2", "young", "old", "frozen", "untracked"),
        ),
        verb.Option("--refcnt", "with a refcount of at least N.", "N", verb.count),
        verb.Option("--size", "of at least N bytes, as sys.getsizeof says.", "N", verb.count),
        verb.Option("--referrers", "with at least N references from others.", "N", verb.count),
        verb.Option(
            "--remainder", "whose refcount does not add up.", choices=tuple(REMAINDERS)
        ),
        verb.Option(
            "--sort", "what comes first; the largest do.", choices=tuple(SORTS), default="address"
        ),
        verb.Option("--cols", f"what to show, of {', '.join(CELLS)}.", "A,B,..."),
        verb.limit("objects", "--top"),
    ),
    body="All conditions must hold. Without one, all objects match.",
    examples=("find --type Session --gen 0", "find --sort size --top 5"),
    see=("heap", "audit", "refs", "obj"),
)
