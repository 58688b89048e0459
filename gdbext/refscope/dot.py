# SPDX-License-Identifier: MIT
"""A picture in the DOT language of Graphviz.

Every colour is one of the Okabe-Ito set and is doubled by a word, a border or a line style, so
that a grey print-out says the same. Knows nothing of sessions: it draws a `Picture`.
"""

import html
from typing import Dict, List, Sequence

from . import text
from .book import REF_BORROWED, REF_OWNED, REF_POSSIBLE, REF_WEAK
from .picture import Edge, Node, Picture

BLUE, VERMILION, ORANGE = "#0072B2", "#D55E00", "#E69F00"
YELLOW, PURPLE, GREY = "#F0E442", "#CC79A7", "#DDDDDD"

MANY_NODES = 200
"""From here on `dot` takes long, and `sfdp` is the program to lay out with."""

_CONTAINERS = {"list", "dict", "tuple", "set", "frozenset", "deque"}


def dot(picture: Picture, title: str, ledger: Sequence[Sequence[str]] = ()) -> str:
    """The whole graph as text. The same picture gives the same bytes.

    `ledger` has the cells of the subject's bill; the counts are in the first column.
    """
    lines = [
        "digraph refscope {",
        "  graph [rankdir=LR, fontname=monospace, bgcolor=white, pad=0.2, nodesep=0.3,",
        f"         labelloc=t, fontsize=16, label={quote(title)}];",
        "  node [shape=box, fontname=monospace, fontsize=12];",
        "  edge [fontname=monospace, fontsize=11, arrowsize=0.8];",
    ]
    clusters = picture.cycles()
    for cycle, members in clusters.items():
        lines.append(f"  subgraph cluster_cycle{cycle} {{")
        label = quote(_cycle_label(cycle, members))
        lines.append(f"    label={label}; fontsize=12; color={quote(PURPLE)};")
        lines.extend(f"    {_node(picture, node)}" for node in _by_address(members))
        lines.append("  }")
    free = [node for node in picture.nodes.values() if node.cycle not in clusters]
    lines.extend(f"  {_node(picture, node)}" for node in _by_address(free))
    lines.extend(f"  {_edge(picture, edge)}" for edge in picture.edges)
    lines.extend(_hidden(picture))
    if ledger:
        lines.extend(_ledger(picture.subject, ledger))
    lines.append("}")
    return "\n".join(lines) + "\n"


def quote(value: str) -> str:
    """A DOT string. Backslashes of the target stay backslashes."""
    escaped = text.clean(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _lines(parts: List[str]) -> str:
    """A label of several centred lines."""
    return '"' + "\\n".join(quote(part)[1:-1] for part in parts) + '"'


def _by_address(nodes: List[Node]) -> List[Node]:
    return sorted(nodes, key=lambda node: (node.addr, node.number))


def _ident(node: Node) -> str:
    # A root may have the address of an object it lies in.
    return f"{'r' if node.root else 'n'}{node.addr:x}" + (f"_{node.number}" if node.root else "")


def _cycle_label(cycle: int, members: List[Node]) -> str:
    state = "unreachable" if all(node.unreachable for node in members) else "reachable"
    return f"cycle {cycle}: {text.plural(len(members), 'object')}, {state}"


# ---- the bill ----------------------------------------------------------------------------------


def _ledger(subject: Node, rows: Sequence[Sequence[str]]) -> List[str]:
    """A table beside the subject: signed counts, a rule, and what they come to."""
    columns = max(len(row) for row in rows)
    head = f"why the refcount of {subject.name} is {text.number(subject.refcnt)}"
    body = [f'<TR><TD COLSPAN="{columns}" ALIGN="LEFT"><B>{_html(head)}</B></TD></TR>']
    body.extend(_ledger_row(row, columns) for row in rows)
    table = "".join(body)
    return [
        f'  ledger [shape=plain, label=<<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4" '
        f"COLOR={quote(BLUE)}>{table}</TABLE>>];",
        f"  ledger -> {_ident(subject)} [color={quote(BLUE)}, style=dotted, arrowhead=none];",
    ]


def _ledger_row(row: Sequence[str], columns: int) -> str:
    if not row:
        return "<HR/>"
    cells = [f'<TD ALIGN="RIGHT">{_html(row[0])}</TD>']
    for i, cell in enumerate(row[1:], 1):
        # The last one takes what is left of the line.
        span = columns - i if i == len(row) - 1 else 1
        cells.append(f'<TD ALIGN="LEFT" COLSPAN="{span}">{_html(cell)}</TD>')
    return f"<TR>{''.join(cells)}</TR>"


def _html(value: str) -> str:
    """Text of a label that is HTML. An empty font would be an error to Graphviz."""
    return html.escape(text.clean(value)) or " "


# ---- nodes ----------------------------------------------------------------------------------


def sentence(node: Node) -> str:
    """What `refs` says of it, for the tooltip."""
    if node.root:
        return f"{node.root} {node.label} at {node.addr:#x}"
    if node.immortal:
        return f"{node.name} is immortal."
    count = f"{node.name} has refcount {text.number(node.refcnt)}"
    if node.remainder == 0:
        return f"{count} and all references are known: balanced."
    owners = text.plural(node.known, "owner")
    word = "surplus" if node.remainder > 0 else "deficit"
    return f"{count} but {owners}: {word} of {text.number(abs(node.remainder))}."


def _count(node: Node) -> str:
    if node.immortal:
        return "immortal"
    words = f"refcnt {text.number(node.refcnt)}"
    if node.remainder == 0:
        return f"{words}, all known"
    return f"{words}, {text.number(node.known)} known, {text.signed(node.remainder)}"


def _node(picture: Picture, node: Node) -> str:
    parts = [f"{node.type} {node.label}".strip(), f"{node.addr:#x}"]
    if not node.root:
        parts.append(_count(node))
    if node.unreachable:
        parts.append("unreachable")
    found = _look(node)
    if node.number == picture.subject.number:
        found["color"], found["penwidth"] = quote(BLUE), "3"
    if node.addr in _types_of(picture):
        found["shape"] = "folder"
    attributes = {"label": _lines(parts), **found}
    attributes["tooltip"] = quote(sentence(node))
    attributes["URL"] = quote(f"#{node.addr:#x}")
    body = ", ".join(f"{key}={value}" for key, value in attributes.items())
    return f"{_ident(node)} [{body}];"


def _types_of(picture: Picture) -> set:
    return {picture.nodes[number].addr for number in picture.not_followed}


def _shape(node: Node) -> Dict[str, str]:
    if node.root:
        return {"shape": "component" if node.root == "frame" else "invhouse"}
    if node.type == "type":
        return {"shape": "folder"}
    return {"shape": "tab"} if node.type == "module" else {}


def _look(node: Node) -> Dict[str, str]:
    found = _shape(node)
    styles = ["rounded"] if node.type in _CONTAINERS and not node.root else []
    fill = ""
    if node.root or (node.remainder == 0 and not node.unreachable and not node.immortal):
        pass
    elif node.immortal:
        fill = GREY
    elif node.remainder < 0:
        fill = VERMILION
        found.update(fontcolor="white", peripheries="2")
    elif node.remainder > 0:
        fill = ORANGE
        styles.append("dashed")
    else:
        fill = YELLOW
    if fill:
        styles.insert(0, "filled")
        found["fillcolor"] = quote(fill)
    if styles:
        found["style"] = quote(",".join(styles))
    return found


# ---- edges ----------------------------------------------------------------------------------

_EDGE_STYLES: Dict[int, Dict[str, str]] = {
    REF_OWNED: {},
    REF_BORROWED: {"style": "dotted"},
    REF_WEAK: {"style": "dashed", "arrowhead": "empty"},
    REF_POSSIBLE: {"style": "dashed", "color": "grey"},
}


def _edge(picture: Picture, edge: Edge) -> str:
    label = edge.label()
    attributes = dict(_EDGE_STYLES.get(edge.kind, {}))
    if edge.kind == REF_POSSIBLE:
        label += "?"
    if picture.in_cycle(edge):
        attributes.update(color=quote(PURPLE), penwidth="3")
    if edge == picture.cut:
        label += "  <- cut"
        attributes.update(dir="both", arrowtail="tee")
    body = ", ".join(
        f"{key}={value}" for key, value in {"label": quote(label), **attributes}.items()
    )
    a, b = picture.nodes[edge.src], picture.nodes[edge.dst]
    return f"{_ident(a)} -> {_ident(b)} [{body}];"


def _hidden(picture: Picture) -> List[str]:
    """Grey nodes for what was left out, one a source and one for the holders."""
    lines = []
    grey = f"style=filled, fillcolor={quote(GREY)}, penwidth=0.5"
    for number, n in picture.hidden_below.items():
        source = picture.nodes[number]
        ident = f"more_{_ident(source)}"
        lines.append(f"  {ident} [label={quote(_more(n))}, {grey}];")
        lines.append(f"  {_ident(source)} -> {ident} [style=dotted];")
    if picture.hidden_above:
        lines.append(f"  more_above [label={quote(_more(picture.hidden_above))}, {grey}];")
        lines.append(f"  more_above -> {_ident(picture.subject)} [style=dotted];")
    return lines


def _more(n: int) -> str:
    return f"... {text.number(n)} more {'object' if n == 1 else 'objects'}"
