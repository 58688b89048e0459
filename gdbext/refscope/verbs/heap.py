# SPDX-License-Identifier: MIT
"""heap: what is in this heap, by type."""

import argparse
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from .. import text, verb


@dataclass(frozen=True)
class Row:
    """One type and its instances."""

    name: str
    module: str
    count: int
    size: int
    bytes: int

    @property
    def full_name(self) -> str:
        """With its module, but for builtins."""
        if self.module in ("", "builtins"):
            return text.shorten(self.name)
        return text.shorten(f"{self.module}.{self.name}")


@dataclass(frozen=True)
class Answer:
    """The types of a heap, those that take most first."""

    types: List[Row]
    objects: int
    size: int
    bytes: int
    pymalloc_bytes: int
    malloc_bytes: int
    dead: int
    interpreters: List[int]
    limit: Optional[int]


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Count objects by type."""
    rows = [
        Row(row.name, row.module, row.count, row.size, row.bytes)
        for row in session.type_list()
        if row.count
    ]
    rows.sort(key=lambda row: (-row.size, -row.count, row.full_name))
    summary = session.heap_summary()
    return Answer(
        types=rows,
        objects=sum(row.count for row in rows),
        size=sum(row.size for row in rows),
        bytes=sum(row.bytes for row in rows),
        pymalloc_bytes=summary.pymalloc_bytes,
        malloc_bytes=summary.malloc_bytes,
        dead=summary.dead,
        interpreters=[row.id for row in session.interpreter_list()],
        limit=args.limit,
    )


def as_json(answer: Answer) -> Dict[str, Any]:
    """`bytes` are the allocator's blocks, `size` what sys.getsizeof would say."""
    return {
        "objects": answer.objects,
        "bytes": answer.bytes,
        "size": answer.size,
        "pymalloc_bytes": answer.pymalloc_bytes,
        "malloc_bytes": answer.malloc_bytes,
        "dead": answer.dead,
        "types": [
            {
                "name": row.name,
                "module": row.module,
                "count": row.count,
                "bytes": row.bytes,
                "size": row.size,
            }
            for row in answer.types
        ],
    }


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """A table whose last line is the sum."""
    lines = [_sentence(answer), ""]
    lines.extend(_rows(answer, style))
    lines.append("")
    occupied = (
        f"size is what sys.getsizeof says; with their attribute values and table slack the "
        f"objects occupy {text.number(answer.pymalloc_bytes)} bytes of pymalloc and "
        f"{text.number(answer.malloc_bytes)} of malloc."
    )
    if answer.dead:
        waits = text.verb_form(answer.dead, "waits", "wait")
        occupied += (
            f" {text.plural(answer.dead, 'dead object')} {waits} on free lists, not counted."
        )
    lines.extend(text.wrap(occupied, 2))
    notes = text.Notes(spelling, style)
    notes.next("find", "--type", _own_type(answer), "--limit", "5")
    notes.next("retained")
    notes.next("audit")
    notes.next("garbage", why="what a full collection would free")
    notes.next("gc", why="what the collector knows")
    return lines + notes.lines()


def _sentence(answer: Answer) -> str:
    if not answer.types:
        return "No objects were found."
    first = answer.types[0]
    where = f"interpreter {answer.interpreters[0]}" if len(answer.interpreters) == 1 else ""
    if not where:
        where = text.plural(len(answer.interpreters), "interpreter")
    taken = f"{text.number(answer.size)} bytes"
    if answer.size >= 1024:
        taken += f" ({text.size(answer.size)})"
    takes = text.verb_form(answer.objects, "takes", "take")
    share = text.share(first.size, answer.size, gap=" ")
    head = f"{text.plural(answer.objects, 'object')} {takes}"
    sizes = [f"{taken} in {where}", taken, text.size(answer.size)]
    return text.first_fit(
        f"{head} {size}; {text.shorten(first.name, columns)} is first with {share}."
        for columns in text.NAME_WIDTHS
        for size in sizes
    )


def _rows(answer: Answer, style: text.Style) -> List[str]:
    shown, rest = text.cut(answer.types, answer.limit)
    rows: List[List[text.Cell]] = [
        [
            text.number(row.count),
            text.number(row.size),
            text.share(row.size, answer.size),
            row.full_name,
        ]
        for row in shown
    ]
    if rest:
        hidden = answer.types[len(shown) :]
        size = sum(row.size for row in hidden)
        rows.append(
            [
                text.number(sum(row.count for row in hidden)),
                text.number(size),
                text.share(size, answer.size),
                text.left_out(rest, "types"),
            ]
        )
    total = [text.number(answer.objects), text.number(answer.size)]
    rule = ["-" * max(len(total[0]), 8), "-" * max(len(total[1]), 10)]
    return text.table(
        rows + [rule, total], "rrrl", style, head=("objects", "size", "share", "type")
    )


def _own_type(answer: Answer) -> str:
    """The biggest type that is not CPython's own: the one worth a look."""
    for row in answer.types:
        if row.module == "__main__":
            return row.full_name
    return answer.types[0].full_name if answer.types else "object"


VERB = verb.Verb(
    name="heap",
    summary="Count the objects of the heap by type.",
    stage=lambda args: verb.STAGE_OBJECTS,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(verb.limit("types"),),
    body="""
Every object is counted, untracked dicts and tuples too, which
gc.get_objects() does not list. size is what sys.getsizeof would say.
""",
    examples=("heap", "heap --limit 0"),
    see=("garbage", "gc", "arenas", "find", "retained"),
)
