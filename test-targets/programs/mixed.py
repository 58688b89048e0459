# SPDX-License-Identifier: MIT
# mixed: a heap of many kinds, about as many objects as the argument says, for size and speed.
import collections
import functools
import random
import sys

import planted


class Plain:
    def __init__(self, number, other):
        self.number, self.other = number, other


class Slots:
    __slots__ = ("number", "other", "__weakref__")


def slots(number, other):
    made = Slots()
    made.number, made.other = number, other
    return made


def closure(number, other):
    def inner():
        return number, other
    return inner


def generator(number, other):
    yield number
    yield other


def started(number, other):
    made = generator(number, other)
    next(made)
    return made


# How to make one thing that refers to another, how many objects that is, how often it is chosen.
KINDS = [
    (lambda n, o: {"number": n + 1000, "other": o, "text": "d%d" % n}, 3, 14),
    (lambda n, o: [n + 1000, o, n + 2000], 3, 12),
    (lambda n, o: (n + 1000, o, "t%d" % n), 3, 14),
    (lambda n, o: Plain(n + 1000, o), 2, 12),
    (lambda n, o: slots(n + 1000, o), 2, 8),
    (lambda n, o: "text %d " % n * (n % 5 + 1), 1, 20),
    (lambda n, o: n * 1.5, 1, 5),
    (lambda n, o: {n + 1000, "s%d" % n}, 3, 4),
    (lambda n, o: collections.deque([n + 1000, o]), 2, 1),
    (lambda n, o: collections.OrderedDict(a=o, b=n + 1000), 2, 1),
    (lambda n, o: closure(n + 1000, o), 5, 3),
    (lambda n, o: started(n + 1000, o), 2, 1),
    (lambda n, o: functools.partial(max, n + 1000, o), 3, 1),
    (lambda n, o: b"bytes %d" % n, 1, 3),
    (lambda n, o: 3 ** (40 + n % 400), 1, 1),
]


def fill(wanted):
    chance = random.Random(7)
    kinds = chance.choices(KINDS, weights=[k[2] for k in KINDS], k=1 << 14)
    recent, kept, made, n = [None] * 64, [], 0, 0
    while made < wanted:
        make, objects, _ = kinds[n & (1 << 14) - 1]
        thing = make(n, recent[n * 7 & 63])
        kept.append(thing)
        recent[n & 63] = thing
        made += objects
        n += 1
    return kept


def rings(count):
    members = []
    for i in range(count):
        ring = [Plain(i, None) for _ in range(i % 7 + 1)]
        for k, thing in enumerate(ring):
            thing.other = ring[k - 1]
        members += planted.addresses(ring)
    return members


def main():
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 50000
    kept = fill(wanted)
    members = rings(max(3, wanted // 10000))
    planted.stop({"wanted": wanted, "garbage": {"rings": {"members": members}}})
    return kept


main()
