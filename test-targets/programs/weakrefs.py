# SPDX-License-Identifier: MIT
# weakrefs: weak references to live and to unreachable objects, with and without callbacks.
import weakref

import planted


class Node:
    pass


SEEN = []


def ring():
    first, second = Node(), Node()
    first.next, second.next = second, first
    return first, second


def main():
    alive = Node()
    dying, other = ring()
    from_outside = weakref.ref(dying, SEEN.append)
    plain = weakref.ref(dying)
    other.own = weakref.ref(dying, SEEN.append)
    values = weakref.WeakValueDictionary({"alive": alive, "dying": dying})
    keys = weakref.WeakKeyDictionary({alive: ["held by a weak key"], dying: ["dies"]})
    members = weakref.WeakSet([alive, dying])
    facts = {
        "weak": [{"src": id(r), "dst": id(dying)} for r in (from_outside, plain, other.own)],
        "callbacks": [id(from_outside)],
        "garbage": {"ring": {"members": planted.addresses(planted.with_dicts([dying, other]))}},
        "alive": id(alive),
    }
    del dying, other
    planted.stop(facts)
    return from_outside, plain, values, keys, members


main()
