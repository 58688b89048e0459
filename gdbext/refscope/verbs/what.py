# SPDX-License-Identifier: MIT
"""what: what lies at an address, whatever it is."""

import argparse
import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .. import text, verb
from ..book import Book, Dangling, called, dangling, generation_words, hexa, module_name
from ..session import InspectError
from ..session import PlaceKind as Kind

_NONE = 0xFFFFFFFF
_NEAR_NULL = 4096

_PATTERNS = {
    0xDD: "freed memory under PYTHONMALLOC=debug",
    0xCD: "memory that was handed out and never written, under PYTHONMALLOC=debug",
    0xFD: "guard bytes around a block under PYTHONMALLOC=debug",
}

_POINTED_TO = ("PyObject", "PyVarObject", "PyTypeObject")
"""Structures whose fields C code reads through pointers that turn out to be NULL."""


class Fact(NamedTuple):
    """One line, and how sure it is."""

    sure: str  # "certain", "likely" or "guess"
    words: str


@dataclass
class Answer:
    """An address, in one sentence and some facts."""

    addr: int
    place: Any
    head: str = ""
    subject: Optional[Any] = None  # the row of the object it lies in
    member: str = ""
    facts: List[Fact] = field(default_factory=list)
    holds: Tuple[str, str] = ("", "")  # the word there, and what it is
    dangling: List[Dangling] = field(default_factory=list)
    limit: Optional[int] = None


# ---- question -------------------------------------------------------------------------------


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Say what an address is."""
    book = Book(session)
    place = session.find(args.addr)
    answer = Answer(args.addr, place, limit=args.limit)
    if place.object:
        answer.subject = book.at(place.object)
        answer.member = _field(session, answer)
    _SENTENCES[place.kind](book, answer)
    answer.dangling = _dangling(book, answer)
    _use_after_free(answer)
    if place.readable:
        answer.holds = _holds(book, place.word)
    return answer


def _field(session: Any, answer: Answer) -> str:
    """The name of the word that the address lies in: a member of CPython's, or a slot."""
    place, aligned = answer.place, answer.addr & ~7
    for edge in session.referents(answer.subject.number):
        if edge.slot == aligned:
            return text.clean(edge.name)
    if place.kind == Kind.BODY:
        return ""
    for word in session.object_words(place.object):
        if word.offset == place.offset & ~7:
            return text.clean(word.field)
    return ""


def _dangling(book: Book, answer: Answer) -> List[Dangling]:
    """Slots that take what is here for an object, although none starts here."""
    place = answer.place
    if place.kind in (Kind.FREE_BLOCK, Kind.VIRGIN_BLOCK, Kind.BLOCK):
        start, end = place.block, place.block + place.block_size
    elif place.exact or place.kind == Kind.NOWHERE:
        return []
    else:
        start, end = answer.addr, answer.addr + 1
    return dangling(book, start, end)


def _use_after_free(answer: Answer) -> None:
    n = len(answer.dangling)
    if not n:
        return
    slots = f"{text.plural(n, 'slot')} {text.verb_form(n, 'refers', 'refer')} to an object here"
    answer.facts.append(Fact("certain", f"{slots}, and there is none: use after free"))


def _holds(book: Book, word: int) -> Tuple[str, str]:
    """A word of memory, and what it points to or looks like."""
    if word and word == (word & 0xFF) * 0x0101010101010101 and word & 0xFF in _PATTERNS:
        return hexa(word), _PATTERNS[word & 0xFF]
    try:
        row = book.at(word)
    except InspectError:
        return hexa(word), "" if word > _NEAR_NULL or word < 10 else f"{word:,}"
    value = book.own_name(row) or book.value(row.addr)
    return hexa(word), f"{book.type_name(row)} {value}".strip()


# ---- sentences ------------------------------------------------------------------------------


def _name(book: Book, answer: Answer, columns: int) -> str:
    row = answer.subject
    return called(book.type_name(row), row.addr, book.own_name(row), text.plain, columns)


def _called(book: Book, answer: Answer, columns: int) -> str:
    """Without its address, which the sentence begins with."""
    row = answer.subject
    kind = text.shorten(book.type_name(row), columns)
    name = book.own_name(row)
    return f"{kind} '{text.shorten(name, columns)}'" if name else f"a {kind}"


def _state(answer: Answer) -> str:
    row = answer.subject
    if row.is_static:
        return f"a static object of {module_name(answer.place.module)} {answer.place.section}"
    count = "immortal" if row.immortal else f"refcount {row.refcnt:,}"
    return ", ".join(word for word in ("a live object", count, generation_words(row.gc)) if word)


def _in_object(book: Book, answer: Answer) -> None:
    place = answer.place
    state = _state(answer)
    if place.exact:
        answer.head = text.fit(lambda n: f"{answer.addr:#x} is {_called(book, answer, n)}, {state}.")
    elif place.offset < 0:
        what = f"{answer.member}, " if answer.member else ""
        before = f"{what}{text.plural(-place.offset, 'byte')} before"
        answer.head = text.fit(
            lambda n: f"{answer.addr:#x} is {before} {_name(book, answer, n)}: {state}."
        )
    else:
        what = f"{answer.member} (+{place.offset}) of" if answer.member else f"+{place.offset} in"
        answer.head = text.fit(
            lambda n: f"{answer.addr:#x} is {what} {_name(book, answer, n)}, {state}."
        )
    _block_fact(answer)
    _module_fact(answer)


_BODIES = {"list": "the items", "dict": "the table", "set": "the table", "deque": "a block"}


def _in_body(book: Book, answer: Answer) -> None:
    what = _BODIES.get(book.type_name(answer.subject), "a block")
    slot = f", {answer.member}" if answer.member else f" (+{answer.place.offset})"
    answer.head = text.fit(
        lambda n: f"{answer.addr:#x} is in {what} of {_name(book, answer, n)}{slot}."
    )
    _block_fact(answer)


def _in_block(_book: Book, answer: Answer) -> None:
    answer.head = f"{answer.addr:#x} is in a used block that no object is known to own."
    _block_fact(answer)


def _in_free_block(_book: Book, answer: Answer) -> None:
    answer.head = f"{answer.addr:#x} is in a free block: no object lives here."
    _block_fact(answer)
    rank = answer.place.free_rank
    if rank == _NONE:
        return
    if rank == 0:
        words = "head of its pool's free list: freed last, handed out next"
    else:
        before = text.verb_form(rank, "was freed later", "were freed later")
        words = f"in its pool's free list; {text.plural(rank, 'block')} {before}"
    answer.facts.append(Fact("certain", words))


def _in_virgin_block(_book: Book, answer: Answer) -> None:
    answer.head = f"{answer.addr:#x} is in a block that was never handed out."
    _block_fact(answer)


def _pool(answer: Answer) -> str:
    place = answer.place
    # mimalloc has pages, and no arenas that are known.
    if place.arena == _NONE:
        return f"page {place.pool:#x}"
    return f"pool {place.pool_index} of arena {place.arena}"


def _in_pool_header(_book: Book, answer: Answer) -> None:
    answer.head = f"{answer.addr:#x} is in the header of {_pool(answer)}."
    answer.facts.append(_pool_fact(answer))


def _in_pool_end(_book: Book, answer: Answer) -> None:
    answer.head = f"{answer.addr:#x} is behind the last block of {_pool(answer)}: never used."
    answer.facts.append(_pool_fact(answer))


def _in_empty_pool(_book: Book, answer: Answer) -> None:
    answer.head = f"{answer.addr:#x} is in {_pool(answer)}: empty, all its blocks were freed."


def _in_virgin_pool(_book: Book, answer: Answer) -> None:
    answer.head = (
        f"{answer.addr:#x} is in {_pool(answer)}: never used since the arena was mapped."
    )


def _in_arena_end(_book: Book, answer: Answer) -> None:
    arena = answer.place.arena
    answer.head = f"{answer.addr:#x} is in arena {arena}, lost to the alignment of its pools."


def _in_module(_book: Book, answer: Answer) -> None:
    place = answer.place
    what = _section(answer)
    if place.symbol:
        plus = f"+{place.symbol_offset:#x}" if place.symbol_offset else ""
        what += f" '{text.shorten(place.symbol, 48)}'{plus}"
    answer.head = f"{answer.addr:#x} is {what}."
    _module_fact(answer)


def _section(answer: Answer) -> str:
    place = answer.place
    name = module_name(place.module)
    if not place.section:
        return f"{name}+{place.module_offset:#x}"
    return f"{name} {place.section}+{place.section_offset:#x}"


def _in_stack(_book: Book, answer: Answer) -> None:
    place = answer.place
    side = "above" if place.from_stack >= 0 else "below"
    stale = "" if place.from_stack >= -128 else ", where nothing is in use any more"
    answer.head = f"{answer.addr:#x} is on the stack of thread {place.thread}."
    answer.facts.append(
        Fact("certain", f"{abs(place.from_stack):#x} bytes {side} its stack pointer{stale}")
    )


def _in_malloc(_book: Book, answer: Answer) -> None:
    place = answer.place
    answer.head = f"{answer.addr:#x} is in malloc's memory, in no block that an object owns."
    words = f"a chunk with room for {place.block_size:,} bytes starts at {place.block:#x}"
    answer.facts.append(Fact("likely", words))


def _in_memory(_book: Book, answer: Answer) -> None:
    kind = "writable" if answer.place.writable else "read-only"
    answer.head = f"{answer.addr:#x} is {kind} memory, and nothing that is known owns it."


def _nowhere(book: Book, answer: Answer) -> None:
    addr = answer.addr
    pattern = _PATTERNS.get(addr >> 8 & 0xFF) if _is_pattern(addr) else None
    if pattern:
        answer.head = f"{addr:#x} is no memory: a pointer read from {pattern}."
        return
    signed = addr - (1 << 64) if addr >> 63 else addr
    if abs(signed) >= _NEAR_NULL:
        odd = "" if addr >> 47 == 0 else ", and cannot be: it is no address a program can have"
        answer.head = f"No memory at {addr:#x}{odd}."
        return
    what = "a small number, as from a field of a NULL pointer" if addr else "it is NULL"
    answer.head = f"{addr:#x} is no memory: {what}."
    for base, name, sure in ((0, "NULL", "likely"), (-1, "-1", "guess")):
        for words in _fields_at(book.session, signed - base):
            answer.facts.append(Fact(sure, f"{name} + {signed - base:#x} = {words}"))


def _is_pattern(addr: int) -> bool:
    """Seven of eight bytes are alike: the lowest may have had an offset added."""
    return addr >> 8 == (addr >> 8 & 0xFF) * 0x01010101010101 and addr > _NEAR_NULL


def _fields_at(session: Any, offset: int) -> List[str]:
    rows = session.layout_fields()
    found = []
    for row in rows:
        if row.structure not in _POINTED_TO or row.offset < 0 or row.field.startswith("<"):
            continue
        if row.offset <= offset < row.offset + 8 and (offset == row.offset or row.field == "tp_flags"):
            inside = offset - row.offset
            byte = f", its byte {inside}" if inside else ""
            found.append(f"{row.field} of {_READERS[row.structure]}{byte}")
    return found


_READERS = {"PyObject": "an object", "PyVarObject": "a sized object", "PyTypeObject": "a type"}


# ---- facts ----------------------------------------------------------------------------------


def _block_fact(answer: Answer) -> None:
    place = answer.place
    if not place.block:
        return
    words = f"block {place.block:#x}, {place.block_size:,} bytes"
    if place.pool:
        words += f", number {place.block_index} of {_pool(answer)}"
    answer.facts.append(Fact("certain", words))
    if place.pool:
        answer.facts.append(_pool_fact(answer))


def _pool_fact(answer: Answer) -> Fact:
    place = answer.place
    used = f"{place.pool_used:,} of {place.pool_blocks:,} blocks in use"
    kind = "page" if place.arena == _NONE else "pool"
    return Fact("certain", f"{kind} {place.pool:#x}, {used}")


def _module_fact(answer: Answer) -> None:
    place = answer.place
    if not place.module:
        return
    access = "writable" if place.writable else "read-only"
    name = text.shorten(os.path.basename(place.module), 64)
    answer.facts.append(Fact("certain", f"{name} + {place.module_offset:#x}, {access}"))


_SENTENCES = {
    Kind.NOWHERE: _nowhere,
    Kind.OBJECT: _in_object,
    Kind.BODY: _in_body,
    Kind.BLOCK: _in_block,
    Kind.FREE_BLOCK: _in_free_block,
    Kind.VIRGIN_BLOCK: _in_virgin_block,
    Kind.POOL_HEADER: _in_pool_header,
    Kind.POOL_END: _in_pool_end,
    Kind.EMPTY_POOL: _in_empty_pool,
    Kind.VIRGIN_POOL: _in_virgin_pool,
    Kind.ARENA_END: _in_arena_end,
    Kind.MODULE: _in_module,
    Kind.STACK: _in_stack,
    Kind.MALLOC: _in_malloc,
    Kind.MEMORY: _in_memory,
}


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """The place, the facts, who still points there."""
    place = answer.place
    found: Dict[str, Any] = {
        "addr": hexa(answer.addr),
        "kind": Kind(place.kind).name.lower(),
        "readable": bool(place.readable),
    }
    if place.readable:
        found["word"] = hexa(place.word)
    if place.object:
        found["object"] = hexa(place.object)
        found["offset"] = place.offset
        found["field"] = answer.member
    if place.block:
        found["block"] = {"addr": hexa(place.block), "size": place.block_size}
    if place.pool:
        found["pool"] = {
            "addr": hexa(place.pool),
            "arena": None if place.arena == _NONE else place.arena,
            "blocks": place.pool_blocks,
            "used": place.pool_used,
        }
    if place.free_rank != _NONE:
        found["free_rank"] = place.free_rank
    if place.module:
        found["module"] = {
            "path": text.clean(place.module),
            "offset": hexa(place.module_offset),
            "section": text.clean(place.section),
            "symbol": text.clean(place.symbol),
        }
    if place.thread:
        found["stack"] = {"thread": place.thread, "from_stack_pointer": place.from_stack}
    found["dangling"] = [slot.as_json() for slot in answer.dangling]
    found["facts"] = [{"sure": fact.sure, "text": fact.words} for fact in answer.facts]
    return found


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """A sentence, then what it rests on."""
    lines = text.wrap(answer.head)
    for fact in answer.facts:
        lines.extend(text.wrap(f"{fact.sure:<9}{fact.words}", 11, 2))
    word, meaning = answer.holds
    if word:
        lines.append(f"  {'holds':<9}{word}" + (f"  {meaning}" if meaning else ""))
    if answer.dangling:
        lines.extend(["", "who still refers to an object here:"])
        shown, rest = text.cut(answer.dangling, answer.limit)
        lines.extend(text.table([slot.cells() for slot in shown], "llll", style))
        if rest:
            lines.append(f"  {text.left_out(rest, 'slots')}")
    notes = text.Notes(spelling, style)
    if answer.place.object:
        notes.next("refs", hexa(answer.place.object), why="who holds it")
        notes.next("obj", hexa(answer.place.object), why="field by field")
    return lines + ([""] + notes.lines() if notes.lines() else [])


VERB = verb.Verb(
    name="what",
    summary="Say what lies at an address, whatever it is.",
    stage=lambda args: verb.STAGE_REFERENCES,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(verb.limit("slots"),),
    positional=verb.Positional("ADDR", object=False),
    body="""
An object and the field of it, the block of an object's items, a free block
and how long ago it was freed, a pool's header, a variable of a module, a
stack, or no memory at all: then what a small number may be an offset of.

"certain" is said of what the bytes prove, "likely" of what usually is so,
"guess" of the rest.
""",
    examples=("what 0x7ffbf7e57fc8", "what 0xa8"),
    see=("obj", "refs", "arenas", "audit"),
)
