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
    frame = selected_frame(session)
    found = target.in_frame(session, frame, word) if frame is not None else 0
    if found:
        return found
    if value is not None and value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
        return int(value) & _WORD
    return _symbol(word) or _unknown(session, frame, word)


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


def _unknown(session: Any, frame: Any, word: str) -> int:
    if frame is None:
        raise TargetError(
            f"No C symbol '{word}', and this thread has no Python frame to look '{word}' up in."
        )
    raise TargetError(
        f"No Python name '{word}' in frame {target.frame_words(frame)} and no C symbol of that "
        f"name.{target.close_names(session, frame, word)}"
    )


# ---- frames ---------------------------------------------------------------------------------


def selected_frame(session: Any) -> Optional[Any]:
    """The Python frame that belongs to the selected thread, and to its selected C frame."""
    frames = _frames_of_thread(session)
    if not frames:
        return None
    by_addr = {frame.addr: frame for frame in frames}
    for addr in _frames_in_c():
        if addr in by_addr:
            return by_addr[addr]
    return frames[0]


def _frames_of_thread(session: Any) -> List[Any]:
    thread = gdb.selected_thread()
    tid = (thread.ptid[1] or thread.ptid[2]) if thread is not None else 0
    threads = session.thread_list()
    for row in threads:
        if row.tid == tid:
            return row.frames
    # A core may not say which thread is which; with one thread there is no doubt.
    return threads[0].frames if len(threads) == 1 else []


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
