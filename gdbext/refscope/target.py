# SPDX-License-Identifier: MIT
"""What is opened: a core file or a process; its problems in words; the objects people name.

Knows nothing of gdb and prints nothing.
"""

import builtins
import difflib
import os
import re
from typing import Any, Iterable, List, Optional, Sequence

from . import text
from .descriptions import DescriptionError, describe
from .opening import OnUnpacking
from .session import InspectError, LibraryError, Session, Status

MOST_NAMES = 10000
"""Of a namespace so many are compared with a name that was not found."""

EXIT_OK, EXIT_CHECK, EXIT_FAILED, EXIT_NO_PYTHON, EXIT_PARTIAL = 0, 1, 2, 3, 4


class TargetError(Exception):
    """A target that cannot be opened, or a name that names nothing. One line for a person."""

    def __init__(self, message: str, status: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.status = status


# ---- opening --------------------------------------------------------------------------------


def open_word(
    word: str, exe: Optional[str], sysroot: Optional[str], tick: Optional[OnUnpacking] = None
) -> Session:
    """Open what a person named: a process id, or the path of a core. Raises TargetError.

    `tick` is told how far a compressed core is unpacked.
    """
    for path in (exe, sysroot):
        if path and not os.path.exists(path):
            raise TargetError(f"{path}: no such file")
    try:
        if is_pid(word):
            return describe(Session.open_process(int(word), exe, sysroot))
        problem = why_not_core(word)
        if problem:
            raise TargetError(f"{word}: {problem}")
        return describe(Session.open_core(word, exe, sysroot, tick))
    except DescriptionError as error:
        raise TargetError(str(error)) from None
    except InspectError as error:
        raise from_library(error, word, exe) from None


def is_pid(word: str) -> bool:
    """A file whose name is a number is written with its folder: ./1234."""
    return word.isascii() and word.isdigit()


def name_of(word: str) -> str:
    """A target as messages name it."""
    return f"process {word}" if is_pid(word) else word


def from_library(
    error: InspectError, word: str, exe: Optional[str] = None, program: str = ""
) -> TargetError:
    """The library's error as a sentence about the target; `program` is what the target runs."""
    message = sentence(text.clean(error.message))
    if isinstance(error, LibraryError):
        return TargetError(message)
    status = EXIT_FAILED
    if error.status == Status.ERR_NO_PYTHON:
        status = EXIT_NO_PYTHON
        message = f"a process of {text.clean(program)}; {message}" if program else message
    about = exe if error.status == Status.ERR_MISMATCH and exe else name_of(word)
    # Where it names what it is about already, it is not named twice.
    named = "" if about in message else f"{about}: "
    return TargetError(f"{named}{message}{_advice(error.status)}", status)


def _advice(status: int) -> str:
    if status == Status.ERR_NOT_CORE:
        return " Give a core file or a process id."
    return ""


def sentence(message: str) -> str:
    """With its full stop."""
    return message if message.endswith((".", "?", "!")) else message + "."


def bare(message: str) -> str:
    """Without its full stop."""
    return message[:-1] if message.endswith(".") else message


_ELF_MAGIC = b"\x7fELF"
_E_TYPE = {1: "an object file", 2: "an executable", 3: "an executable or a shared library"}


def elf_type(path: str) -> int:
    """e_type of an ELF file (4 is a core), or 0."""
    try:
        with open(path, "rb") as file:
            head = file.read(20)
    except OSError:
        return 0
    if len(head) < 20 or not head.startswith(_ELF_MAGIC):
        return 0
    return int.from_bytes(head[16:18], "little" if head[5] == 1 else "big")


_COMPRESSED = (b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x04\x22\x4d\x18", b"BZh")


def why_not_core(path: str) -> str:
    """One sentence on why a file is no core, where that shows from outside; else ""."""
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except IsADirectoryError:
        return "a folder, not a core file. Give a core file or a process id."
    except OSError as error:
        return sentence((error.strerror or str(error)).lower())
    if head.startswith(_ELF_MAGIC):
        kind = _E_TYPE.get(elf_type(path))
        return f"{kind}, not a core. A core of it: refscope CORE heap." if kind else ""
    if head.startswith(_COMPRESSED):
        return ""
    if not head:
        return "not a core file (it is empty). Give a core file or a process id."
    what = "text" if _is_text(head) else "unknown data"
    return f"not a core file (no ELF header; {what}). Give a core file or a process id."


def _is_text(head: bytes) -> bool:
    return all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head)


# ---- what is not whole ----------------------------------------------------------------------


def problems(session: Any, name: str, known: Iterable[str] = ()) -> List[str]:
    """What keeps answers from being whole, one sentence each; those that are known are left out."""
    seen = set(known)
    found = []
    for row in session.session_problems():
        told = sentence(text.clean(row.text))
        line = told if name in told else f"{name}: {told}"
        if line not in seen:
            seen.add(line)
            found.append(line)
    return found


# ---- naming objects -------------------------------------------------------------------------

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{1,16}$")
_NAME = re.compile(r"[^\W\d]\w*$")
_NUMBER = re.compile(r"[-+]?\d+$")


def as_address(word: str) -> Optional[int]:
    """The value of 0x..., or None. A bare number is refused: it is more often a slip."""
    if _ADDRESS.match(word):
        return int(word, 16)
    if _NUMBER.match(word):
        raise TargetError(f"'{text.shorten(word, 24)}' is no address: write 0x{word.lstrip('+-')}.")
    return None


def is_name(word: str) -> bool:
    """It could be the name of a Python variable."""
    return _NAME.match(word) is not None


def resolve(session: Any, word: str) -> int:
    """The address a person means by 0x... or by the name of a variable. Raises TargetError."""
    addr = as_address(word)
    if addr is not None:
        return addr
    if not is_name(word):
        raise TargetError(
            f"'{text.shorten(word, 40)}' is neither an address (0x...) nor the name of a Python "
            "variable."
        )
    frames = frames_to_search(session)
    if not frames:
        raise TargetError(f"No thread has a Python frame, so '{word}' cannot be looked up.")
    found = in_frames(session, frames, word)
    if found:
        return found
    close = close_names(session, frames, word)
    raise TargetError(f"No Python name '{word}' in {frames_words(frames)}.{close}")


def frames_to_search(session: Any) -> List[Any]:
    """The frames of the thread that holds the GIL, else of the oldest that has any."""
    threads = [thread for thread in session.thread_list() if thread.frames]
    threads.sort(key=lambda thread: (thread.holds_gil != 1, thread.tid))
    return list(threads[0].frames) if threads else []


def frames_words(frames: Sequence[Any]) -> str:
    """`frame serve()`, with its callers if it has any."""
    callers = " or its callers" if len(frames) > 1 else ""
    return f"frame {text.shorten(frames[0].function, 40)}(){callers}"


def in_frames(session: Any, frames: Sequence[Any], name: str) -> int:
    """A variable's value: as Python looks it up in the first frame, else in a caller's; 0 if none.

    Callers are searched because a process seldom stops in the function that is of interest.
    """
    for frame in frames:
        for local in frame.locals:
            if local.name == name and local.value:
                return local.value
        found = _in_dicts(session, (frame.locals_dict, frame.globals), name)
        if found:
            return found
    return _in_dicts(session, [frames[0].builtins], name) if frames else 0


def _in_dicts(session: Any, scopes: Iterable[int], name: str) -> int:
    for scope in scopes:
        try:
            found = session.dict_get(scope, name) if scope else 0
        except InspectError:
            continue
        if found:
            return found
    return 0


def close_names(session: Any, frames: Sequence[Any], word: str) -> str:
    """` Close: config.`, or ""."""
    names = set(dir(builtins))
    for frame in frames:
        names |= {local.name for local in frame.locals if local.name}
    for scope in {frame.globals for frame in frames[:8]}:
        names |= set(_keys(session, scope))
    close = difflib.get_close_matches(word, sorted(names), 3, 0.6)
    return f" Close: {', '.join(text.shorten(name, 32) for name in close)}." if close else ""


def _keys(session: Any, scope: int) -> List[str]:
    """The names in a dict, as far as it can be read alone; the heap is not read for this."""
    try:
        edges = session.items_of(session.object_look(scope).number, MOST_NAMES).rows
    except InspectError:
        return []
    found = (re.match(r"\['(\w+)'\]$", edge.name) for edge in edges)
    return [match.group(1) for match in found if match]


def check_object(session: Any, addr: int) -> None:
    """Raise TargetError, with what is there instead, where no object starts at an address."""
    try:
        place = session.find(addr)
    except InspectError as error:
        raise TargetError(_no_object(error, addr)) from None
    if place.object and place.exact:
        return
    if not place.readable and not place.object:
        raise TargetError(f"No memory at {addr:#x}.")
    if place.object:
        what, where = _type_at(session, place.object), f"{place.object:#x}"
        # What lies before the object is its head and its attribute values.
        side = "into" if addr > place.object else "before"
        distance = text.plural(abs(addr - place.object), "byte")
        raise TargetError(
            f"No object at {addr:#x}: it is {distance} {side} {what} {where}. Did you mean {where}?"
        )
    inside = f": it lies in {os.path.basename(text.clean(place.module))}" if place.module else ""
    raise TargetError(f"No object at {addr:#x}{inside}.")


def _no_object(error: InspectError, addr: int) -> str:
    if error.status == Status.ERR_FAULT:
        return f"No memory at {addr:#x}."
    return sentence(text.clean(error.message))


def _type_at(session: Any, addr: int) -> str:
    try:
        row = session.object_at(addr)
        return text.shorten(session.type_list()[row.type].name, 32) or "object"
    except (InspectError, IndexError):
        return "object"
