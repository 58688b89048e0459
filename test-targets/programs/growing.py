# SPDX-License-Identifier: MIT
# growing: dumped twice; between the dumps 420 orders come and the dropped sessions go.
# cores: core-before
import gc

import planted


class Order:
    def __init__(self, number):
        self.number, self.lines = number, [str(number)]


class Session:
    def __init__(self):
        self.cart = {"session": self}


CACHE = {}


def fill(first, count):
    for i in range(first, first + count):
        CACHE[i] = Order(i + 10 ** 6)


def main():
    fill(0, 1000)
    before = planted.addresses(CACHE.values())
    sessions = [Session() for _ in range(50)]
    gone = [a for s in sessions for a in (id(s), id(s.cart))]
    del sessions
    planted.pause({"orders": len(CACHE)}, "facts-before.json")
    gc.collect()
    fill(1000, 420)
    new = planted.addresses([CACHE[i] for i in range(1000, 1420)])
    planted.stop({"stayed": before, "new": new, "gone": gone})


main()
