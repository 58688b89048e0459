# SPDX-License-Identifier: MIT
"""make_heap.py N OUT.json: a mixed heap of about N objects, which then stands still for a core.

Writes what gc.collect() takes of this heap, median of three, and how many objects the collector has.
The same N gives the same heap: the random numbers are seeded.
"""

import collections
import functools
import gc
import json
import random
import sys
import time
import weakref


class Node:
    """An instance with attributes."""

    def __init__(self, i, other):
        self.id, self.other, self.name = i, other, f"node-{i}"


class Slotted:
    __slots__ = ("a", "b", "c", "__weakref__")

    def __init__(self, a, b):
        self.a, self.b, self.c = a, b, None


class MyList(list):
    pass


class Method:
    def method(self):
        return self


def closure(i, other):
    def inner(x=0):
        return i, other, x

    return inner


def generator(other):
    while True:
        yield other


def started(other):
    made = generator(other)
    next(made)
    return made


def a_dict(i, other, rng):
    count = rng.choice((1, 2, 3, 3, 5, 8, 20))
    made = {f"k{j + (i & 7)}": i + j for j in range(count)}
    made["other"] = other
    return made, count + 2


def a_list(i, other, rng):
    count = rng.randrange(12)
    return [i * 1000 + j for j in range(count)] + [other], count + 1


def weakly(i):
    target = Slotted(i, None)
    return target, weakref.ref(target)


# Weight in the mix, and how one is made: an object, and how many objects came with it.
MIX = (
    (14, a_dict),
    (12, a_list),
    (14, lambda i, other, rng: ((i + 100000, other, f"t{i}"), 3)),
    (12, lambda i, other, rng: (Node(i + 1000, other), 3)),
    (8, lambda i, other, rng: (Slotted(i * 3 + 1000, other), 2)),
    (14, lambda i, other, rng: (f"s{i}-" * rng.choice((1, 2, 4, 10)), 1)),
    (8, lambda i, other, rng: (i + 10**6, 1)),
    (4, lambda i, other, rng: (i * 1.5, 1)),
    (3, lambda i, other, rng: ({i, i + 1, f"x{i}"}, 4)),
    (1, lambda i, other, rng: (frozenset((i, i + 7)), 3)),
    (2, lambda i, other, rng: (closure(i + 5000, other), 5)),
    (2, lambda i, other, rng: (Method().method, 2)),
    (0.7, lambda i, other, rng: (collections.deque((i + 900, other, i + 901)), 3)),
    (0.6, lambda i, other, rng: (collections.OrderedDict((("a", i + 7), ("b", other))), 2)),
    (2, lambda i, other, rng: (b"b%d" % i, 1)),
    (1, lambda i, other, rng: ((1 << (40 + i % 400)) + i, 1)),
    (0.5, lambda i, other, rng: (started(other), 2)),
    (0.5, lambda i, other, rng: (functools.partial(max, other, i + 333), 4)),
    (0.5, lambda i, other, rng: (MyList((other, i + 444)), 2)),
    (0.02, lambda i, other, rng: ([0] * 5000, 1)),
    (0.5, lambda i, other, rng: (weakly(i), 4)),
    (0.3, lambda i, other, rng: (bytearray(b"ba%d" % i), 1)),
)
CONTAINERS = (a_dict, a_list)


def fill(keep, wanted):
    """Objects in lists of 200, which `keep` holds."""
    rng = random.Random(1)
    weights, makers = zip(*MIX)
    recent = [keep] * 64
    made = i = 0
    bucket = []
    while made < wanted:
        for make in rng.choices(makers, weights, k=4096):
            i += 1
            one, count = make(i, recent[rng.randrange(64)], rng)
            made += count
            bucket.append(one)
            if len(bucket) == 200:
                keep.append(bucket)
                bucket = []
            if make in CONTAINERS:
                recent[rng.randrange(64)] = one
    keep.append(bucket)


def seconds_of_collection():
    gc.collect()
    times = []
    for _ in range(3):
        began = time.perf_counter()
        gc.collect()
        times.append(time.perf_counter() - began)
    return sorted(times)[1]


def plant_rings(count):
    """Rings of 1 to 5 lists that nobody refers to."""
    for i in range(count):
        ring = [[] for _ in range(i % 5 + 1)]
        for j, member in enumerate(ring):
            member.append(ring[j - 1])


def main():
    wanted, out = int(float(sys.argv[1])), sys.argv[2]
    gc.disable()
    keep = []
    fill(keep, wanted)
    seconds = seconds_of_collection()
    plant_rings(max(3, wanted // 10000))
    facts = {
        "python": sys.version.split()[0],
        "collect": seconds,
        "gc_objects": len(gc.get_objects()),
        "keep": hex(id(keep)),
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(facts, file)
    print("ready", flush=True)
    sys.stdin.read()


main()
