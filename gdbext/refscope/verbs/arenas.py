# SPDX-License-Identifier: MIT
"""arenas: the state of CPython's allocator, and what keeps its arenas."""

import argparse
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .. import text, verb
from ..book import Book, hexa

NEARLY_EMPTY = 20
"""An arena of which less than one part in so many is used is kept for very little."""

PINS_LOOKED_AT = 5000
"""Blocks of nearly empty arenas that are looked at to say what keeps these."""

_IN_USE, _EMPTY, _NEVER = 0, 1, 2


@dataclass(frozen=True)
class Pin:
    """An object whose blocks keep an arena."""

    addr: int
    size: int
    type: str
    owner: str


@dataclass(frozen=True)
class Answer:
    """All arenas, and what one of them holds if that was asked."""

    allocator: str
    interpreters: List[int]  # ids, by row
    arenas: List[Any]  # the library's rows
    classes: List[Any]
    pinning: List[Tuple[str, int]]  # types of the objects in nearly empty arenas
    pins_of: Optional[int]
    pins: List[Pin]
    show_classes: bool
    limit: Optional[int]

    def nearly_empty(self) -> List[int]:
        """Numbers of the arenas that are kept for very little."""
        return [i for i, row in enumerate(self.arenas) if _nearly_empty(row)]


def _nearly_empty(row: Any) -> bool:
    """Of what was ever used little is left. An arena that is still new is not meant."""
    if not row.pools:
        return False
    never = sum(pool.state == _NEVER for pool in row.pool)
    return 0 < row.used_bytes * NEARLY_EMPTY < row.size * (row.pools - never) // row.pools


# ---- question -------------------------------------------------------------------------------


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """List arenas, pools and size classes."""
    found = session.arena_list()
    book = Book(session)
    if args.pins is not None and args.pins >= len(found.rows):
        raise verb.VerbError(_no_such_arena(args.pins, len(found.rows)))
    pins = _pins(book, found.rows[args.pins], args) if args.pins is not None else []
    return Answer(
        allocator=session.python_info().allocator,
        interpreters=[row.id for row in session.interpreter_list()],
        arenas=found.rows,
        classes=found.classes,
        pinning=_pinning(book, [row for row in found.rows if _nearly_empty(row)]),
        pins_of=args.pins,
        pins=pins,
        show_classes=args.classes,
        limit=args.limit,
    )


def _no_such_arena(asked: int, n: int) -> str:
    if n == 0:
        return "There are no arenas."
    return f"There is no arena {asked}: they are numbered from 0 to {n - 1}."


def _inside(book: Book, arena: Any) -> Sequence[int]:
    return book.session.objects_between(arena.addr, arena.addr + arena.size)


def _pins(book: Book, arena: Any, args: argparse.Namespace) -> List[Pin]:
    numbers = _inside(book, arena)
    whole = len(numbers) if args.format == "json" else len(text.cut(numbers, args.limit)[0])
    return [
        Pin(row.addr, row.size, book.type_name(row), book.whose(row.number) if i < whole else "")
        for i, row in enumerate(book.members(numbers))
    ]


def _pinning(book: Book, arenas: Sequence[Any]) -> List[Tuple[str, int]]:
    """The types of the objects in nearly empty arenas, most frequent first."""
    if sum(row.used_blocks for row in arenas) > PINS_LOOKED_AT:
        return []
    numbers = [number for arena in arenas for number in _inside(book, arena)]
    return Counter(book.type_name(row) for row in book.members(numbers)).most_common()


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """Arenas and size classes by interpreter."""
    found: Dict[str, Any] = {
        "allocator": answer.allocator,
        "interpreters": [
            _interpreter_json(answer, answer.interpreters.index(ident), ident)
            for ident in sorted(answer.interpreters)
        ],
    }
    if answer.pins_of is not None:
        found["pins_of"] = answer.pins_of
        found["pins"] = [
            {"addr": hexa(pin.addr), "size": pin.size, "type": pin.type, "owner": pin.owner}
            for pin in answer.pins
        ]
    return found


def _interpreter_json(answer: Answer, row: int, ident: int) -> Dict[str, Any]:
    arenas = [arena for arena in answer.arenas if arena.interp == row]
    return {
        "id": ident,
        "used_blocks": sum(arena.used_blocks for arena in arenas),
        "used_bytes": sum(arena.used_bytes for arena in arenas),
        "free_pools": sum(arena.free_pools for arena in arenas),
        "arenas": [
            {
                "addr": hexa(arena.addr),
                "size": arena.size,
                "pools": arena.pools,
                "free_pools": arena.free_pools,
                "used_blocks": arena.used_blocks,
                "used_bytes": arena.used_bytes,
            }
            for arena in arenas
        ],
        "size_classes": [
            {"size": c.size, "pools": c.pools, "used": c.used, "free": c.free}
            for c in answer.classes
            if c.interp == row
        ],
    }


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """The map, or the size classes, or what one arena holds."""
    if not answer.arenas:
        return [_no_arenas(answer)]
    if answer.pins_of is not None:
        return _pins_text(answer, style, spelling)
    lines = [_sentence(answer), ""]
    if answer.show_classes:
        return lines + _classes(answer, style)
    lines.extend(_map(answer, style))
    lines.append("")
    lines.extend(_sum(answer))
    return lines + [""] + _notes(answer, style, spelling)


def _no_arenas(answer: Answer) -> str:
    if answer.allocator.startswith("pymalloc"):
        return "pymalloc holds no arena."
    how = f"PYTHONMALLOC={answer.allocator}" if answer.allocator == "malloc" else answer.allocator
    return f"This interpreter does not use pymalloc ({how}): no arenas."


def _sentence(answer: Answer) -> str:
    held = sum(row.size for row in answer.arenas)
    used = sum(row.used_bytes for row in answer.arenas)
    few = answer.nearly_empty()
    blocks = sum(answer.arenas[i].used_blocks for i in few)
    if few:
        kept = text.verb_form(len(few), "is", "are")
        tail = f"{text.plural(len(few), 'arena')} {kept} kept by {text.plural(blocks, 'block')}."
    else:
        tail = "none is kept by a few blocks only."
    share = text.share(used, held, gap=" ")
    head = f"pymalloc holds {text.size(held)} in {text.plural(len(answer.arenas), 'arena')} and"
    return text.first_fit(
        [f"{head} uses {text.size(used)} ({share}): {tail}", f"{head} uses {share}: {tail}"]
    )


def _pool_size(arenas: Sequence[Any]) -> int:
    """The distance of neighbouring pools; the same all over an interpreter."""
    gaps = (b.addr - a.addr for arena in arenas for a, b in zip(arena.pool[:2], arena.pool[1:2]))
    first = next((arena for arena in arenas if arena.pools), None)
    return next(gaps, first.size // first.pools if first else 0)


def _map(answer: Answer, style: text.Style) -> List[str]:
    shown, rest = text.cut(answer.arenas, answer.limit)
    pool_size = _pool_size(answer.arenas)
    most = max(row.pools for row in answer.arenas)
    head = f"one character a {text.size(pool_size)} pool".replace(".0 ", " ") + f"; {most} an arena"
    if any(row.pools == most - 1 for row in answer.arenas):
        head += f", {most - 1} if its start is not aligned"
    several = len(answer.interpreters) > 1
    rows: List[List[text.Cell]] = []
    for i, row in enumerate(shown):
        look = "dim" if _nearly_empty(row) else "address"
        interp = str(answer.interpreters[row.interp]) if several else ""
        used = text.share(row.used_bytes, row.size)
        rows.append([str(i), text.address(row.addr, look), interp, used, _strip(row)])
    title = ("#", "address", "interp" if several else "", "used", head)
    lines = text.table(rows, "rlrrl", style, head=title)
    if rest:
        lines.append(f"  {text.left_out(rest, 'arenas')}")
    legend = "# full   + half or more   : under half   . at most 5 %   _ empty   ~ never used"
    return lines + [style("dim", f"      {legend}")]


def _strip(arena: Any) -> str:
    return f"|{''.join(_pool_sign(pool) for pool in arena.pool)}|"


def _pool_sign(pool: Any) -> str:
    if pool.state != _IN_USE:
        return "_" if pool.state == _EMPTY else "~"
    if pool.used >= pool.blocks:
        return "#"
    if pool.used * 2 >= pool.blocks:
        return "+"
    return "." if pool.used * 20 <= pool.blocks else ":"


def _sum(answer: Answer) -> List[str]:
    """Where the bytes of all arenas are; the figures add up to what is held."""
    pools = [pool for row in answer.arenas for pool in row.pool]
    pool_size = _pool_size(answer.arenas)
    held = sum(row.size for row in answer.arenas)
    busy = [pool for pool in pools if pool.state == _IN_USE]
    idle = len(pools) - len(busy)
    used = sum(pool.used * pool.block_size for pool in busy)
    free = sum((pool.blocks - pool.used) * pool.block_size for pool in busy)
    overhead = sum(pool_size - pool.blocks * pool.block_size for pool in busy)
    lost = held - len(pools) * pool_size
    parts = [
        f"used {text.number(used)}",
        f"free in pools in use {text.number(free)}",
        f"{text.number(idle)} empty or unused {text.verb_form(idle, 'pool', 'pools')} "
        f"{text.number(idle * pool_size)}",
        f"headers and ends of {text.plural(len(busy), 'pool')} {text.number(overhead)}",
        f"alignment of arenas {text.number(lost)}",
    ]
    return [
        "  " + "   ".join(parts[:3]),
        "  " + "   ".join(parts[3:]),
        f"  = {text.number(used + free + idle * pool_size + overhead + lost)} bytes",
    ]


def _notes(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    few = answer.nearly_empty()
    notes = text.Notes(spelling, style)
    if few:
        size = sum(answer.arenas[i].size for i in few)
        used = sum(answer.arenas[i].used_bytes for i in few)
        notes.add(
            "fragmentation",
            f"{text.verb_form(len(few), 'arena', 'arenas')} {text.spans(few)} ({text.size(size)}) "
            f"{text.verb_form(len(few), 'holds', 'hold')} {text.number(used)} bytes; an arena goes "
            "back to the system only when all its pools are empty. del gives nothing back while "
            "one block lives.",
        )
        if answer.pinning:
            top = [f"{text.number(n)} {name}" for name, n in answer.pinning[:4]]
            if len(answer.pinning) > 4:
                top.append(text.plural(len(answer.pinning) - 4, "other type"))
            blocks = sum(answer.arenas[i].used_blocks for i in few)
            other = blocks - sum(n for _name, n in answer.pinning)
            if other > 0:
                top.append(f"{text.number(other)} blocks of objects elsewhere or of free lists")
            notes.add(
                "pinned by",
                f"{text.listing(top)}. Freed objects on free lists pin their pools too; a full "
                "collection empties those lists.",
            )
        notes.next(
            "arenas", "--pins", str(few[-1]), why=f"what arena {few[-1]} holds, and for whom"
        )
    notes.next("arenas", "--classes", why="by size of block")
    return notes.lines()


def _classes(answer: Answer, style: text.Style) -> List[str]:
    """Those that waste most first."""
    classes = sorted(answer.classes, key=lambda c: (-c.free * c.size, c.size))
    several = len(answer.interpreters) > 1
    rows: List[List[text.Cell]] = []
    shown, rest = text.cut(classes, answer.limit)
    for c in shown:
        rows.append(
            [
                str(answer.interpreters[c.interp]) if several else "",
                text.number(c.size),
                text.number(c.pools),
                text.number(c.used),
                text.number(c.free),
                text.number(c.free * c.size),
                text.share(c.used, c.used + c.free),
            ]
        )
    head = ("interp" if several else "", "size", "pools", "used", "free", "free bytes", "fill")
    lines = text.table(rows, "rrrrrrr", style, head=head)
    return lines + ([f"  {text.left_out(rest, 'size classes')}"] if rest else [])


def _pins_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    index = answer.pins_of or 0
    arena = answer.arenas[index]
    size = sum(pin.size for pin in answer.pins)
    lines = [
        f"Arena {index} at {style('subject', hexa(arena.addr))} is kept by "
        f"{text.plural(arena.used_blocks, 'block')}; {text.plural(len(answer.pins), 'object')} of "
        f"{text.number(size)} bytes {text.verb_form(len(answer.pins), 'lies', 'lie')} in it.",
        "",
    ]
    shown, rest = text.cut(answer.pins, answer.limit)
    rows: List[List[text.Cell]] = [
        [text.address(pin.addr), text.number(pin.size), pin.type, text.shorten(pin.owner)]
        for pin in shown
    ]
    lines.extend(text.table(rows, "lrll", style, head=("address", "size", "type", "owner")))
    if rest:
        lines.append(f"  {text.left_out(rest)}")
    notes = text.Notes(spelling, style)
    if arena.used_blocks > len(answer.pins):
        notes.add(
            "note",
            "blocks that are no objects are item arrays, key tables and the like of objects that "
            "may lie elsewhere, or dead objects on free lists.",
        )
    if answer.pins:
        notes.next("referrers", hexa(answer.pins[0].addr), why="who holds the first")
    return lines + [""] + notes.lines()


VERB = verb.Verb(
    name="arenas",
    summary="Draw the arenas of CPython's allocator and say what keeps them.",
    stage=lambda args: verb.STAGE_OBJECTS if args.pins is None else verb.STAGE_REVERSE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.Option("--classes", "list size classes instead, those that waste most first."),
        verb.Option(
            "--pins", "list the objects that lie in arena N, and whose they are.", "N", verb.count
        ),
        verb.limit("rows"),
    ),
    body="""
An arena is what pymalloc asks the system for; it is cut into pools, a pool
into blocks of one size. An arena goes back only when every pool of it is
empty.
""",
    examples=("arenas", "arenas --classes", "arenas --pins 12"),
    see=("heap", "gc", "what"),
)
