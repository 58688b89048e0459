# SPDX-License-Identifier: MIT
"""EXPR in gdb: an address, an expression of gdb's, or the name of a Python variable."""

import re
from typing import Any, List, Optional

import gdb

from .. import target, text
from ..target import TargetError

_WORD = (1 << 64) - 1
_PYTHON_TYPE = re.compile(r"Py|[Oo]bject|^void$")


def resolve(session: Any, word: str) -> int:
    """The address a person means. Raises TargetError."""
    addr = target.as_address(word)
    if addr is not None:
        return addr
    if not target.is_name(word):
        return _value(word)
    return _of_name(session, word)


def _value(expression: str) -> int:
    """The address an expression of gdb's comes to."""
    try:
        found = _as_pointer(gdb.parse_and_eval(expression))
    except gdb.error as error:
        raise TargetError(target.sentence(f"{text.shorten(expression, 40)}: {error}")) from None
    if found is None:
        raise TargetError(f"{text.shorten(expression, 40)} is not a pointer to an object.")
    return found


def _as_pointer(value: Any) -> Optional[int]:
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_PTR or kind.code == gdb.TYPE_CODE_INT:
        return int(value) & _WORD
    if kind.code == gdb.TYPE_CODE_STRUCT and value.address is not None:
        return int(value.address) & _WORD
    return None


def _of_name(session: Any, word: str) -> int:
    """A plain name: of C where it is clearly an object there, of Python, else of C."""
    value = _c_value(word)
    if value is not None and _is_python_type(value):
        found = _as_pointer(value)
        if found is not None:
            return found
    frames = selected_frames(session)
    found = target.in_frames(session, frames, word)
    if found:
        return found
    if value is not None and value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
        return int(value) & _WORD
    return _symbol(word) or _unknown(session, frames, word)


def _c_value(word: str) -> Any:
    try:
        return gdb.parse_and_eval(word)
    except gdb.error:
        return None


def _is_python_type(value: Any) -> bool:
    kind = value.type
    if kind.strip_typedefs().code == gdb.TYPE_CODE_PTR:
        kind = kind.strip_typedefs().target()
    return bool(_PYTHON_TYPE.search(str(kind)))


def _symbol(word: str) -> int:
    """A variable of C without debug information: gdb knows its address, not its type."""
    try:
        value = gdb.parse_and_eval(f"&{word}")
    except gdb.error:
        return 0
    return int(value) & _WORD if "data variable" in str(value.type) else 0


def _unknown(session: Any, frames: List[Any], word: str) -> int:
    if not frames:
        raise TargetError(
            f"No C symbol '{word}', and this thread has no Python frame to look '{word}' up in."
        )
    raise TargetError(
        f"No Python name '{word}' in {target.frames_words(frames)} and no C symbol of that "
        f"name.{target.close_names(session, frames, word)}"
    )


# ---- frames ---------------------------------------------------------------------------------


def selected_frames(session: Any) -> List[Any]:
    """The Python frame of the selected thread that its selected C frame runs, then its callers."""
    frames = _frames_of_thread(session)
    by_addr = {frame.addr: i for i, frame in enumerate(frames)}
    for addr in _frames_in_c():
        if addr in by_addr:
            return frames[by_addr[addr] :]
    return frames


def _frames_of_thread(session: Any) -> List[Any]:
    thread = gdb.selected_thread()
    tid = (thread.ptid[1] or thread.ptid[2]) if thread is not None else 0
    for row in session.thread_list():
        if row.tid == tid and tid:
            return list(row.frames)
    # The selected thread runs no Python, or the core does not say which thread is which.
    return target.frames_to_search(session)


def _frames_in_c() -> List[int]:
    """Python frames that the selected C frame and its callers run, as far as gdb can see them."""
    found: List[int] = []
    try:
        frame = gdb.selected_frame()
        while frame is not None and len(found) < 1:
            if (frame.name() or "").startswith("_PyEval_EvalFrameDefault"):
                found.extend(_variable(frame))
            frame = frame.older()
    except gdb.error:
        pass
    return found


def _variable(frame: Any) -> List[int]:
    """Its interpreter frame: `frame` since CPython 3.11, `f` before."""
    for name in ("frame", "f"):
        try:
            return [int(frame.read_var(name)) & _WORD]
        except (ValueError, gdb.error):
            continue
    return []
