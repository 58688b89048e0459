# SPDX-License-Identifier: MIT
"""referrers: what refers to an object."""

import argparse
from typing import Any, Dict, List

from .. import text, verb
from ..book import Book
from ..links import Links, link_rows, links_json, of_edges, table_of


def ask(session: Any, args: argparse.Namespace) -> Links:
    """List the objects and roots that refer to an object."""
    book = Book(session)
    row = book.at(args.expr)
    edges = session.referrers(row.number)
    return of_edges(book, row, edges, "src", args)


def as_json(answer: Links) -> Dict[str, Any]:
    """`referrers`: one row a reference."""
    return links_json(answer, "referrers")


def as_text(answer: Links, style: text.Style, spelling: text.Spelling) -> List[str]:
    """One reference a line; absence is said, and where was looked."""
    addr = f"{answer.addr:#x}"
    notes = text.Notes(spelling, style)
    if not answer.links:
        return _nothing(answer, style, spelling)
    lines = [_sentence(answer, style), ""]
    lines.extend(table_of(link_rows(answer), style))
    notes.add("searched", _searched(answer))
    notes.next("why", addr, why="who keeps it alive, from a root")
    notes.next("refs", addr, why="the same as a bill of its refcount")
    return lines + [""] + notes.lines()


def _searched(answer: Links) -> str:
    objects = text.plural(answer.searched, "object")
    return f"{objects}, untracked dicts and tuples too (gc.get_referrers would miss those)."


def _sentence(answer: Links, style: text.Style) -> str:
    objects = len({link.other.addr for link in answer.links if link.other.root is None})
    roots = len({link.other.number for link in answer.links if link.other.root is not None})
    who = [text.plural(objects, "object")] if objects else []
    who += [text.plural(roots, "root")] if roots else []
    distinct = objects + roots
    how = answer.how(one="it owns a reference", each="each owns a reference")
    refer = text.verb_form(distinct, "refers", "refer")
    head = f"{text.listing(who)} {refer} to"
    tail = f"{answer.count_words(distinct)}; {how}."
    return text.fit(lambda columns: f"{head} {answer.subject(style, columns)}{tail}")


def _nothing(answer: Links, style: text.Style, spelling: text.Spelling) -> List[str]:
    where = "no object, frame or interpreter slot"
    lines = [text.fit(lambda n: f"Nothing refers to {answer.subject(style, n)}: {where}.")]
    lines.append("")
    if answer.immortal:
        tail = "It is immortal: nobody needs to hold it."
    else:
        tail = f"Its refcount is {text.number(answer.refcnt)}"
        command = spelling.command("refs", f"{answer.addr:#x}")
        tail += f": see {command} for words of C memory that may hold it." if command else "."
    lines.extend(text.wrap(tail, 2))
    lines.extend(text.wrap(f"searched: {_searched(answer)}", 2))
    return lines


VERB = verb.Verb(
    name="referrers",
    summary="List what refers to a Python object.",
    stage=lambda args: verb.STAGE_REVERSE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(verb.limit("references"),),
    positional=verb.Positional("EXPR"),
    body="""
Objects that the collector does not track and slots of frames and of the
interpreter are searched too: gc.get_referrers() would miss those.
""",
    examples=("referrers op", "referrers --limit 0 0x7ffbf7e57ed0"),
    see=("refs", "referents", "graph", "why"),
)
