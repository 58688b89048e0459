# SPDX-License-Identifier: MIT
# numeric: a program that computes with numpy: views, object arrays, record types, random state.
# needs: numpy
import planted

import numpy as np


class Model:
    """A small regression, with all that such a program keeps."""

    def __init__(self, rows, columns):
        self.rng = np.random.default_rng(7)
        self.data = self.rng.normal(size=(rows, columns))
        self.target = self.data @ np.arange(1.0, columns + 1) + 3
        self.window = self.data[10:20, 1:]
        self.transposed = self.data.T
        self.flat = self.data.flat
        self.masked = np.ma.masked_less(self.data[:50], 0)
        self.weights = np.linalg.lstsq(self.data, self.target, rcond=None)[0]


def objects():
    """Arrays whose items are Python objects: no collector sees what they hold."""
    names = np.empty(300, dtype=object)
    for i in range(300):
        names[i] = ["row %d" % i]
    shared = ("one tuple",)
    same = np.full(50, shared, dtype=object)
    same.fill(shared)
    part = names[::3]
    return {"names": names, "same": same, "part": part, "shared": shared, "zero": np.array(names[5])}


def records():
    kind = np.dtype([("name", "U8"), ("when", "M8[s]"), ("more", object), ("at", "f8", (3,))])
    table = np.zeros(40, dtype=kind)
    table["name"] = "abc"
    table["more"] = {"shared": "dict"}
    nested = np.dtype([("left", kind), ("right", kind)])
    return {"table": table, "row": table[3], "nested": nested, "record": table.view(np.recarray),
            "titles": np.dtype([(("a title", "a"), "i4"), ("b", "f4")])}


def tools():
    total = np.frompyfunc(lambda a, b: a + b, 2, 1)
    return {
        "ufunc": np.add, "made": total, "vector": np.vectorize(len),
        "iterator": np.nditer([np.arange(6), np.arange(6.0)]), "broadcast": np.broadcast(np.ones(3), 2),
        "memory": memoryview(np.arange(10)), "buffer": np.frombuffer(b"12345678", dtype="u1"),
        "scalars": [np.float64(1.5), np.int8(3), np.str_("text"), np.void(b"abc"), np.datetime64("2026-11-25")],
        "poly": np.polynomial.Polynomial([1, 2, 3]), "legacy": np.random.RandomState(3),
        "matrix": np.matrix([[1, 2], [3, 4]]), "flags": np.ones(2).flags,
        "interface": np.asarray(memoryview(bytearray(16))), "error": np.geterr(),
    }


model = Model(200, 6)
kept = {"model": model, "objects": objects(), "records": records(), "tools": tools()}
part, names = kept["objects"]["part"], kept["objects"]["names"]
edges = [{"src": id(part), "dst": id(names), "name": ".base"},
         {"src": id(part), "dst": id(part.dtype), "name": ".dtype"},
         {"src": id(names), "dst": id(names[7]), "name": "[7]"}]
# numpy.random's seven Cython modules keep 2 % of all objects in static variables: names, docstrings, constants.
planted.stop({"edges": edges, "kept": id(kept), "least_balanced": 97})
