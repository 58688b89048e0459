# SPDX-License-Identifier: MIT
"""why: what keeps an object alive, as the shortest way from a root, and a verdict."""

import argparse
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .. import collector, text, verb
from ..book import (
    REF_OWNED,
    Book,
    called,
    generation_words,
    hexa,
    owner_words,
    root_json,
    root_words,
)
from ..session import PathOrigin

_GLOBALS = "globals of "

OWNERS_NAMED = 3
"""Owners of the object that the verdict calls by name."""


class Step(NamedTuple):
    """One object of the way, and the slot of the one before that holds it."""

    slot: str
    addr: int
    type: str
    value: str


@dataclass(frozen=True)
class Answer:
    """What keeps one object alive."""

    addr: int
    type: str
    name: str
    verdict: str  # "root", "static", "surplus", "garbage", "with garbage", "itself" or "nothing"
    root: Optional[Any]  # the library's row of the root the way begins with
    root_words: str
    steps: List[Step]  # the first one is the start where that is an object
    owners: int
    owner_words: List[str]  # of the first few
    refcnt: int
    remainder: int
    surplus: int  # counts of the start that nobody owns
    unlocated: int  # of these, those that no word of C memory accounts for
    immortal: bool
    is_gc: bool
    generation: str
    cycle: int  # objects in the cycle it is part of; 0: in none
    fate: str  # of garbage: when it goes


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """The way, and where there is none, why the object is still here."""
    book = Book(session)
    row = book.at(args.expr)
    itself = bool(row.immortal) or bool(row.is_static)
    path = None if itself else session.path_to(row.number)
    start = row if path is None else _start(book, path)
    root = book.root(path.start) if path and path.origin == PathOrigin.ROOT else None
    garbage = path is not None and path.origin == PathOrigin.NONE
    held = start is not None and path is not None and path.origin == PathOrigin.SURPLUS
    start = _with_native(book, start) if held else start
    owners = [] if itself else _owners(book, row)
    return Answer(
        addr=row.addr,
        type=book.type_name(row),
        name=book.own_name(row),
        verdict=_verdict(session, row, path),
        root=root,
        root_words=root_words(root) if root else "",
        steps=_steps(book, start, path),
        owners=len(owners),
        owner_words=[owner_words(book, edge) for edge in owners[:OWNERS_NAMED]],
        refcnt=row.refcnt,
        remainder=row.remainder,
        surplus=start.remainder if held else 0,
        unlocated=start.unexplained if held else 0,
        immortal=bool(row.immortal),
        is_gc=bool(row.is_gc),
        generation=generation_words(row.gc),
        cycle=_cycle_of(session, row.number) if garbage else 0,
        fate=_fate(session, row) if garbage else "",
    )


def _start(book: Book, path: Any) -> Optional[Any]:
    if path.origin in (PathOrigin.STATIC, PathOrigin.SURPLUS):
        return book.object(path.start)
    return None


def _with_native(book: Book, row: Any) -> Any:
    """The row with what words of C memory tell, which only these few objects are worth."""
    book.session.candidates_of(row.number)
    return book.session.object_number(row.number)


def _steps(book: Book, start: Optional[Any], path: Optional[Any]) -> List[Step]:
    edges = path.edges if path else []
    numbers = ([start.number] if start is not None else []) + [edge.dst for edge in edges]
    slots = ([""] if start is not None else []) + [text.clean(edge.name) for edge in edges]
    return [
        Step(slot, member.addr, book.type_name(member), _value(book, member))
        for slot, member in zip(slots, book.members(numbers))
    ]


def _value(book: Book, member: Any) -> str:
    """Its value; of the globals of a module that, which tells more."""
    whose = book.whose(member.number) if book.type_name(member) == "dict" else ""
    return whose if whose.startswith(_GLOBALS) else book.value(member.addr, 48)


def _verdict(session: Any, row: Any, path: Optional[Any]) -> str:
    if path is None:
        return "itself"
    if path.origin != PathOrigin.NONE:
        return PathOrigin(path.origin).name.lower()
    replay = session.garbage_replay()
    if row.number in set(replay.unreachable):
        return "garbage"
    return "with garbage" if row.number in set(replay.with_them) else "nothing"


def _cycle_of(session: Any, number: int) -> int:
    found = session.cycle_list()
    if number not in found.members:
        return 0
    place = found.members.index(number)
    return next(row.count for row in found.rows if row.first <= place < row.first + row.count)


def _fate(session: Any, row: Any) -> str:
    interpreters = {found.id: found for found in session.interpreter_list()}
    interpreter = interpreters.get(row.interp, interpreters.get(min(interpreters, default=0)))
    return collector.fate(interpreter, row.gc or "")


def _owners(book: Book, row: Any) -> List[Any]:
    edges = book.session.referrers(row.number)
    return [edge for edge in edges if edge.kind == REF_OWNED and edge.src != row.number]


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """The way, by slot; never the sentence."""
    return {
        "addr": hexa(answer.addr),
        "type": answer.type,
        "verdict": answer.verdict,
        "root": root_json(answer.root) if answer.root is not None else None,
        "path": [
            {"name": step.slot, "addr": hexa(step.addr), "type": step.type} for step in answer.steps
        ],
        "owners": answer.owners,
        "refcnt": answer.refcnt,
        "remainder": answer.remainder,
        "surplus": answer.surplus,
        "unexplained": answer.unlocated,
        "generation": answer.generation or None,
        "cycle": answer.cycle,
        "fate": answer.fate,
    }


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """One sentence, the way, what would have to happen for it to go."""
    lines = [text.fit(lambda columns: _sentence(answer, style, columns)), ""]
    if answer.steps and answer.verdict != "itself":
        lines.extend(_way(answer, style))
        lines.append("")
    notes = text.Notes(spelling, style)
    notes.add("verdict", _verdict_words(answer))
    notes.add("note", _collector_words(answer))
    addr = hexa(answer.addr)
    if answer.verdict == "garbage":
        notes.next("cycles", "--through", addr, why="the cycle, and which edge to cut")
    notes.next("refs", addr, why="the bill of its refcount: every owner")
    if answer.verdict == "surplus" and answer.steps[0].addr != answer.addr:
        notes.next("refs", hexa(answer.steps[0].addr), why="what holds the start")
    notes.next("graph", addr, why="draw it")
    return lines + notes.lines()


def _sentence(answer: Answer, style: text.Style, columns: int) -> str:
    subject = called(answer.type, answer.addr, answer.name, style, columns)
    if answer.verdict == "itself":
        if answer.immortal:
            return f"{subject} is immortal: it lives as long as its interpreter."
        return f"{subject} is a static object: it lives as long as the process."
    if answer.verdict == "root":
        return f"{subject} is alive because {_keeper(answer, columns)}."
    if answer.verdict == "static":
        first = answer.steps[0]
        start = called(first.type, first.addr, "", style, columns)
        return f"{subject} is alive because {start}, which never goes, keeps it."
    if answer.verdict == "surplus":
        return _surplus_sentence(answer, subject, style, columns)
    if answer.verdict == "garbage":
        if answer.cycle:
            cycle = f"a cycle of {text.plural(answer.cycle, 'object')}"
            return f"{subject} is unreachable: {cycle} that only the collector can free."
        return f"{subject} is unreachable: only cycles that wait for the collector hold it."
    if answer.verdict == "with garbage":
        return f"{subject} is unreachable: only garbage holds it, and it goes with that."
    held = text.plural(answer.owners, "owner") if answer.owners else "no owner"
    return f"No way leads to {subject}: {held}, refcount {text.number(answer.refcnt)}."


def _keeper(answer: Answer, columns: int) -> str:
    """Who keeps it: the last module whose globals are on the way, else the root."""
    slot = text.shorten(answer.steps[0].slot, columns)
    root = text.shorten(answer.root_words, columns + 16)
    if len(answer.steps) == 1:
        return f"{root} holds it: {slot}"
    for step, then in reversed(list(zip(answer.steps, answer.steps[1:]))):
        if step.value.startswith(_GLOBALS):
            module = text.shorten(step.value[len(_GLOBALS) :], columns)
            return f"module {module} keeps it: {text.shorten(then.slot, columns)}"
    return f"{root} keeps it: {slot}"


def _surplus_sentence(answer: Answer, subject: str, style: text.Style, columns: int) -> str:
    n = text.plural(answer.surplus, "reference")
    nobody = f"{n} nobody owns"
    tail = "held by C, or leaked" if answer.unlocated else "held by C, most likely"
    first = answer.steps[0]
    if first.addr == answer.addr:
        return f"{subject} is alive only by {nobody}: {tail}."
    start = called(first.type, first.addr, "", style, columns)
    return f"{subject} is alive only because {start} has {nobody}: {tail}."


def _way(answer: Answer, style: text.Style) -> List[str]:
    """Where it begins, then one object a line with the slot that holds it."""
    rows: List[List[text.Cell]] = []
    if answer.root_words:
        rows.append([text.Span(answer.root_words, text.LOOSE)])
    for step in answer.steps:
        slot = text.shorten(step.slot, 40)
        rows.append([slot or "-", text.address(step.addr), step.type, step.value])
    rows[-1] = _last_row(answer, rows[-1])
    return text.table(rows, "llll", style)


def _last_row(answer: Answer, row: List[text.Cell]) -> List[text.Cell]:
    words = f"refcount {text.number(answer.refcnt)}"
    if answer.generation:
        words += f", {answer.generation}"
    return row[:3] + [words]


def _verdict_words(answer: Answer) -> str:
    if answer.verdict == "itself":
        return ""
    if answer.verdict in ("garbage", "with garbage"):
        return answer.fate if answer.verdict == "garbage" else "goes when that is collected."
    if answer.verdict == "nothing":
        return (
            "no root, no static object and no surplus leads to it; what holds it was over-released, "
            "or cannot be read."
        )
    goes = _goes(answer)
    if answer.verdict == "surplus":
        return f"the collector takes it for alive and never frees it. {goes}".rstrip()
    return f"reachable: no collection frees it, and that is right. {goes}"


def _goes(answer: Answer) -> str:
    """What must happen for it to go."""
    if answer.remainder > 0 and answer.owners:
        n = text.plural(answer.remainder, "reference")
        return f"When its owners let go, {n} that nobody owns will still hold it."
    if answer.remainder < 0:
        return "It is over-released: it goes too early, while some of its owners still point to it."
    if not answer.owners:
        return ""
    named: Sequence[str] = answer.owner_words
    rest = answer.owners - len(named)
    listed = list(named) + ([f"{text.number(rest)} more"] if rest else [])
    one = text.verb_form(answer.owners, "its owner lets go", "all its owners let go")
    return f"It goes when {one}: {text.listing(listed)}."


def _collector_words(answer: Answer) -> str:
    if answer.verdict == "itself" or not answer.is_gc:
        return ""
    if answer.generation == "untracked":
        return "untracked by the collector: reference counting alone frees it."
    if answer.generation == "frozen":
        return "frozen by gc.freeze(): no collection looks at it."
    return ""


VERB = verb.Verb(
    name="why",
    summary="Say what keeps a Python object alive, from a root on.",
    stage=lambda args: verb.STAGE_REVERSE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    positional=verb.Positional("EXPR"),
    body="""
The way is the shortest one by owned references from a root: a frame, a slot of
the interpreter, the data of a module. Where no root leads to the object, from
a static object; where none does, from one that nobody but C code can hold.
Where there is no way at all it is garbage, and the verdict says when it goes.
""",
    examples=("why self", "why 0x7ffbf783e3d0"),
    see=("refs", "referrers", "cycles", "garbage"),
)
