# SPDX-License-Identifier: MIT
# crashes: dies in the way that its argument names.
# ext: _crashes
# ends: SIGSEGV SIGABRT SIGFPE SIGBUS
import gc
import os
import resource
import signal
import sys

import _crashes
import planted


# Freed memory and memory never written look like something only under the debug hooks.
HOOKED = ("freed", "thread_state", "uninitialised")


class Node:
    __slots__ = ("name", "next", "state")


def overflow(kept):
    # In a debug build the hooks' bytes make blocks larger.
    size = next(n for n in (48, 80) if _crashes.neighbours(kept, n))
    first, second = _crashes.neighbours(kept, size)
    yield id(kept[second])
    _crashes.overflow(kept[first], size)
    repr(kept[second])


def dropped(subject, use):
    """The list still refers to it."""
    yield id(subject[0])
    _crashes.drop(subject[0])
    use(subject)


def wild_item(subject):
    yield id(subject)
    _crashes.set_item(subject)
    gc.collect()


def smashed(subject, use):
    yield id(subject[0])
    _crashes.smash_type(subject[0])
    use(subject)


def reused(subject):
    yield id(subject[0])
    _crashes.drop(subject[0])
    kept = ["GET /o/%d" % (10000 + i) for i in range(40)]
    gc.collect()
    return kept


def traversed(holder):
    yield id(holder)
    gc.collect()


def deallocated(holder):
    yield id(holder)
    del holder


def memory():
    yield 0
    resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
    kept = []
    try:
        while True:
            kept.append(bytearray(1 << 22))
    except MemoryError:
        os.abort()


def sent():
    yield 0
    os.kill(os.getpid(), signal.SIGSEGV)


def called(function, *args):
    yield id(args[0]) if args else 0
    function(*args)


def plan(kind):
    """What dies, in two steps: it tells which object, then it does it."""
    if kind == "overflow":
        return overflow([b"%015d" % number for number in range(200)])
    if kind in ("smashed_type", "smashed_in_collection"):
        return smashed([Node()], repr if kind == "smashed_type" else lambda _: gc.collect())
    if kind == "freed":
        return dropped([Node()], repr)
    if kind == "unmapped":
        return dropped([bytes(1 << 20)], repr)
    if kind in ("wild_item", "reused"):
        return globals()[kind]([Node()])
    if kind == "traverse":
        return traversed(_crashes.holder(0x4141414141414140))
    if kind == "dealloc":
        return deallocated(_crashes.holder(0))
    if kind in ("sent", "memory"):
        return globals()[kind]()
    taken = {"null_field": [Node()], "wrong_type": 1 << 60, "null_type": Node()}
    return called(getattr(_crashes, kind), *([taken[kind]] if kind in taken else []))


def use(kind, steps):
    subject = next(steps)
    planted.write_facts({"kind": kind, "subject": subject})
    next(steps, None)


def main(kind):
    if kind in HOOKED and "PYTHONMALLOC" not in os.environ:
        os.environ["PYTHONMALLOC"] = "debug"
        os.execv(sys.executable, [sys.executable] + sys.argv)
    use(kind, plan(kind))


main(sys.argv[1])
