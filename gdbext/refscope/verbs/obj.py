# SPDX-License-Identifier: MIT
"""obj: one object, field by field."""

import argparse
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from .. import text, verb
from ..book import REF_WORDS, Allocation, Book, allocated_json, generation_words, hexa


@dataclass(frozen=True)
class Word:
    """One word of the object's memory."""

    offset: int
    field: str
    value: int
    note: str


@dataclass(frozen=True)
class Item:
    """Something the object refers to by a name of the program's: an attribute, an entry."""

    name: str
    addr: int
    type: str
    ref: str
    refcnt: int
    immortal: bool
    value: str


@dataclass(frozen=True)
class Answer:
    """An object's header, memory and items."""

    addr: int
    type: str
    full_type: str
    refcnt: int
    remainder: Optional[int]  # None: not reckoned, the object was looked at alone
    immortal: bool
    size: int
    size_is_block: bool
    basicsize: int
    block: int
    block_size: int
    bytes: int
    gc: Optional[str]
    is_static: bool
    interp: int
    words: List[Word]
    items: List[Item]
    items_left_out: int
    value: str
    allocated: Optional[Allocation]
    limit: Optional[int]


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Read an object's memory and what it refers to by name."""
    book = Book(session)
    row = book.at(args.expr)
    items, rest = _items(book, row, args.limit)
    found = book.type_row(row)
    return Answer(
        addr=row.addr,
        type=book.type_name(row),
        full_type=book.full_type_name(row),
        refcnt=row.refcnt,
        remainder=row.remainder if session.reached >= verb.STAGE_REFERENCES else None,
        immortal=bool(row.immortal),
        size=row.size,
        size_is_block=bool(row.size_is_block),
        basicsize=found.basicsize if found else 0,
        block=row.block,
        block_size=row.block_size,
        bytes=row.bytes,
        gc=row.gc,
        is_static=bool(row.is_static),
        interp=row.interp,
        words=[
            Word(word.offset, text.clean(word.field), word.value, text.clean(word.note))
            for word in session.object_words(row.addr)
        ],
        items=items,
        items_left_out=rest,
        value=book.value(row.addr, text.LINE_VALUE_WIDTH),
        allocated=book.allocation(row.addr),
        limit=args.limit,
    )


def _items(book: Book, row: Any, limit: Optional[int]) -> Tuple[List[Item], int]:
    """What it refers to by a name of its own."""
    found = book.session.items_of(row.number, text.most(limit))
    shown, rest = text.cut(found.rows, limit, found.left_out)
    items = []
    for edge in shown:
        other = book.object(edge.dst)
        items.append(
            Item(
                text.clean(edge.name),
                other.addr,
                book.type_name(other),
                REF_WORDS.get(edge.kind, "?"),
                other.refcnt,
                bool(other.immortal),
                book.value(other.addr),
            )
        )
    return items, rest


def as_json(answer: Answer) -> Dict[str, Any]:
    """Every word with its field, every item."""
    return {
        "addr": hexa(answer.addr),
        "type": answer.full_type,
        "refcnt": answer.refcnt,
        "immortal": answer.immortal,
        "remainder": None if answer.immortal else answer.remainder,
        "size": answer.size,
        "size_of": "block" if answer.size_is_block else "object",
        "bytes": answer.bytes,
        "block": hexa(answer.block) if answer.block else None,
        "block_size": answer.block_size if answer.block else None,
        "gc": answer.gc,
        "static": answer.is_static,
        "interp": None if answer.interp < 0 else answer.interp,
        "value": answer.value,
        **allocated_json(answer.allocated),
        "words": [
            {
                "offset": word.offset,
                "field": word.field,
                "value": hexa(word.value),
                "note": word.note,
            }
            for word in answer.words
        ],
        "items": [
            {
                "name": item.name,
                "addr": hexa(item.addr),
                "type": item.type,
                "ref": item.ref,
                "refcnt": item.refcnt,
                "immortal": item.immortal,
                "value": item.value,
            }
            for item in answer.items
        ],
        "items_left_out": answer.items_left_out,
    }


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """The words of its memory, its items, and where it lies."""
    lines = [_sentence(answer, style), ""]
    lines.extend(_words(answer, style))
    if answer.items:
        lines.append("")
        lines.extend(_item_lines(answer, style))
    notes = text.Notes(spelling, style)
    if answer.value != f"<{answer.type}>":
        notes.add("value", answer.value, whole=True)
    notes.add("size", _size_words(answer))
    notes.add("allocated", answer.allocated.words if answer.allocated else "")
    addr = hexa(answer.addr)
    if answer.remainder is None and not answer.immortal:
        counts = spelling.command("refs", addr)
        notes.add(
            "owners",
            f"not counted, since only this object of a large heap was read; {counts} counts them.",
        )
    notes.next("refs", addr, why="who holds it")
    notes.next("referents", addr, why="what it refers to")
    notes.next("graph", addr, why="draw it")
    return lines + [""] + notes.lines()


def _sentence(answer: Answer, style: text.Style) -> str:
    parts = []
    if answer.immortal:
        parts.append("immortal")
    else:
        parts.append(f"refcount {text.number(answer.refcnt)}")
    parts.append(text.plural(answer.size, "byte"))
    where = generation_words(answer.gc) or ("static" if answer.is_static else "")
    if where:
        parts.append(where)
    addr = style("subject", hexa(answer.addr))

    def sentence(columns: int) -> str:
        name = text.shorten(answer.type, columns)
        full = text.shorten(answer.full_type, columns + 8)
        return f"{name} {addr}: an instance of {full}, {', '.join(parts)}."

    return text.fit(sentence)


def _words(answer: Answer, style: text.Style) -> List[str]:
    shown, rest = text.cut(answer.words, answer.limit)
    rows: List[List[text.Cell]] = []
    for word in shown:
        rows.append(
            [f"{word.offset:+d}", text.shorten(word.field, 32), _value(word), _note(answer, word)]
        )
    lines = text.table(rows, "rlll", style, head=("offset", "field", "value"))
    return lines + ([f"  {text.left_out(rest, 'words')}"] if rest else [])


_COUNTS = ("ob_refcnt", "ob_size", "ma_used", "length", "ob_ref_local", "ob_ref_shared")


def _value(word: Word) -> str:
    """Counts as numbers, everything else as the word it is."""
    if word.field in _COUNTS and word.value < 1 << 31:
        return text.number(word.value)
    return hexa(word.value)


def _note(answer: Answer, word: Word) -> text.Cell:
    note = text.shorten(word.note, text.VALUE_WIDTH)
    if word.field != "ob_refcnt" or answer.immortal or answer.remainder is None:
        return note
    if answer.remainder == 0:
        known = "all known: balanced" if answer.refcnt != 1 else "known: balanced"
        return text.Span(known, "balanced")
    word_of = "surplus" if answer.remainder > 0 else "deficit"
    known = text.number(answer.refcnt - answer.remainder)
    return text.Span(f"{known} known: {word_of} of {text.number(abs(answer.remainder))}", word_of)


def _item_lines(answer: Answer, style: text.Style) -> List[str]:
    rows: List[List[text.Cell]] = []
    for item in answer.items:
        count = "immortal" if item.immortal else f"refcount {text.number(item.refcnt)}"
        if item.ref != "owned":
            count += f", {item.ref}"
        rows.append(
            [text.shorten(item.name, 32), text.address(item.addr), item.type, count, item.value]
        )
    lines = text.table(rows, "lllll", style, head=("refers to by",))
    if answer.items_left_out:
        lines.append(f"  {text.left_out(answer.items_left_out)}")
    return lines


def _size_words(answer: Answer) -> str:
    where = _block_words(answer)
    if answer.size_is_block:
        words = f"{text.number(answer.size)}, the allocator's block (its own size is not decidable)"
    else:
        words = f"{_sum(answer)}, as sys.getsizeof says"
    return f"{words}; {where}." if where else f"{words}."


def _sum(answer: Answer) -> str:
    """`56 = 24 (tp_basicsize) + 16 (gc head) + 16 (pre-header)`, if it comes to that."""
    head = 8 * sum(word.field in ("_gc_next", "_gc_prev") for word in answer.words)
    before = 8 * sum(word.offset < 0 for word in answer.words) - head
    rest = answer.size - answer.basicsize - head - before
    total = text.number(answer.size)
    if rest < 0:
        return total
    parts = [(answer.basicsize, "tp_basicsize"), (head, "gc head"), (before, "pre-header")]
    parts.append((rest, "items and tables"))
    shown = [f"{text.number(size)} ({what})" for size, what in parts if size]
    return f"{total} = {' + '.join(shown)}" if len(shown) > 1 else total


def _block_words(answer: Answer) -> str:
    if not answer.block:
        return "it lies in static data" if answer.is_static else ""
    words = f"it lies in a {text.number(answer.block_size)}-byte block, {hexa(answer.block)}"
    if answer.bytes > answer.block_size:
        words += f", and owns {text.number(answer.bytes)} bytes of blocks in all"
    return words


VERB = verb.Verb(
    name="obj",
    summary="Show one Python object field by field, as it lies in memory.",
    stage=lambda args: verb.STAGE_REFERENCES,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    alone=True,
    options=(verb.limit("words, and at most N references"),),
    positional=verb.Positional("EXPR"),
    body="""
Offsets are from the object's own address: what lies before it (the head that
the collector keeps, attribute values) has negative ones. Names of fields are
CPython's.

Of a heap of 32 MiB and more only the object itself is read, unless the heap was
already: then its owners are not counted, and its generation is not told.
""",
    examples=("obj self", "obj 0x7ffbf7e57ed0"),
    see=("refs", "referents", "graph", "what"),
)
