# SPDX-License-Identifier: MIT
# cycles: unreachable rings of every shape; nothing is uncollectable.
import planted


class Instance:
    def __init__(self):
        self.next = None


class Slots:
    __slots__ = ("next",)


def itself():
    ring = []
    ring.append(ring)
    return [ring]


def lists(size):
    ring = [[] for _ in range(size)]
    for i in range(size):
        ring[i].append(ring[(i + 1) % size])
    return ring


def dicts(size):
    ring = [{"tag": "ring"} for _ in range(size)]
    for i in range(size):
        ring[i]["next"] = ring[(i + 1) % size]
    return ring


def instances(size, made=Instance):
    ring = [made() for _ in range(size)]
    for i in range(size):
        ring[i].next = ring[(i + 1) % size]
    return planted.with_dicts(ring)


def slots(size):
    return instances(size, Slots)


def closures():
    """function -> its closure tuple -> cell -> the function"""
    def inner():
        return inner
    return [inner, inner.__closure__, inner.__closure__[0]]


def parent_and_children(size):
    parent = {"children": []}
    children = [{"parent": parent} for _ in range(size)]
    parent["children"].extend(children)
    return [parent, parent["children"], *children]


SHAPES = [(itself,), (lists, 1), (lists, 2), (lists, 50), (dicts, 1), (dicts, 3),
          (instances, 1), (instances, 2), (instances, 10), (slots, 1), (slots, 5), (closures,),
          (parent_and_children, 4)]


def plant(shape, *size):
    members = shape(*size)
    return {"shape": shape.__name__, "size": len(members),
            "members": planted.addresses(members)}


def main():
    cycles = [plant(*s) for s in SHAPES]
    reachable = lists(3)
    facts = {"cycles": cycles, "reachable": [{"members": planted.addresses(reachable)}]}
    planted.stop(facts)
    return reachable


main()
