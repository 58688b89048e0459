# SPDX-License-Identifier: MIT
"""Reads what `refscope export --format jsonl` wrote. Takes nothing for granted in it."""
import collections
import gzip
import json
import typing
from pathlib import Path


class Malformed(Exception):
    """A line breaks the format: not what the documents promise."""


class Object:
    """One object line."""

    __slots__ = ("id", "addr", "type", "refcnt", "immortal", "size", "size_of", "bytes", "gc",
                 "remainder", "unexplained", "located", "interp")

    def __init__(self, line: typing.Dict[str, typing.Any], type_addr: int) -> None:
        self.id = line["id"]
        self.addr = int(line["addr"], 16)
        self.type = type_addr
        self.refcnt = line["refcnt"]
        self.immortal = line["immortal"]
        self.size = line["size"]
        self.size_of = line.get("size_of", "object")
        self.bytes = line["bytes"]
        self.gc = line["gc"]
        self.remainder = line["remainder"]
        self.unexplained = line["unexplained"]
        self.located = line.get("located")
        self.interp = line.get("interp", 0)


class Edge(typing.NamedTuple):
    """One edge line; src and dst are ids, a negative src is a root's."""

    src: int
    dst: int
    ref: str
    visited: bool
    name: str


class Type(typing.NamedTuple):
    """One type line."""

    addr: int
    name: str
    module: str
    basicsize: typing.Optional[int]
    itemsize: typing.Optional[int]


class Export:
    """A whole export in memory."""

    def __init__(self) -> None:
        self.header: typing.Dict[str, typing.Any] = {}
        self.types: typing.Dict[int, Type] = {}
        self.roots: typing.Dict[int, typing.Dict[str, typing.Any]] = {}
        self.objects: typing.Dict[int, Object] = {}
        self.edges: typing.List[Edge] = []
        self.unknown: typing.Counter[str] = collections.Counter()

    @classmethod
    def load(cls, path: Path) -> "Export":
        """Read an export, plain or gzip'ed."""
        opener = gzip.open if str(path).endswith(".gz") else open
        with opener(path, "rt", encoding="utf-8") as lines:
            try:
                return cls.of(map(json.loads, lines))
            except Malformed as error:
                raise Malformed("%s: %s" % (path, error)) from error

    @classmethod
    def of(cls, lines: typing.Iterable[typing.Dict[str, typing.Any]]) -> "Export":
        """The export that consists of these lines."""
        self, number = cls(), 0
        try:
            for number, line in enumerate(lines, 1):
                self._line(line)
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed("line %d: %s: %s" % (number, type(error).__name__, error)) from error
        if not self.header:
            raise Malformed("no header line")
        return self

    def _line(self, line: typing.Dict[str, typing.Any]) -> None:
        kind = line["kind"]
        if kind == "edge":
            self.edges.append(Edge(line["src"], line["dst"], line["ref"], line["visited"],
                                   line["name"]))
        elif kind == "object":
            if line["id"] in self.objects:
                raise ValueError("object id %r again" % line["id"])
            self.objects[line["id"]] = Object(line, self.types[line["type"]].addr)
        elif kind == "type":
            self.types[line["id"]] = Type(int(line["addr"], 16), line["name"], line["module"],
                                          line.get("basicsize"), line.get("itemsize"))
        elif kind == "root":
            self.roots[line["id"]] = line
        elif kind == "header":
            if line["schema"] != 1:
                raise ValueError("schema %r" % line["schema"])
            self.header = line
        else:
            self.unknown[kind] += 1

    def by_address(self) -> typing.Dict[int, Object]:
        """Objects by address; where an address comes twice, the last (check `structure` tells)."""
        return {o.addr: o for o in self.objects.values()}

    def type_names(self) -> typing.Dict[int, str]:
        """What to call a type in a report, by its address."""
        return {t.addr: t.name if t.module in ("", "builtins") else t.module + "." + t.name
                for t in self.types.values()}

    def outgoing(self) -> typing.Dict[int, typing.List[Edge]]:
        """Edges by source id."""
        out: typing.Dict[int, typing.List[Edge]] = collections.defaultdict(list)
        for edge in self.edges:
            out[edge.src].append(edge)
        return out
