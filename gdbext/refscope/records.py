# SPDX-License-Identifier: MIT
"""Copying C structures of libinspect into plain Python records, whole arrays at a time.

What a structure looks like is _abi's business; this module knows only how to copy. A million rows
take well under a second: rows are unpacked by the struct module, and then handled by column, not
by field.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, Callable, Optional

from . import _abi

# Rows that are unpacked at once: bounds the memory that columns take beside the records.
_BATCH = 1 << 15

_CODES = {
    ctypes.c_int8: "b",
    ctypes.c_int16: "h",
    ctypes.c_int32: "i",
    ctypes.c_int64: "q",
    ctypes.c_uint8: "B",
    ctypes.c_uint16: "H",
    ctypes.c_uint32: "I",
    ctypes.c_uint64: "Q",
    ctypes.c_size_t: "N",
    ctypes.c_double: "d",
    ctypes.c_char_p: "P",
    ctypes.c_void_p: "P",
}


def copy(struct: type, address: int) -> Any:
    """The record (or list) of the structure at an address."""
    return _plan(struct).rows(address, 1)[0]


def copy_array(element: type, address: int, n: int) -> Any:
    """n elements: a list of records, or an array of numbers."""
    if hasattr(element, "_fields_"):
        return _plan(element).rows(address, n) if n else []
    numbers = array({1: "B", 4: "I", 8: "Q"}[ctypes.sizeof(element)])
    if n:
        numbers.frombytes(_bytes_at(address, n * numbers.itemsize))
    return numbers


def _bytes_at(address: int, size: int) -> memoryview:
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")


class _Texts(dict[int, Optional[str]]):
    """The text at an address, read once: rows share most of their names."""

    def __missing__(self, address: int) -> Optional[str]:
        text = ctypes.string_at(address).decode("utf-8", "replace") if address else None
        self[address] = text
        return text


class _Enum(dict[int, int]):
    """The member with a value; a value that has no member stays a number."""

    def __init__(self, kind: Callable[[int], int]) -> None:
        self.kind = kind

    def __missing__(self, value: int) -> int:
        try:
            self[value] = self.kind(value)
        except ValueError:
            self[value] = value
        return self[value]


Columns = list[Sequence[Any]]
Column = Callable[[Columns, _Texts], Iterable[Any]]


@lru_cache(maxsize=None)
def _plan(struct: type) -> _Plan:
    return _Plan(struct)


class _Plan:
    """How the rows of one structure are copied."""

    def __init__(self, struct: Any) -> None:
        self.at: dict[str, int] = {}  # field: its first column
        self.unpacker = Struct(self._format(struct))
        assert self.unpacker.size == ctypes.sizeof(struct)
        self.record = _abi.RECORDS[struct]
        lengths = _abi.LENGTHS.get(struct, {})
        self.lengths = {name: self.at[n] for name, n in lengths.items()}
        kinds = dict(struct._fields_)
        names = ["rows"] if self.record is list else self.record._fields
        enums = _abi.ENUMS.get(struct, {})
        self.plain = all(kinds[n] in _CODES and kinds[n] is not ctypes.c_char_p for n in names)
        self.plain = self.plain and not enums and self.record is not list
        self.columns = [self._column(name, kinds[name], enums.get(name)) for name in names]

    def _format(self, struct: Any) -> str:
        """In native mode the struct module pads as the C compiler does, but for the end."""
        codes, columns = "@", 0
        for name, kind in struct._fields_:
            if name == "reserved":
                codes += f"{ctypes.sizeof(kind)}x"
                continue
            self.at[name] = columns
            if hasattr(kind, "_length_") and kind._type_ is ctypes.c_char:
                codes += f"{kind._length_}s"
            elif hasattr(kind, "_length_"):
                codes += f"{kind._length_}{_CODES[kind._type_]}"
                columns += kind._length_ - 1
            else:
                codes += _CODES.get(kind, "P")
            columns += 1
        return codes + "0P" if ctypes.alignment(struct) == 8 else codes

    def _column(self, name: str, kind: Any, enum: Any) -> Column:
        at = self.at[name]
        if name in self.lengths:
            length, element = self.lengths[name], kind._type_
            return lambda columns, texts: map(
                lambda address, n: copy_array(element, address, n), columns[at], columns[length]
            )
        if kind is ctypes.c_char_p:
            return lambda columns, texts: map(texts.__getitem__, columns[at])
        if hasattr(kind, "_length_") and kind._type_ is ctypes.c_char:
            return lambda columns, texts: map(_buffer_text, columns[at])
        if hasattr(kind, "_length_"):
            return lambda columns, texts: zip(*columns[at : at + kind._length_])
        if enum is not None:
            members = _Enum(enum)
            return lambda columns, texts: map(members.__getitem__, columns[at])
        return lambda columns, texts: columns[at]

    def rows(self, address: int, n: int) -> list[Any]:
        view = _bytes_at(address, n * self.unpacker.size)
        if self.plain and len(self.at) == len(self.columns):
            return list(map(self.record._make, self.unpacker.iter_unpack(view)))
        found: list[Any] = []
        texts = _Texts()
        step = _BATCH * self.unpacker.size
        for start in range(0, len(view), step):
            unpacked = self.unpacker.iter_unpack(view[start : start + step])
            found.extend(self._records(list(zip(*unpacked)), texts))
        return found

    def _records(self, columns: Columns, texts: _Texts) -> Iterable[Any]:
        if self.record is list:
            return self.columns[0](columns, texts)
        return map(self.record._make, zip(*(column(columns, texts) for column in self.columns)))


def _buffer_text(buffer: bytes) -> str:
    return buffer.partition(b"\0")[0].decode("utf-8", "replace")
