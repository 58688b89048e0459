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
    """One owner of each kind, and the slot each holds `subject` in."""
    plain, slots = Plain(), Slots()
    plain.held = slots.held = subject
    default.__defaults__ = (subject,)
    generator = generator_of(subject)
    next(generator)
    inner = closure_over(subject)
    return [
        (plain, ".held"), (slots, ".held"), ([subject, subject], "[0] [1]"),
        ((0, subject), "[1]"), ({"key": subject}, "['key']"),
        (collections.deque([subject]), "[0]"), (functools.partial(print, subject), ".args"),
        (collections.OrderedDict(a=subject), "['a']"), (generator, "local 'value'"),
        (inner, "closure 'value'"), (inner.__closure__[0], ".cell_contents"),
        (default.__defaults__, "[0]"),
    ]


def main():
    subject = ["shared"]
    owners = owners_of(subject)
    facts = {
        "subject": id(subject),
        # 13 by the owners (the list holds two; the closure by its cell; partial by its args
        # tuple) and the local of this frame.
        "refcount": 13,
        "owners": [{"addr": id(o), "slot": slot} for o, slot in owners],
    }
    planted.stop(facts)
    return subject, owners


main()
