# SPDX-License-Identifier: MIT
# damage: memory overwritten in the way that its argument names, and dead before anybody meets it.
# ends: SIGABRT
import ctypes
import os
import sys

import planted

HOOKED = ("behind", "before", "freed")
POOL = 16384 if sys.version_info >= (3, 10) else 4096


def word(addr, value=None, kind=ctypes.c_uint64):
    at = kind.from_address(addr)
    was = at.value
    if value is not None:
        at.value = value
    return was


def block(size):
    """A bytes object in a block that few others are as large as."""
    return b"%d" % size * (size // 3)


class Held:
    """What is to outlive the damage."""

    kept = [block(size) for size in (240, 300, 420)]
    ring = [[] for _ in range(8)]


# Each says first what it will do: the rule, where, whose memory it is. Then it does.


def behind():
    last = Held.kept[0]
    yield "guard", id(last), id(last)
    word(id(last) + sys.getsizeof(last) + 2, 0x41, ctypes.c_uint8)


def before():
    addr = id(Held.kept[0])
    yield "guard", addr, addr
    word(addr - 3, 0x41, ctypes.c_uint8)


def freed():
    addr = id(Held.kept[1])
    Held.kept[1] = None
    yield "written-after-free", addr - 16, 0
    word(addr + 24, 0x4141)


def pool_count():
    pool = id(Held.kept[0]) & -POOL
    yield "pool-count", pool, 0
    word(pool, word(pool, kind=ctypes.c_uint32) + 1, ctypes.c_uint32)


def pool_freelist():
    pool = id(Held.kept[2]) & -POOL
    yield "pool-freelist", pool, 0
    word(pool + 8, pool + POOL + 64)


def gc_link():
    addr = id(Held.ring[4])
    yield "gc-list", addr - 16, 0
    word(addr - 8, id(Held.ring[1]) - 16 | word(addr - 8) & 3)


def too_many():
    yield "refcount", id(Held), 0
    word(id(Held), 0x7FFFFFFF, ctypes.c_uint32)


def eaten():
    yield "static-deficit", id(None), 0
    word(id(None), 40)


def drifted():
    yield "immortal", id(NotImplemented), 0
    half = ctypes.c_uint32
    word(id(NotImplemented), word(id(NotImplemented), kind=half) - 1000, half)


def main(kind):
    if kind in HOOKED and "PYTHONMALLOC" not in os.environ:
        os.environ["PYTHONMALLOC"] = "debug"
        os.execv(sys.executable, [sys.executable] + sys.argv)
    damage = globals()[kind]()
    rule, addr, around = next(damage)
    planted.write_facts({"rule": rule, "addr": addr, "around": around})
    next(damage, None)
    os.abort()


main(sys.argv[1])
