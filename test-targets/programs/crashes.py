# SPDX-License-Identifier: MIT
# crashes: dies in the way that its argument names.
# ext: _crashes
# ends: SIGSEGV SIGABRT SIGFPE SIGBUS
import gc
import os
import signal
import sys

import _crashes
import planted


class Node:
    __slots__ = ("name", "next", "state")


def use(kind, subject):
    planted.write_facts({"kind": kind, "subject": id(subject)})
    if kind == "wild_item":
        _crashes.set_item(subject)
        gc.collect()
    elif kind == "smashed_type":
        _crashes.smash_type(subject[0])
        repr(subject)
    elif kind == "smashed_in_collection":
        _crashes.smash_type(subject[0])
        gc.collect()
    elif kind == "reused":
        _crashes.drop(subject[0])
        kept = ["GET /o/%d" % (10000 + i) for i in range(40)]
        gc.collect()
        return kept
    elif kind == "sent":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind in ("null_field", "wrong_type", "null_type"):
        getattr(_crashes, kind)(subject)
    else:
        getattr(_crashes, kind)()
    return None


def main(kind):
    subject = [Node()]
    if kind == "wrong_type":
        subject = 1 << 60
    elif kind == "null_type":
        subject = Node()
    use(kind, subject)


main(sys.argv[1])
