# SPDX-License-Identifier: MIT
"""Text for people: numbers, tables, bills, hints, looks.

Knows nothing of gdb, of the library or of CPython. What comes in is plain rows; what goes out is
a list of lines. A look is asked for by name ("address", "deficit" ...) and rendered by a `Style`:
as ANSI, as gdb's own styles (refscope.gdb.style), or not at all.
"""

import re
import textwrap
import unicodedata
from typing import Callable, Iterable, List, Optional, Sequence, Tuple, Union

WIDTH = 100
"""No sentence is wider, and prose is wrapped here."""

NAME_WIDTHS = (32, 24, 16, 10, 6)
"""How wide a name of the target's may be in a sentence, tried in this order."""

LINE_VALUE_WIDTH = 90
"""A value that has a line of its own is cut to this many columns."""

VALUE_WIDTH = 60
"""A value in a row is cut to this many columns."""

LABEL_WIDTH = 10
"""A longer label begins a paragraph of its own and takes no part in the alignment."""

DEFAULT_LIMIT = 20
"""Rows of a list before it is cut."""

Style = Callable[[str, str], str]
"""(kind, text) -> the text with that look. Never changes the text's width on a terminal."""

_ANSI = {
    "subject": "1",
    "bold": "1",
    "deficit": "1;31",
    "failed": "1;31",
    "surplus": "33",
    "repaired": "33",
    "balanced": "32",
    "immortal": "2",
    "dim": "2",
    "address": "34",
    "function": "33",
    "file": "32",
    "variable": "36",
}


def plain(_kind: str, text: str) -> str:
    """A `Style` that shows no look."""
    return text


def ansi(kind: str, text: str) -> str:
    """A `Style` for terminals."""
    code = _ANSI.get(kind)
    return f"\033[{code}m{text}\033[0m" if code and text else text


class Span(str):
    """A piece of text with a look; a plain `str` in every other respect."""

    kind: str

    def __new__(cls, text: object, kind: str) -> "Span":
        self = super().__new__(cls, str(text))
        self.kind = kind
        return self


Cell = Union[str, Span]


def render(cell: Cell, style: Style) -> str:
    """A cell as text with its look."""
    return style(cell.kind, str(cell)) if isinstance(cell, Span) else cell


# ---- what the target says -------------------------------------------------------------------


def clean(text: Optional[str]) -> str:
    """Text of the target, harmless on a terminal: what does not print is escaped."""
    if not text:
        return ""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: Optional[str], columns: int = VALUE_WIDTH) -> str:
    """Clean text of at most so many columns; `...` where some is left out."""
    text = clean(text)
    if width(text) <= columns:
        return text
    room, kept = columns - 3, []
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + "..."


# ---- numbers --------------------------------------------------------------------------------


def number(n: int) -> str:
    """1234567 -> 1,234,567."""
    return f"{n:,}"


def signed(n: int) -> str:
    """With its sign, as the first column of a bill: +1,000, -1."""
    return f"{n:+,}"


def address(addr: int, kind: str = "address") -> Span:
    """0x7f..., lower case, not padded."""
    return Span(f"{addr:#x}", kind)


def plural(n: int, one: str, many: Optional[str] = None) -> str:
    """1 object, 2 objects, 0 entries."""
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def verb_form(n: int, one: str, many: str) -> str:
    """The form of a verb that goes with n things."""
    return one if n == 1 else many


def size(n: int) -> str:
    """Bytes for a sentence, cut and not rounded: 1023 bytes, 6.7 MiB."""
    if n < 1024:
        return plural(n, "byte")
    unit, scale = "KiB", 1024
    for name, bigger in (("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)):
        if n >= bigger:
            unit, scale = name, bigger
    tenths = n * 10 // scale
    return f"{number(tenths // 10)}.{tenths % 10} {unit}"


def share(part: int, whole: int, digits: int = 1, gap: str = "") -> str:
    """A percentage that is cut, never rounded up: 100% means all, <0.1% means not none."""
    if whole <= 0:
        return f"-{gap}%" if gap else "-"
    scale = 10**digits
    cut = part * 100 * scale // whole
    if cut == 0 and part > 0:
        return f"<{1 / scale:.{digits}f}{gap}%"
    if part == whole:
        return f"100{gap}%"
    return f"{cut // scale}.{cut % scale:0{digits}d}{gap}%"


def listing(items: Sequence[str], word: str = "and") -> str:
    """a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def spans(numbers: Sequence[int]) -> str:
    """Ascending numbers with runs joined: 3, 8-16 and 20."""
    runs: List[List[int]] = []
    for n in numbers:
        if runs and runs[-1][-1] + 1 == n:
            runs[-1][1:] = [n]
        else:
            runs.append([n])
    shown = ["-".join(str(n) for n in run) for run in runs[:8]]
    if len(runs) > 8:
        return ", ".join(shown) + ", ..."
    return listing(shown)


def seconds(value: float) -> str:
    """A duration for a progress line: 31 s, 2 min 5 s."""
    whole = int(value)
    if whole < 60:
        return f"{whole} s"
    return f"{number(whole // 60)} min {whole % 60} s"


def duration(nanoseconds: int) -> str:
    """A short time for a sentence: 0.4 ms, 35.0 ms, 2.1 s."""
    tenths, unit = nanoseconds // 100_000, "ms"
    if tenths >= 10_000:
        tenths, unit = tenths // 1000, "s"
    return f"{tenths // 10}.{tenths % 10} {unit}"


# ---- lists, tables, bills -------------------------------------------------------------------


LOOSE = "loose"
"""The look of a cell that takes no part in the width of its column; it is shown plain."""


def left_out(n: int, what: str = "") -> Span:
    """The last row of a list that was cut."""
    what = f" {what}" if what else ""
    return Span(f"... and {number(n)} more{what} (--limit 0 lists all)", LOOSE)


def most(limit: Optional[int]) -> int:
    """How many rows `cut` may show; 0: all."""
    return DEFAULT_LIMIT + 1 if limit is None else limit


def cut(rows: Sequence, limit: Optional[int], more: int = 0) -> Tuple[Sequence, int]:
    """The first `limit` rows (None: as many as is usual, 0: all) and how many are left out.

    `more` were not even asked for, beyond the `most` that may be shown.

    A list that is over by one is shown whole: the line that says so would take the same room.
    """
    total = len(rows) + more
    if limit == 0 or total <= most(limit):
        return rows, 0
    shown = rows[: DEFAULT_LIMIT if limit is None else limit]
    return shown, total - len(shown)


def table(
    rows: Iterable[Sequence[Cell]],
    align: str,
    style: Style = plain,
    indent: int = 2,
    head: Optional[Sequence[Cell]] = None,
) -> List[str]:
    """Aligned columns. `align` has one letter a column: l, r. Rows may be shorter than it.

    The last column is free text and not padded. Columns that are empty in every row vanish.
    """
    body = [list(row) for row in rows]
    if not body:
        return []
    every = ([list(head)] if head else []) + body
    used = [any(len(row) > i and row[i] for row in body) for i in range(len(align))]
    widths = [
        max((width(row[i]) for row in every if len(row) > i and not _is_loose(row[i])), default=0)
        for i in range(len(align))
    ]
    return [" " * indent + _row(row, align, widths, used, style) for row in every]


def _is_loose(cell: Cell) -> bool:
    return isinstance(cell, Span) and cell.kind == LOOSE


def _row(row: Sequence[Cell], align: str, widths: List[int], used: List[bool], style: Style) -> str:
    parts = []
    shown = [i for i in range(len(row)) if used[i]]
    last = max((i for i in shown if row[i]), default=-1)
    for i in shown:
        if i > last:
            break
        gap = " " * (widths[i] - width(row[i]))
        text = render(row[i], style)
        if align[i] == "r":
            parts.append(gap + text)
        else:
            parts.append(text if i == last else text + gap)
    return "  ".join(parts).rstrip()


def bill(
    rows: Sequence[Tuple[int, Sequence[Cell]]],
    sums: Sequence[Tuple[str, Cell]],
    align: str,
    style: Style = plain,
) -> List[str]:
    """Signed counts in the first column, a rule, and below it what they come to."""
    counts = [signed(count) for count, _cells in rows]
    room = max([2] + [len(text) for text in counts] + [len(figure) for figure, _text in sums])
    body = table([cells for _count, cells in rows], align, style, indent=0)
    lines = [f"  {count:>{room}}  {line}".rstrip() for count, line in zip(counts, body)]
    lines.append("  " + "-" * room)
    for figure, text in sums:
        kind = text.kind if isinstance(text, Span) else ""
        lines.append(f"  {style(kind, format(figure, f'>{room}'))}  {render(text, style)}")
    return lines


# ---- prose ----------------------------------------------------------------------------------


_LOOKS = re.compile(r"\033\[[0-9;]*m")


def fit(sentence: Callable[[int], str]) -> str:
    """A sentence of at most WIDTH columns: told how wide a name of the target's may be."""
    return first_fit(map(sentence, NAME_WIDTHS))


def first_fit(sentences: Iterable[str]) -> str:
    """The first of these of at most WIDTH columns, else the last: say most, then less."""
    found = ""
    for found in sentences:
        if width(_LOOKS.sub("", found)) <= WIDTH:
            break
    return found


def wrap(text: str, indent: int = 0, first: Optional[int] = None) -> List[str]:
    """Prose in lines of at most WIDTH columns. Words are never broken."""
    return textwrap.wrap(
        text,
        WIDTH - 4,
        initial_indent=" " * (indent if first is None else first),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


class Notes:
    """The labelled lines below the evidence: value, verdict, note, next."""

    def __init__(self, spelling: "Spelling", style: Style = plain) -> None:
        self._spelling = spelling
        self._style = style
        self._items: List[Tuple[str, str, bool]] = []
        self._next: List[Tuple[str, str]] = []

    def add(self, label: str, text: str, whole: bool = False) -> None:
        """One labelled paragraph; `whole` keeps it on one line, as values are."""
        if text:
            self._items.append((label + ":", text, whole))

    def next(self, verb: str, *args: str, why: str = "") -> None:
        """A command worth giving next, with a word on what it answers. Unknown verbs vanish."""
        command = self._spelling.command(verb, *args)
        if command:
            self._next.append((command, why))

    def next_in_gdb(self, command: str, why: str = "") -> None:
        """The same with a command of gdb's own: only shown there."""
        if self._spelling.in_gdb:
            self._next.append((command, why))

    def lines(self) -> List[str]:
        """All of them, labels aligned."""
        hints = self._next[:3] if self._spelling.hints else []
        labels = [label for label, _text, _whole in self._items] + (["next:"] if hints else [])
        room = max([8] + [len(label) + 1 for label in labels if len(label) <= LABEL_WIDTH])
        out = []
        for label, text, whole in self._items:
            if whole:
                out.append(f"{label:<{room}}{text}")
            elif len(label) > LABEL_WIDTH:
                out.extend(wrap(f"{label} {text}", 2, 0))
            else:
                body = wrap(text, room)
                out.append(f"{label:<{room}}{body[0][room:]}")
                out.extend(body[1:])
        return out + self._hint_lines(hints, room)

    def _hint_lines(self, hints: List[Tuple[str, str]], room: int) -> List[str]:
        column = max((len(command) for command, _why in hints), default=0)
        out = []
        for i, (command, why) in enumerate(hints):
            label = "next:" if i == 0 else ""
            line = f"{label:<{room}}{command:<{column}}   {why}".rstrip()
            out.append(self._style("dim", line))
        return out


class Spelling:
    """How the caller would type a command of ours."""

    def __init__(self, verbs: Iterable[str], in_gdb: bool, prefix: str, hints: bool = True) -> None:
        self._verbs = frozenset(verbs)
        self._prefix = prefix
        self.in_gdb = in_gdb
        self.hints = hints

    def command(self, verb: str, *args: str) -> str:
        """`py-refs 0x...` or `refscope core refs 0x...`; "" for a verb that does not exist."""
        if verb not in self._verbs:
            return ""
        return " ".join((self._prefix + verb,) + args)


def in_gdb(verbs: Iterable[str], hints: bool = True) -> Spelling:
    """Commands as typed at gdb's prompt."""
    return Spelling(verbs, True, "py-", hints)


def on_command_line(verbs: Iterable[str], start: str, hints: bool = True) -> Spelling:
    """Commands as typed in a shell; `start` is `refscope [options] TARGET`."""
    return Spelling(verbs, False, start + " ", hints)
