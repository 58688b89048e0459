# SPDX-License-Identifier: MIT
"""Looks, as the user has set them in gdb.

gdb 18 renders a named style itself. Before it the settings are read ("set style address ...") and
rendered here.
"""

import os
from typing import Dict, Optional

import gdb

from .. import text

_NAMED: Dict[str, str] = {
    "address": "address",
    "function": "function",
    "file": "filename",
    "variable": "variable",
}
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def current() -> text.Style:
    """The `Style` to render with now."""
    if not gdb.parameter("style enabled") or not os.isatty(1) or os.environ.get("TERM") == "dumb":
        return text.plain
    return _styled


def _styled(kind: str, words: str) -> str:
    name = _NAMED.get(kind)
    if name is None or not words:
        return text.ansi(kind, words)
    if hasattr(gdb, "Style"):
        return gdb.Style(name).apply(words)
    codes = _codes(name)
    return f"\033[{codes}m{words}\033[0m" if codes else words


def _codes(name: str) -> Optional[str]:
    """The escape codes of one of gdb's styles."""
    found = []
    foreground = str(gdb.parameter(f"style {name} foreground"))
    if foreground in _COLOURS:
        found.append(str(30 + _COLOURS.index(foreground)))
    intensity = gdb.parameter(f"style {name} intensity")
    if intensity in ("bold", "dim"):
        found.append("1" if intensity == "bold" else "2")
    return ";".join(found)
