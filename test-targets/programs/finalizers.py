# SPDX-License-Identifier: MIT
# finalizers: unreachable cycles with __del__: one that lets go, one that resurrects; a generator.
import planted

KEPT = []


class Quiet:
    def __del__(self):
        pass


class Lazarus:
    def __del__(self):
        KEPT.append(self)


def generator_of(held):
    try:
        yield held
    finally:
        held.clear()


def quiet_ring():
    first, second = Quiet(), [1]
    first.next = second
    second.append(first)
    return {"members": planted.addresses([first, second]),
            "finalizers": [id(first)]}


def resurrected_ring():
    """Everything that the one with a __del__ reaches comes back with it."""
    first, second, third = Lazarus(), {"back": None}, ["carried"]
    first.next = second
    second["back"] = first
    second["load"] = third
    return {"members": planted.addresses([first, second, third]),
            "finalizers": [id(first)], "resurrected": planted.addresses([first, second, third])}


def suspended_generator():
    """Closing the generator is its finalizer: it frees the cycle before the collector does."""
    box = {}
    box["generator"] = generator_of(box)
    next(box["generator"])
    return {"members": planted.addresses([box, box["generator"]]),
            "finalizers": [id(box["generator"])]}


def main():
    rings = {"quiet": quiet_ring(), "resurrected": resurrected_ring(),
             "generator": suspended_generator()}
    planted.stop({"garbage": rings})


main()
