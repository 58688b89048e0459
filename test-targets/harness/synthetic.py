# SPDX-License-Identifier: MIT
"""Writes the export that a perfect reader would write, out of a truth and its core.

It is for testing the comparison itself: a sound export must pass every check, and one with a
planted error must fail the check for that kind of error. It knows only what the truth knows, so
all references from roots and from untold slots are in the remainders; `balance` is made to hold
by roots of one kind, "untold", that own what is left.
"""
import collections
import json
import typing
from pathlib import Path

from . import truth as flags
from .compare import DICT_SUBCLASS
from .corefile import Core, refcount
from .truth import Truth

Line = typing.Dict[str, typing.Any]


class Lines:
    """The lines of a sound export, which a test may spoil before it writes them."""

    def __init__(self, truth: Truth, core: Core) -> None:
        self.truth, self.core = truth, core
        self.ids = {a: i for i, a in enumerate(sorted(truth.objects))}
        self.edges = self._edges()
        self.objects = self._objects()
        self.types = self._types()
        self.header = {"kind": "header", "schema": 1, "free_threaded": False, "debug": False,
                       "balanced": 1.0, "explained": 1.0, "source": "core"}
        self.roots = [{"kind": "root", "id": -1, "root": "untold", "name": "untold"}]

    def _edges(self) -> typing.List[Line]:
        edges = []
        for addr in sorted(self.ids):
            record = self.truth.objects[addr]
            edges += [self._edge(addr, to, True, "[%d]" % i)
                      for i, to in enumerate(record.visited)]
            if not self._keys_are_told(record):
                edges += [self._edge(addr, to, False, self._slot(record, i))
                          for i, to in enumerate(record.extras)]
        return edges

    def _slot(self, record: flags.Record, i: int) -> str:
        """A name that the slot could have."""
        if self.truth.types[record.type].flags & DICT_SUBCLASS:
            return "key %d" % i
        return (".__name__", ".__qualname__", ".__slots__")[i % 3]

    def _keys_are_told(self, record: flags.Record) -> bool:
        """A dict's keys are visited, or belong to another dict or type."""
        return bool(record.flags & flags.IS_SPLIT) or (
            self.truth.type_name(record.type) == "dict"
            and len(record.visited) >= 2 * len(record.extras))

    def _edge(self, src: int, dst: int, seen: bool, name: str) -> Line:
        return {"kind": "edge", "src": self.ids[src], "dst": self.ids[dst], "ref": "owned",
                "visited": seen, "name": name}

    def _objects(self) -> typing.List[Line]:
        owned = collections.Counter(e["dst"] for e in self.edges if e["ref"] == "owned")
        lines = []
        for addr, number in self.ids.items():
            record = self.truth.objects[addr]
            real = refcount(self.core, addr, self.truth.version, False)
            rest = real.count - owned[number]
            if not real.immortal:
                self._settle(number, rest)
            lines.append({
                "kind": "object", "id": number, "addr": hex(addr), "type": hex(record.type),
                "refcnt": real.count, "immortal": real.immortal, "size": record.size,
                "bytes": 16, "gc": self._gc(record), "unexplained": 0,
                "remainder": None if real.immortal else 0})
        return lines

    def _settle(self, number: int, rest: int) -> None:
        """The untold root owns what is left; what is told too often is borrowed instead."""
        self.edges[:0] = [{"kind": "edge", "src": -1, "dst": number, "ref": "owned",
                           "visited": False, "name": "untold"}] * max(0, rest)
        if rest < 0:
            told = [e for e in self.edges if e["dst"] == number and e["ref"] == "owned"]
            for edge in told[:-rest]:
                edge["ref"] = "borrowed"

    @staticmethod
    def _gc(record: flags.Record) -> typing.Optional[str]:
        if not record.flags & flags.IS_GC:
            return None
        if not record.flags & flags.IS_TRACKED:
            return "untracked"
        return "gen%d" % record.gen if record.gen >= 0 else "frozen"

    def _types(self) -> typing.List[Line]:
        lines = []
        for known in self.truth.types.values():
            module, _, name = known.name.rpartition(".")
            if known.flags >> 9 & 1:
                module, name = "__main__", known.name
            lines.append({"kind": "type", "id": hex(known.addr), "addr": hex(known.addr),
                          "name": name, "module": module or "builtins",
                          "basicsize": known.basicsize, "itemsize": known.itemsize})
        return lines

    def object(self, addr: int) -> Line:
        """The line of one object, to spoil it."""
        return self.objects[self.ids[addr]]

    def all(self) -> typing.List[Line]:
        """Every line, in the order of the format."""
        return [self.header, *self.types, *self.roots, *self.objects, *self.edges]

    def write(self, path: Path) -> Path:
        """Write all lines."""
        with open(path, "w") as out:
            out.writelines(json.dumps(line) + "\n" for line in self.all())
        return path
