# SPDX-License-Identifier: MIT
"""graph: an object and what is around it, as a tree or as a picture."""

import argparse
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Set

from .. import bill, dot, text, verb
from ..book import REF_WORDS, Book, hexa
from ..picture import ALIKE, Bounds, Edge, Node, Picture, gather
from . import refs
from ._refs_text import bill_lines, bill_of

_DEPTH, _NODES = 2, 60


@dataclass(frozen=True)
class Answer:
    """The neighbourhood of one object."""

    picture: Picture
    form: str  # "tree", "dot", "svg"
    drawn: str  # the DOT or SVG text; "" where a file has it
    output: Optional[str]
    ledger: Optional[bill.Answer]  # of --ledger


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Gather what is around an object, and draw it."""
    book = Book(session)
    row = book.at(args.expr)
    nodes = _NODES if args.nodes is None else args.nodes or 1 << 32
    bounds = Bounds(
        depth=_DEPTH if args.depth is None else args.depth,
        nodes=nodes,
        types=args.types,
        alike=ALIKE if args.nodes is None else nodes,
    )
    picture = gather(book, row.number, bounds)
    form = _form(args)
    ledger = _ledger(session, args) if args.ledger else None
    title = _sentence(picture, text.plain)
    rows = _ledger_rows(ledger) if ledger else []
    drawn = "" if form == "tree" else dot.dot(picture, title, rows)
    if form == "svg":
        drawn = _svg(drawn, len(picture.nodes))
    if args.output:
        _write(args.output, drawn)
        drawn = ""
    return Answer(picture, form, drawn, args.output, ledger)


def _ledger(session: Any, args: argparse.Namespace) -> bill.Answer:
    """What refs says of the subject."""
    words = argparse.Namespace(
        expr=args.expr, limit=args.limit, format=args.format, all=False, no_native=False
    )
    return refs.ask(session, words)


def _ledger_rows(ledger: bill.Answer) -> List[List[str]]:
    """The bill as cells: counts, then what they are of. An empty row is the rule."""
    if ledger.immortal:
        return [["", "immortal: its refcount says nothing"]]
    rows, sums = bill_of(ledger)
    cells = [[text.signed(count), *map(str, words[1:])] for count, words in rows]
    return [*cells, [], *([figure, str(words)] for figure, words in sums)]


def _form(args: argparse.Namespace) -> str:
    if args.svg:
        return "svg"
    if args.dot:
        return "dot"
    if args.output:
        return "svg" if args.output.endswith(".svg") else "dot"
    return "tree"


def _svg(source: str, nodes: int) -> str:
    name = "sfdp" if nodes > dot.MANY_NODES else "dot"
    program = shutil.which(name)
    if program is None:
        raise verb.VerbError(
            f"The program {name} (Graphviz), which draws SVG, is not on this machine. "
            "--dot -o FILE writes what it reads."
        )
    # In a session of its own, so that Ctrl-C comes to us alone.
    done = subprocess.run(
        [program, "-Tsvg"],
        input=source.encode("utf-8", "backslashreplace"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        raise verb.VerbError(f"{name} failed with status {done.returncode}.")
    return done.stdout.decode("utf-8", "replace")


def _write(path: str, drawn: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(drawn)
    except OSError as error:
        raise verb.VerbError(f"{path}: {error.strerror or error}.") from None


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """Nodes and edges."""
    picture = answer.picture
    return {
        "addr": hexa(picture.subject.addr),
        "nodes": [_node_json(node) for node in picture.nodes.values()],
        "edges": [_edge_json(picture, edge) for edge in picture.edges],
        "left_out": sum(picture.hidden_below.values()) + picture.hidden_above,
        "file": answer.output,
        **({"ledger": refs.as_json(answer.ledger)} if answer.ledger else {}),
    }


def _node_json(node: Node) -> Dict[str, Any]:
    found: Dict[str, Any] = {"addr": hexa(node.addr), "type": node.type, "label": node.label}
    if node.root:
        found["root"] = node.root
        return found
    found["refcnt"] = node.refcnt
    found["immortal"] = node.immortal
    found["remainder"] = None if node.immortal else node.remainder
    found["unreachable"] = node.unreachable
    found["cycle"] = node.cycle or None
    return found


def _edge_json(picture: Picture, edge: Edge) -> Dict[str, Any]:
    return {
        "src": hexa(picture.nodes[edge.src].addr),
        "dst": hexa(picture.nodes[edge.dst].addr),
        "names": list(edge.names),
        "ref": REF_WORDS.get(edge.kind, "?"),
    }


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """The tree; or the drawing itself; or where it was written."""
    picture = answer.picture
    if answer.output:
        return _written(answer)
    if answer.drawn:
        return answer.drawn.rstrip("\n").split("\n")
    lines = [_sentence(picture, style), ""]
    lines.append("  " + _line(picture, picture.subject, style, first=True))
    lines.extend(_Tree(picture, style).lines())
    lines.extend(_above(picture, style))
    if answer.ledger and not answer.ledger.immortal:
        lines.extend(["", f"why its refcount is {text.number(picture.subject.refcnt)}:"])
        lines.extend(bill_lines(answer.ledger, style))
    notes = text.Notes(spelling, style)
    addr = hexa(picture.subject.addr)
    notes.next("graph", "--svg", "-o", f"{addr[2:]}.svg", addr, why="as a picture")
    notes.next("refs", addr, why="who holds it, as a bill")
    return lines + ([""] + notes.lines() if notes.lines() else [])


def _written(answer: Answer) -> List[str]:
    name = text.shorten(os.path.basename(answer.output or ""), 24)
    n = len(answer.picture.nodes)
    lines = [f"Drew {answer.picture.subject.name} and {_around(answer.picture)} to {name}."]
    if n > dot.MANY_NODES and answer.form == "dot":
        lines.append(f"note: {text.number(n)} nodes are slow to lay out with dot; use sfdp -Tsvg.")
    return lines


def _around(picture: Picture) -> str:
    others = list(picture.nodes.values())[1:]
    roots = sum(1 for node in others if node.root)
    words = f"{text.plural(len(others) - roots, 'object')} around it"
    return f"{words}, {text.plural(roots, 'root')}" if roots else words


def _sentence(picture: Picture, style: text.Style) -> str:
    subject = picture.subject
    named = f"{subject.type} {style('subject', hexa(subject.addr))}"
    cycles = len(picture.cycles())
    tail = f", {text.plural(cycles, 'cycle')}" if cycles else ", no cycle"
    return f"{named} and {_around(picture)}{tail}."


def _line(picture: Picture, node: Node, style: text.Style, first: bool = False) -> str:
    """A node as the tree shows it."""
    shown = f"{node.type} {style('subject' if first else 'address', hexa(node.addr))}"
    if node.label.startswith("'") and node.type != "str":
        shown += f" {node.label}"
    parts = [shown]
    if node.immortal:
        parts.append(style("immortal", "immortal"))
    elif not node.root:
        parts.append(f"refcount {text.number(node.refcnt)}")
        if first or node.remainder:
            kind = "deficit" if node.remainder < 0 else "surplus" if node.remainder else ""
            parts.append(style(kind, f"remainder {text.number(node.remainder)}"))
    if node.unreachable and first:
        parts.append("unreachable")
    if node.label and not (node.label.startswith("'") and node.type != "str") and not first:
        parts.append(node.label)
    if node.number in picture.not_followed:
        parts.append(style("dim", "(not followed: --types follows)"))
    return "  ".join(parts)


class _Tree:
    """What the subject refers to, depth first, each node once."""

    def __init__(self, picture: Picture, style: text.Style) -> None:
        self.picture = picture
        self.style = style
        self.drawn: Set[int] = {picture.subject.number}

    def lines(self) -> List[str]:
        """All branches. No recursion: the depth is the caller's to choose."""
        out: List[str] = []
        stack = self._branches(self.picture.subject.number, "  ", ())
        while stack:
            prefix, edge, hidden, is_last, path, arrow = stack.pop()
            corner = "`-- " if is_last else "|-- "
            if edge is None:
                out.append(f"{prefix}{corner}{_more(hidden)}")
                continue
            label = edge.label(32)
            dashes = "-" * (arrow - text.width(label) + 2)
            mark = "" if edge.kind == 0 else f"({REF_WORDS.get(edge.kind, '?')}) "
            out.append(f"{prefix}{corner}{label} {dashes}> {mark}{self._end(edge, path)}")
            if edge.dst not in self.drawn:
                self.drawn.add(edge.dst)
                deeper = prefix + ("    " if is_last else "|   ")
                stack.extend(self._branches(edge.dst, deeper, path + (edge.dst,)))
        return out

    def _branches(self, number: int, prefix: str, path: tuple) -> List[Any]:
        """Entries of the stack, last first."""
        edges = self.picture.below.get(number, [])
        hidden = self.picture.hidden_below.get(number, 0)
        arrow = max((text.width(edge.label(32)) for edge in edges), default=0)
        items: List[Optional[Edge]] = list(edges)
        if hidden:
            items.append(None)
        found = [
            (prefix, edge, hidden, i == len(items) - 1, path, arrow) for i, edge in enumerate(items)
        ]
        return found[::-1]

    def _end(self, edge: Edge, path: tuple) -> str:
        node = self.picture.nodes[edge.dst]
        if edge.dst not in self.drawn:
            return _line(self.picture, node, self.style)
        if edge.dst == self.picture.subject.number or edge.dst in path:
            cycle = self.picture.in_cycle(edge)
            which = f": cycle {cycle}" if cycle else ""
            return f"(back to {node.name}{which})"
        return f"({node.name}, above)"


def _more(n: int) -> str:
    noun = "object" if n == 1 else "objects"
    return f"... {text.number(n)} more {noun} (--nodes N draws more)"


def _above(picture: Picture, style: text.Style) -> List[str]:
    if not picture.above and not picture.hidden_above:
        return ["  referred to by nothing that is known"]
    lines = ["  referred to by"]
    hidden = picture.hidden_above
    for i, edge in enumerate(picture.above):
        node = picture.nodes[edge.src]
        corner = "`--" if i == len(picture.above) - 1 and not hidden else "|--"
        cycle = picture.in_cycle(edge)
        tail = f"  (cycle {cycle})" if cycle else ""
        kind = "" if edge.kind == 0 else f"  ({REF_WORDS.get(edge.kind, '?')})"
        place = f"{node.label} " if node.root and node.label else ""
        shown = style("address", hexa(node.addr))
        lines.append(f"  {corner} {shown} {node.type} {place}{edge.label(32)}{kind}{tail}")
    if hidden:
        lines.append(f"  `-- {_more(hidden)}")
    return lines


VERB = verb.Verb(
    name="graph",
    summary="Draw a Python object and what is around it.",
    stage=lambda args: verb.STAGE_NATIVE if args.ledger else verb.STAGE_REVERSE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.Option(
            "--depth", f"follow references N steps far, {_DEPTH} by default.", "N", verb.count
        ),
        verb.Option(
            "--nodes", f"draw at most N objects, {_NODES} by default; 0 draws all.", "N", verb.count
        ),
        verb.Option("--types", "follow references to types too: these lead to nearly everything."),
        verb.Option("--ledger", "add the bill of its references, as refs prints it."),
        verb.Option("--dot", "write the DOT language of Graphviz."),
        verb.Option("--svg", "write an SVG picture (needs Graphviz)."),
        verb.Option(
            "--output", "write to FILE: SVG if it ends in .svg, else DOT.", "FILE", short="-o"
        ),
    ),
    positional=verb.Positional("EXPR"),
    body="""
Without --dot or --svg a tree is printed. Each object is drawn once; a line
that comes back to one of its own ancestors says so. What refers to the object
itself is drawn one step far.
""",
    examples=("graph self", "graph --svg -o cart.svg 0x7ffbf783e190"),
    see=("refs", "referrers", "referents", "cycles"),
)
