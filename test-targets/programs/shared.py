# SPDX-License-Identifier: MIT
# shared: one object with known owners of many kinds; every reference has a name.
import collections
import functools

import planted


class Plain:
    pass


class Slots:
    __slots__ = ("held",)


def closure_over(value):
    def inner():
        return value
    return inner


def generator_of(value):
    yield value
    yield None


def default(value=None):
    return value


def owners_of(subject):
    """What holds `subject` by itself, the slot it does so in, and what keeps that alive."""
    plain, slots, partial = Plain(), Slots(), functools.partial(print, subject)
    plain.held = slots.held = subject
    default.__defaults__ = (subject,)
    generator = generator_of(subject)
    next(generator)
    inner = closure_over(subject)
    twice = [subject, subject]
    return [
        planted.attribute(plain, "held"), (slots, ".held"), (twice, "[0]"), (twice, "[1]"), ((0, subject), "[1]"),
        ({"key": subject}, "['key']"), (collections.deque([subject]), "[0]"), (partial.args, "[0]"),
        (collections.OrderedDict(a=subject), "['a']"), planted.local(generator, "value"),
        (inner.__closure__[0], ".cell_contents"), (default.__defaults__, "[0]"),
    ], (partial, inner)


def edges(owners, address):
    return [{"src": id(o), "dst": address, "name": slot} for o, slot in owners]


def main():
    subject = ["shared"]
    owners, keepers = owners_of(subject)
    planted.stop({
        "subject": id(subject),
        "edges": edges(owners, id(subject)),
        "locals": [{"function": "main", "name": "subject", "dst": id(subject)}],
        # Those, and the local of this frame.
        "refcounts": [{"addr": id(subject), "refcount": len(owners) + 1}],
    })
    return subject, owners, keepers


main()
