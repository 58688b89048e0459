# SPDX-License-Identifier: MIT
"""referents: what an object refers to."""

import argparse
from typing import Any, Dict, List

from .. import text, verb
from ..book import Book
from ..links import Links, link_rows, links_json, of_edges, table_of


def ask(session: Any, args: argparse.Namespace) -> Links:
    """List the objects that an object refers to, in the order of its slots."""
    book = Book(session)
    row = book.at(args.expr)
    edges = session.referents(row.number)
    return of_edges(book, row, edges, "dst", args)


def as_json(answer: Links) -> Dict[str, Any]:
    """`referents`: one row a reference."""
    return links_json(answer, "referents")


def as_text(answer: Links, style: text.Style, spelling: text.Spelling) -> List[str]:
    """One reference a line."""
    if not answer.links:
        lines = [f"{answer.subject(style)} refers to nothing."]
        if answer.read_by == "none":
            lines.append("")
            lines.extend(text.wrap(_UNREAD, 2))
        return lines
    lines = [_sentence(answer, style), ""]
    lines.extend(table_of(link_rows(answer), style))
    notes = text.Notes(spelling, style)
    if answer.read_by == "declared members and a scan":
        notes.add("note", _SCANNED)
    notes.next("referrers", f"{answer.addr:#x}", why="what refers to it")
    notes.next("retained", f"{answer.addr:#x}", why="what goes when it goes")
    return lines + [""] + notes.lines() if notes.lines() else lines


_UNREAD = (
    "How its type refers to others is not known: it has no tp_traverse that could be read and "
    "no declared members."
)
_SCANNED = (
    "its type has no tp_traverse that could be read: these are its declared members and the "
    "words of its memory that point to objects."
)


def _sentence(answer: Links, style: text.Style) -> str:
    distinct = len({link.other.addr for link in answer.links})
    how = answer.how(one="by an owned reference", each="each by an owned reference")
    tail = f"{text.plural(distinct, 'object')}{answer.count_words(distinct)}, {how}"
    return text.fit(lambda columns: f"{answer.subject(style, columns)} refers to {tail}.")


VERB = verb.Verb(
    name="referents",
    summary="List what a Python object refers to.",
    stage=lambda args: verb.STAGE_REFERENCES,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(verb.limit("references"),),
    positional=verb.Positional("EXPR"),
    body="""
Every reference is listed, those that tp_traverse does not visit too: a type,
the keys of a table, the name of a descriptor. "owned" references are counted
in the ob_refcnt of what they point to; "borrowed" and "weak" ones are not.
""",
    examples=("referents self", "referents --limit 0 0x7ffbf7e57fc0"),
    see=("referrers", "refs", "graph", "obj"),
)
