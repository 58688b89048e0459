# SPDX-License-Identifier: MIT
"""Looking things up in a session by number, and calling them by name.

Between the library's rows and the verbs: an object's row, its type's name, the words in which a
person would speak of it. Every answer is remembered, so that a verb may ask twice. Knows nothing
of text layout, of gdb or of ctypes.
"""

import os
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from . import text
from .session import InspectError

REF_OWNED, REF_BORROWED, REF_WEAK, REF_POSSIBLE = 0, 1, 2, 3
REF_WORDS = {
    REF_OWNED: "owned",
    REF_BORROWED: "borrowed",
    REF_WEAK: "weak",
    REF_POSSIBLE: "possible",
}

NAME_WIDTH = 32
"""A type's name is cut to this many columns; CPython itself knows no bound."""

_NAMED = re.compile(r"<(?:class|module|function|built-in function|method) '?([^'<> ]+)'?[^<>]*>$")


def called(
    type_name: str, addr: int, name: str, style: text.Style, columns: int = NAME_WIDTH
) -> str:
    """`dict 0x7f...`, `type 0x41383a0 'Session'`: how a sentence speaks of an object."""
    shown = f"{text.shorten(type_name, columns)} {style('subject', hexa(addr))}"
    return f"{shown} '{text.shorten(name, columns)}'" if name else shown


class Holder(NamedTuple):
    """Who owns or makes a reference, as a row shows it."""

    number: int
    addr: int
    type: str
    path: str  # whose it is, in words: "globals of __main__", "serve() at orders.py:34"
    type_id: int = -1
    root: Optional[Any] = None  # the library's row where it is no object

    def as_json(self) -> Dict[str, Any]:
        """`addr` or `root`, and `type`."""
        if self.root is None:
            found: Dict[str, Any] = {"addr": hexa(self.addr), "type": self.type}
            if self.path:
                found["path"] = self.path
            return found
        return {"root": root_json(self.root), "type": self.type}


def hexa(addr: int) -> str:
    """An address in JSON."""
    return f"{addr:#x}"


def root_json(root: Any) -> Dict[str, Any]:
    """A root in JSON. A frame says where it runs."""
    found: Dict[str, Any] = {"kind": root.kind, "addr": hexa(root.addr), "name": root.name}
    if root.kind == "frame":
        found["function"] = root.name[:-2] if root.name.endswith("()") else root.name
        found["file"] = root.file
        found["line"] = root.line
    if root.thread:
        found["thread"] = root.thread
    return found


class Namer:
    """Values of objects, which need no more than the interpreter to be known."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def value(self, addr: int, columns: int = text.VALUE_WIDTH) -> str:
        """The short value of an object, or "" where it has none that can be read."""
        return self.value_and_cut(addr, columns)[0]

    def value_and_cut(self, addr: int, columns: int = text.VALUE_WIDTH) -> Tuple[str, bool]:
        """The same, and whether some of it is left out."""
        try:
            found, cut = self.session.value_text(addr)
        except InspectError:
            return "", False
        short = text.shorten(found, columns)
        return short, bool(cut) or short != text.clean(found)


class Allocation(NamedTuple):
    """Where tracemalloc saw a block allocated: the innermost frame first."""

    size: int
    lines: Tuple[Tuple[str, int], ...]
    left_out: int
    frames: List[Dict[str, Any]]  # the lines in JSON: all objects of one place share them

    @property
    def place(self) -> str:
        """`row.py:12`."""
        return _line_words(os.path.basename(self.lines[0][0]), self.lines[0][1])

    @property
    def words(self) -> str:
        """The whole traceback, as a sentence."""
        first, *callers = [_line_words(*line) for line in self.lines]
        called_at = f", called at {', '.join(callers)}" if callers else ""
        more = f", and {text.plural(self.left_out, 'more frame')}" if self.left_out else ""
        return f"{text.plural(self.size, 'byte')} at {first}{called_at}{more}"

    def as_json(self) -> Dict[str, Any]:
        """`size`, `frames`, `left_out`."""
        return {"size": self.size, "frames": self.frames, "left_out": self.left_out}


def _line_words(file: str, line: int) -> str:
    return f"{file}:{line}" if line else file


def allocated_json(found: Optional[Allocation]) -> Dict[str, Any]:
    """`allocated` where it is known: only while tracemalloc traces."""
    return {"allocated": found.as_json()} if found else {}


class Member(NamedTuple):
    """An object of which no more is wanted."""

    number: int
    addr: int
    type: int
    size: int


class Columns(NamedTuple):
    """Many objects, each at the same place of every column."""

    addrs: Sequence[int]
    types: Sequence[int]
    sizes: Sequence[int]


class Book(Namer):
    """Rows and names of one session."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self._summary: Optional[Any] = None
        self._types: Optional[List[Any]] = None
        self._objects: Dict[int, Any] = {}
        self._type_names: Dict[int, str] = {}
        self._whose: Dict[int, str] = {}
        self._roots: Dict[int, Any] = {}
        self._tracebacks: Dict[Tuple[Tuple[str, int], ...], Any] = {}
        self.is_traced = bool(session.python_info().tracemalloc)

    @property
    def summary(self) -> Any:
        """Numbers of the heap as a whole."""
        if self._summary is None:
            self._summary = self.session.heap_summary()
        return self._summary

    # ---- objects ----

    def at(self, addr: int) -> Any:
        """The row of the object at an address; fails as the library does where there is none."""
        # That is object_at, but where the heap was not read: there it does not wait for that.
        row = self.session.object_look(addr)
        self._objects[row.number] = row
        return row

    def object(self, number: int) -> Any:
        """The row of an object by number."""
        row = self._objects.get(number)
        if row is None:
            row = self._objects[number] = self.session.object_number(number)
        return row

    def objects(self, numbers: Iterable[int]) -> List[Any]:
        """The rows of many objects."""
        return [self.object(number) for number in numbers]

    def allocation(self, addr: int) -> Optional[Allocation]:
        """Where the object's block was allocated, if tracemalloc has kept it."""
        found = self.session.allocation_of(addr) if self.is_traced else None
        if not found or not found.rows:
            return None
        given = tuple((row.file, row.line) for row in found.rows)
        known = self._tracebacks.get(given)
        if known is None:
            lines = tuple((text.clean(file), line) for file, line in given)
            frames = [{"file": file, "line": line} for file, line in lines]
            known = self._tracebacks[given] = (lines, frames)
        return Allocation(found.size, known[0], found.left_out, known[1])

    def columns(self, numbers: Sequence[int]) -> Columns:
        """What is known of many objects with little work, even for millions."""
        return Columns(*self.session.object_columns(numbers))

    def members(self, numbers: Sequence[int]) -> List[Member]:
        """The same as a row each."""
        return list(map(Member, numbers, *self.columns(numbers)))

    def is_root(self, number: int) -> bool:
        """It owns references and is no object."""
        return number >= self.summary.first_root

    def root(self, number: int) -> Any:
        """The row of a root by number."""
        row = self._roots.get(number)
        if row is None:
            row = self._roots[number] = self.session.root_at(number)
        return row

    # ---- names ----

    @property
    def types(self) -> List[Any]:
        """Every type, by type id."""
        if self._types is None:
            self._types = self.session.type_list()
        return self._types

    def type_by_id(self, type_id: int) -> Optional[Any]:
        """A type, or None where the heap is too broken to have one."""
        # Objects looked at one by one bring types that were not known before.
        if type_id >= len(self.types):
            self._types = None
        return self.types[type_id] if 0 <= type_id < len(self.types) else None

    def type_row(self, row: Any) -> Optional[Any]:
        """The type of an object, or None where the heap is too broken to have one."""
        return self.type_by_id(row.type)

    def type_name(self, row: Any) -> str:
        """The short name of an object's type; `type@0x...` where it has none."""
        return self.name_of_type(row.type)

    def name_of_type(self, type_id: int) -> str:
        """The short name of a type by its id."""
        name = self._type_names.get(type_id)
        if name is None:
            found = self.type_by_id(type_id)
            name = text.shorten(found.name, NAME_WIDTH) if found else "?"
            self._type_names[type_id] = name = name or f"type@{found.addr:#x}"
        return name

    def full_type_name(self, row: Any) -> str:
        """With its module, but for builtins."""
        found = self.type_row(row)
        name = self.type_name(row)
        if found is None or found.module in ("", "builtins"):
            return name
        return f"{text.shorten(found.module, NAME_WIDTH)}.{name}"

    def own_name(self, row: Any) -> str:
        """The name a type, module or function calls itself by; else ""."""
        row_type = self.type_name(row)
        if row_type not in _NAMED_TYPES:
            return ""
        found = _NAMED.match(self.value(row.addr, 200))
        if not found:
            return ""
        name = found.group(1)
        # A module's name is its path; of the others the last part is what people say.
        return text.shorten(name if row_type == "module" else name.split(".")[-1], NAME_WIDTH)

    def whose(self, number: int) -> str:
        """Whose an object is, in words, or ""."""
        found = self._whose.get(number)
        if found is None:
            found = self._whose[number] = text.clean(self.session.whose(number))
        return found

    def holder(self, number: int) -> Holder:
        """What stands at the source of a reference, and whose it is."""
        found = self.holders([number])[number]
        return found if found.root is not None else found._replace(path=self.whose(number))

    def holders(self, numbers: Iterable[int]) -> Dict[int, Holder]:
        """Many of them, by number; whose an object is is not told."""
        distinct = set(numbers)
        objects = [number for number in distinct if not self.is_root(number)]
        found = {
            member.number: Holder(
                member.number, member.addr, self.name_of_type(member.type), "", member.type
            )
            for member in self.members(objects)
        }
        for number in distinct.difference(objects):
            root = self.root(number)
            found[number] = Holder(number, root.addr, root.kind, root_place(root), -1, root)
        return found


MOST_DANGLING = 10000
"""INSP_MOST_DANGLING: the library gives no more."""


class Dangling(NamedTuple):
    """A slot that owns what lies where no object starts."""

    holder: Holder
    slot: str
    target: int

    def as_json(self) -> Dict[str, Any]:
        """`holder`, `slot`, `target`."""
        return {"holder": self.holder.as_json(), "slot": self.slot, "target": hexa(self.target)}

    def cells(self) -> List[text.Cell]:
        """A row of a table."""
        who = text.shorten(f"{self.holder.type} {self.holder.path}".strip(), NAME_WIDTH)
        where = text.shorten(self.slot, NAME_WIDTH)
        return [text.address(self.holder.addr), who, where, f"-> {hexa(self.target)}"]


def dangling(book: Book, start: int, end: int) -> List[Dangling]:
    """The slots that point into a range, to where no object starts."""
    edges = book.session.dangling(start, end)
    holders = book.holders(edge.src for edge in edges)
    return [Dangling(holders[e.src], text.clean(e.name), e.dst_addr) for e in edges]


_NAMED_TYPES = {
    "type",
    "module",
    "function",
    "ABCMeta",
    "EnumType",
    "EnumMeta",
    "builtin_function_or_method",
}


def root_place(root: Any) -> str:
    """Where a root is: `serve() at orders.py:34`, `sys.modules`."""
    name = text.shorten(root.name, NAME_WIDTH)
    if root.kind != "frame" or not root.file:
        return name
    place = text.shorten(os.path.basename(root.file), NAME_WIDTH)
    return f"{name} at {place}:{root.line}" if root.line > 0 else f"{name} in {place}"


def root_words(root: Any) -> str:
    """`frame serve() at orders.py:34`, `sys.modules`."""
    return f"frame {root_place(root)}" if root.kind == "frame" else root_place(root)


def owner_words(book: Book, edge: Any) -> str:
    """The owner at the source of an edge: `.last of Worker 0x...`, `local 'x' of frame f()`."""
    holder = book.holder(edge.src)
    slot = text.shorten(edge.name, NAME_WIDTH)
    if holder.root is not None:
        return f"{slot} of {root_words(holder.root)}"
    return f"{slot} of {text.shorten(holder.type, 24)} {hexa(holder.addr)}"


def generation_words(gc: Optional[str]) -> str:
    """`generation 2`, `untracked`, `frozen`; "" without a gc head."""
    if gc is None:
        return ""
    if gc.startswith("gen") and gc[3:].isdigit():
        return f"generation {gc[3:]}"
    if gc in ("young", "old"):
        return f"{gc} generation"
    return gc


def module_name(path: str) -> str:
    """A module as a person says it: `_rowcache`, `python3.11`, `libc.so.6`."""
    base = os.path.basename(path)
    found = re.match(r"(.+?)\.(?:cpython-[^/]*|abi3)\.so$", base)
    return text.shorten(found.group(1) if found else base, NAME_WIDTH)


def foreign_extensions(modules: Iterable[Any]) -> List[str]:
    """Extension modules that did not come with CPython, by name."""
    names = set()
    for module in modules:
        path = module.path
        if not re.search(r"\.(cpython-[^/]*|abi3)\.so$", path) or "/lib-dynload/" in path:
            continue
        names.add(module_name(path))
    return sorted(names)
