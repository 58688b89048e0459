# SPDX-License-Identifier: MIT
# leaks: references taken by C and never given back, on objects of many types.
# ext: _leaky
import types

import _leaky
import planted


class Instance:
    pass


class Slots:
    __slots__ = ("x",)


KEPT = []


def made():
    """What is leaked, each a fresh object; the second number is how many references."""
    module = types.ModuleType("leaked_module")
    return [
        ([1, 2], 1), ({"leaked": 1}, 2), ("leaked string %d" % len(KEPT), 1),
        (10 ** 40 + len(KEPT), 1), (b"leaked bytes %d" % len(KEPT), 3), (Instance(), 1),
        (Slots(), 1), (type("LeakedType", (), {}), 1), (module, 1), ((1, [2]), 1), ({1, 2}, 1),
        (1.5 + len(KEPT), 2), (bytearray(b"x"), 1), (lambda: KEPT, 1), (frozenset([3]), 1),
    ]


def leak_all(kept):
    facts = []
    for thing, references in made():
        _leaky.leak(thing, references)
        if kept:
            KEPT.append(thing)
        facts.append({"addr": id(thing), "type": type(thing).__name__, "remainder": references,
                      "held": kept})
    return facts


def leaked_cycle():
    """A leak keeps its whole ring: nothing of it is garbage."""
    ring = []
    ring.append({"ring": ring})
    _leaky.leak(ring, 1)
    return [{"addr": id(ring), "type": "list", "remainder": 1, "held": True}]


def main():
    facts = leak_all(True) + leak_all(False) + leaked_cycle()
    facts.append({"addr": _leaky.orphan("nobody refers to this"), "type": "bytes",
                  "remainder": 1, "held": False})
    planted.stop({"remainders": facts, "garbage": {}})


main()
