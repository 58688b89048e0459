# SPDX-License-Identifier: MIT
"""refs: why an object's reference count is what it is, as a bill."""

import argparse
from dataclasses import replace
from typing import Any, Dict, List, Optional, Sequence

from .. import text, verb
from ..bill import GROUP_FROM, SHARED_STATES, Answer, Candidate, Line, Searched, halves
from ..book import REF_BORROWED, REF_OWNED, REF_WEAK, Book, allocated_json, foreign_extensions, hexa
from ._refs_text import as_text

_SCANNED = "declared members and a scan"

# ---- question -------------------------------------------------------------------------------


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Who holds each reference to an object."""
    book = Book(session)
    row = book.at(args.expr)
    edges = session.referrers(row.number)
    instances = [edge.src for edge in edges if edge.name == "ob_type"]
    native = None if args.no_native else session.candidates_of(row.number)
    value, cut = book.value_and_cut(row.addr, text.LINE_VALUE_WIDTH)
    python = session.python_info()
    answer = Answer(
        addr=row.addr,
        type=book.type_name(row),
        name=book.own_name(row),
        refcnt=row.refcnt,
        raw=tuple(row.raw),
        version=python.hex,
        free_threaded=bool(python.free_threaded),
        immortal=bool(row.immortal),
        instances=len(instances),
        garbage_instances=_garbage_among(session, instances),
        owned=_lines(book, edges, REF_OWNED),
        borrowed=_lines(book, edges, REF_BORROWED),
        weak=_lines(book, edges, REF_WEAK),
        possible=_candidates(native),
        searched=_searched(native),
        located=row.located if native else 0,
        unexplained=row.unexplained if native else max(row.remainder, 0),
        value=value,
        value_cut=cut,
        allocated=book.allocation(row.addr),
        extensions=foreign_extensions(session.session_modules()) if row.remainder < 0 else [],
        show_all=args.all,
        limit=args.limit,
    )
    return _with_paths(book, answer, whole=args.format == "json")


def _lines(book: Book, edges: Sequence[Any], kind: int) -> List[Line]:
    """References of one kind, by holder; biggest first, roots after objects."""
    by_source: Dict[int, List[str]] = {}
    for edge in edges:
        if edge.kind == kind:
            by_source.setdefault(edge.src, []).append(text.clean(edge.name))
    holders = book.holders(by_source)
    scanned = {i for i, row in enumerate(book.types) if row.read_by == _SCANNED}
    lines = [
        Line(holders[source], tuple(names), len(names), holders[source].type_id in scanned)
        for source, names in by_source.items()
    ]
    lines.sort(key=lambda line: (-line.count, line.holder.root is not None, line.holder.number))
    return lines


def _garbage_among(session: Any, instances: Sequence[int]) -> int:
    """How many of these are unreachable; asked only where there are many."""
    if len(instances) < GROUP_FROM:
        return 0
    return len(set(session.garbage_replay().unreachable).intersection(instances))


def _with_paths(book: Book, answer: Answer, whole: bool) -> Answer:
    """Fill in whose each holder is, for the lines that will be shown."""

    own: Dict[int, str] = {}
    if answer.instances:
        edges = book.session.referents(book.at(answer.addr).number)
        own = {edge.dst: edge.name for edge in edges}

    def named(lines: List[Line]) -> List[Line]:
        shown = len(lines) if whole else len(text.cut(lines, answer.limit)[0])
        return [_named(book, line, own) if i < shown else line for i, line in enumerate(lines)]

    return replace(
        answer,
        owned=named(answer.owned),
        borrowed=named(answer.borrowed),
        weak=named(answer.weak),
    )


def _named(book: Book, line: Line, own: Dict[int, str]) -> Line:
    """With whose its holder is; that may be the subject itself."""
    holder = book.holder(line.holder.number)
    if holder.number in own:
        holder = holder._replace(path=f"its own {text.clean(own[holder.number])}")
    return line._replace(holder=holder)


def _candidates(native: Optional[Any]) -> List[Candidate]:
    if native is None:
        return []
    return [
        Candidate(row.addr, row.where, row.module, row.section, row.offset, row.symbol)
        for row in native.rows
    ]


def _searched(native: Optional[Any]) -> Optional[Searched]:
    if native is None:
        return None
    return Searched(native.modules, native.threads, native.malloc_blocks, native.unreadable)


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """The rows and the verdict; never the sentence."""
    found: Dict[str, Any] = {
        "addr": hexa(answer.addr),
        "type": answer.type,
        "refcnt": answer.refcnt,
        "immortal": answer.immortal,
        "owned": _json_lines(answer.owned),
        "borrowed": _json_lines(answer.borrowed),
        "weak": _json_lines(answer.weak),
        "possible": [_json_candidate(row) for row in answer.possible],
        "owned_total": answer.owned_total,
        "remainder": None if answer.immortal else answer.remainder,
        "located": None if answer.immortal else answer.located,
        "unexplained": None if answer.immortal else answer.unexplained,
        "verdict": answer.verdict,
        "raw": [hexa(word) for word in answer.raw],
        "value": answer.value,
        "value_cut": answer.value_cut,
        **allocated_json(answer.allocated),
    }
    if answer.searched:
        found["searched"] = dict(vars(answer.searched))
    if answer.free_threaded:
        local, shared, state = halves(answer)
        found["local"], found["shared"] = local, shared
        found["shared_state"] = SHARED_STATES[state].split(" (")[0]
    return found


def _json_lines(lines: List[Line]) -> List[Dict[str, Any]]:
    rows = []
    for line in lines:
        for name in dict.fromkeys(line.names):
            found = line.holder.as_json()
            found["name"] = name
            found["count"] = line.names.count(name)
            rows.append(found)
    return rows


def _json_candidate(row: Candidate) -> Dict[str, Any]:
    return {
        "addr": hexa(row.addr),
        "where": row.where,
        "module": row.module,
        "section": row.section,
        "offset": row.offset,
        "symbol": row.symbol,
        "count": 1,
    }


VERB = verb.Verb(
    name="refs",
    summary="Explain the reference count of a Python object: who holds each reference.",
    stage=lambda args: verb.STAGE_REVERSE if args.no_native else verb.STAGE_NATIVE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.limit("holders"),
        verb.Option("--all", "also list borrowed and weak references, which are not counted."),
        verb.Option("--no-native", "do not search C memory for candidates (faster on huge cores)."),
    ),
    positional=verb.Positional("EXPR"),
    body="""
The count is shown as a bill: owned references, then the remainder.
  balanced  every reference is known
  surplus   more than known: held by C code, or leaked (Py_DECREF missing)
  deficit   fewer than known: over-released, it will be freed too early
  immortal  the count does not change (3.12 and later)
""",
    examples=("refs self", "refs --all 0x7ffbf783e340"),
    see=("why", "referrers", "audit", "referents"),
)
