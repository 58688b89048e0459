# SPDX-License-Identifier: MIT
"""cycles: objects that keep each other alive, and why each cycle is still here."""

import argparse
from typing import Any, Dict, List, Optional, Sequence, Set

from .. import collector, text, verb
from ..book import Book, generation_words, hexa
from ..components import JSON_COMPONENTS, Answer, Group, Reader, Step, Through, steps_of, types_of
from ..stream import Stream

# ---- question -------------------------------------------------------------------------------


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """List cycles, or those through one object."""
    book = Book(session)
    reader = Reader(book, session.cycle_list())
    through = _through(book, reader, args) if args.through is not None else None
    as_json_rows = args.format == "json" and through is None
    shown = _listed(len(reader.rows), args.limit) if as_json_rows else 0
    members, left_out = reader.first_members(args.limit) if args.members else (None, 0)
    return Answer(
        groups=reader.groups(args) if args.format != "json" and through is None else [],
        pieces=reader.pieces(shown),
        left_out=len(reader.rows) - shown if as_json_rows else 0,
        unreachable=reader.spread(unreachable=True),
        all=reader.spread(),
        type_names={kind: book.name_of_type(kind) for kind in set(reader.types)},
        tracked=sum(collector.tracked(row) for row in session.interpreter_list()),
        members=members,
        members_left_out=left_out,
        show_classes=args.classes,
        through=through,
        limit=args.limit,
    )


def _listed(components: int, limit: Optional[int]) -> int:
    """How many of them JSON lists."""
    most = JSON_COMPONENTS if limit is None else limit or components
    return min(components, most)


def _through(book: Book, reader: Reader, args: argparse.Namespace) -> Through:
    row = book.at(args.through)
    limit = text.DEFAULT_LIMIT if args.limit is None else args.limit
    rings = book.session.rings_through(row.number, limit or 0xFFFFFFFF)
    shown, first = [], 0
    for length in rings.lengths:
        shown.append(steps_of(book, rings.edges[first : first + length]))
        first += length
    index = reader.row_of(row.number)
    component = None if index is None else reader.component(index)
    return Through(
        addr=row.addr,
        type=book.type_name(row),
        rings=shown,
        in_component=component is not None,
        reachable=component.reachable if component else True,
        whose=book.whose(row.number),
        fate=component.verdict if component else "",
    )


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Any:
    """A list of components; with --through, the rings of one object."""
    if answer.through is not None:
        return _through_json(answer.through)
    return Stream(answer.pieces)


def _through_json(found: Through) -> Dict[str, Any]:
    return {
        "addr": hexa(found.addr),
        "type": found.type,
        "reachable": found.reachable,
        "rings": [
            [{"addr": hexa(step.addr), "type": step.type, "name": step.name} for step in ring]
            for ring in found.rings
        ],
    }


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """Cycles by shape, one of them in full, and why it is still here."""
    if answer.through is not None:
        return _through_text(answer.through, style, spelling)
    if not answer.all.count:
        return ["No cycle was found: no object refers, over others, to itself."]
    lines = [_sentence(answer), ""]
    by_member = answer.members is not None
    lines.extend(_member_lines(answer, style) if by_member else _table(answer, style))
    garbage = [group for group in answer.groups if not group.first.reachable]
    notes = text.Notes(spelling, style)
    if garbage and not by_member:
        lines.append("")
        lines.extend(_one_of(garbage[0], style))
        notes.add("why it is still here", garbage[0].first.verdict)
        if not garbage[0].first.classes:
            notes.add("cut here", _cut(garbage[0].ring))
    for group in answer.groups:
        if group.first.verdict.startswith("held from outside"):
            notes.add("why it stays", group.first.verdict)
            break
    if not by_member:
        notes.next("cycles", "--members", why="one line a member")
    if garbage:
        notes.next("graph", hexa(garbage[0].first.members[0].addr), why="draw it")
        notes.next("garbage", why="what a full collection would free")
    return lines + [""] + notes.lines()


def _sentence(answer: Answer) -> str:
    waiting = answer.unreachable
    n = waiting.count
    if not n:
        alive = text.plural(answer.all.count, "component")
        are = text.verb_form(answer.all.count, "is", "are")
        return f"No cycle is unreachable; {alive} of reachable objects {are} alive."
    of = f"with {text.plural(waiting.objects, 'object')}"
    if waiting.fewest == waiting.most:
        of = f"of {text.plural(waiting.most, 'object')}"
    waits = text.verb_form(n, "is unreachable and waits", "are unreachable and wait")
    in_all = " in all" if n > 1 else ""
    head = f"{text.plural(n, 'cycle')} {of} {waits} for the collector"
    exact = text.plural(waiting.size, "byte") + in_all
    return text.first_fit(f"{head} ({words})." for words in (exact, text.size(waiting.size)))


def _table(answer: Answer, style: text.Style) -> List[str]:
    shown, rest = text.cut(answer.groups, answer.limit)
    rows: List[List[text.Cell]] = []
    for group in shown:
        spread = group.spread
        rows.append(
            [
                text.number(spread.count),
                _spread(spread.fewest, spread.most),
                _spread(spread.smallest, spread.largest),
                "reachable" if group.first.reachable else "unreachable",
                text.shorten(_shape(answer, group), 110),
            ]
        )
    head = ("count", "objects", "bytes each", "state", "shape (types in order of the ring)")
    lines = text.table(rows, "rrrll", style, head=head)
    if rest:
        lines.append(f"  {text.left_out(rest, 'shapes')}")
    lines.append("  -----")
    lines.append(
        f"  {answer.all.count:>5,} components with {text.number(answer.all.objects)} of "
        f"{text.plural(answer.tracked, 'tracked object')}"
    )
    return lines


def _spread(least: int, most: int) -> str:
    """`240`, or `22-240`."""
    return text.number(least) if least == most else f"{text.number(least)}-{text.number(most)}"


def _shape(answer: Answer, group: Group) -> str:
    first = group.first
    if first.program:
        top = types_of(first, answer.type_names)[:3]
        most = ", ".join(f"{text.number(n)} {text.shorten(name, 16)}" for name, n in top)
        return f"the program itself: its modules and all they hold ({most}, ...)"
    if not group.ring and first.classes and first.reachable:
        return "classes (type <-> its mro, descriptors): --classes lists them"
    if not group.ring:
        top = types_of(first, answer.type_names)[:4]
        return ", ".join(f"{text.number(n)} {name}" for name, n in top)
    words = " -> ".join(f"{step.type} {step.slot}" for step in group.ring)
    shape = f"{words} -> {group.ring[0].type}"
    if len(group.ring) < len(first.members):
        shape += f" (and {text.number(len(first.members) - len(group.ring))} more)"
    return f"{shape}, held by {group.held_by}" if group.held_by else shape


def _one_of(group: Group, style: text.Style) -> List[str]:
    n = group.spread.count
    lines = ["The cycle:" if n == 1 else f"One of the {text.number(n)}:"]
    return lines + _ring_lines(group.ring, style)


def _ring_lines(ring: Sequence[Step], style: text.Style) -> List[str]:
    """One object a line, and where its slot leads."""
    rows: List[List[text.Cell]] = []
    for i, step in enumerate(ring):
        target = ring[(i + 1) % len(ring)]
        back = "back to " if i == len(ring) - 1 else ""
        leads = f"-> {back}{target.type} {hexa(target.addr)}"
        rows.append([text.address(step.addr), step.type, step.slot, leads])
    return text.table(rows, "llll", style)


def _cut(ring: Sequence[Step]) -> str:
    """The edge that leads back: made weak, or dropped, it opens the ring."""
    if not ring:
        return ""
    last = ring[-1]
    words = f"{last.slot} of the {last.type} (make it a weakref)"
    if len(ring) > 1:
        words += f", or drop {ring[0].slot} of the {ring[0].type} when it is done with"
    return words + "."


def _member_lines(answer: Answer, style: text.Style) -> List[str]:
    rows: List[List[text.Cell]] = [
        [
            str(row.number),
            text.address(row.member.addr),
            answer.type_names[row.member.type],
            "reachable" if row.reachable else "unreachable",
            generation_words(row.gc),
            text.number(row.member.size),
        ]
        for row in answer.members or []
    ]
    head = ("cycle", "address", "type", "state", "", "size")
    lines = text.table(rows, "rllllr", style, head=head)
    if answer.members_left_out:
        lines.append(f"  {text.left_out(answer.members_left_out, 'members')}")
    return lines


def _through_text(found: Through, style: text.Style, spelling: text.Spelling) -> List[str]:
    subject = f"{found.type} {style('subject', hexa(found.addr))}"
    if not found.rings:
        return [f"No cycle goes through {subject} (not counting types, globals and mros)."]
    n = len(found.rings)
    lengths: Set[int] = {len(ring) for ring in found.rings}
    each = "each " if n > 1 else ""
    of = (
        f"{each}of {text.plural(lengths.pop(), 'object')}"
        if len(lengths) == 1
        else "of several lengths"
    )
    state = ("all " if n > 1 else "") + ("reachable" if found.reachable else "unreachable")
    goes = text.verb_form(n, "goes", "go")
    lines = [f"{text.plural(n, 'shortest cycle')} {goes} through {subject}, {of}; {state}.", ""]
    rows: List[List[text.Cell]] = []
    for i, ring in enumerate(found.rings, 1):
        way = " -> ".join(f"{step.type} {hexa(step.addr)} {step.slot}" for step in ring)
        rows.append([str(i), f"{way} -> {found.type}"])
    lines.extend(text.table(rows, "rl", style))
    notes = text.Notes(spelling, style)
    if found.reachable and found.whose:
        notes.add("why it is still here", f"{found.whose} holds it. No collection will free it.")
    elif found.fate:
        notes.add("why it is still here", found.fate)
    notes.next("refs", hexa(found.addr), why="who holds it")
    notes.next("graph", hexa(found.addr), why="draw it")
    return lines + [""] + notes.lines()


def _left_out(answer: Answer) -> str:
    if not answer.left_out:
        return ""
    return f"{text.plural(answer.left_out, 'component')} left out; --limit 0 lists all."


VERB = verb.Verb(
    name="cycles",
    summary="List reference cycles, and say why each is still here.",
    stage=lambda args: verb.STAGE_REVERSE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.Option("--members", "list the members of all cycles, one a line."),
        verb.Option("--classes", "also list the cycles that every class is, one by one."),
        verb.Option(
            "--through", "show the shortest cycles through one object instead.", "EXPR", expr=True
        ),
        verb.Option(
            "--limit",
            f"list at most N rows, {text.DEFAULT_LIMIT} by default, in JSON {JSON_COMPONENTS} "
            "components; 0 lists all.",
            "N",
            verb.count,
        ),
    ),
    partial=lambda answer: bool(answer.left_out and answer.limit is None),
    left_out=_left_out,
    body="""
A component is a set of tracked objects each of which can be reached from each
other one. The component that holds the globals of a module is the program
itself: nearly everything hangs together over classes and their functions. The
cycles inside it are found from one of their objects, with --through.
""",
    examples=("cycles", "cycles --through self"),
    see=("garbage", "gc", "graph", "why"),
)
