# SPDX-License-Identifier: MIT
# busy: threads that were computing when another took the GIL from them, between two instructions.
import sys
import threading
import time

import planted

STARTED = []
LOOPS = []


def loop(function):
    LOOPS.append(function)
    return function


class Instance:
    attribute = property(lambda self: [self])

    def method(self, *args):
        return [args]

    def __call__(self):
        return Instance


def takes(*args, **kwargs):
    return [args, kwargs]


@loop
def calls_c():
    while True:
        [id([1]), len([2]), str(3), tuple([4]), isinstance(5, int), ord("x"), max([6], [7])]


@loop
def calls_c_methods():
    text, table = "text", {}
    while True:
        text.upper(), text.split("x"), table.get(1), table.setdefault(2, []), table.pop(2)


@loop
def calls_types():
    while True:
        list([1]), dict(a=[]), object(), type([]), Instance()


@loop
def calls_with_all():
    keywords = {"key": abs}
    while True:
        max(*[[1], [2]]), sorted([3, 1], **keywords), takes(*[1], **{"a": []})


@loop
def calls_what_returns_callables():
    callable_instance = Instance()
    while True:
        callable_instance()().method([]), getattr(Instance, "method")(callable_instance, [])


@loop
def calls_python():
    instance = Instance()
    while True:
        takes([1], key=[2]), instance.method([3]), instance.attribute


@loop
def loops_on_truth():
    value = [1]
    while value:
        again = value or []
        while not again:
            pass


@loop
def loops_over():
    while True:
        for item in [[1], [2], [3]]:
            [x for x in item]
            {x: [x] for x in item}


def generator():
    while True:
        yield [1]


@loop
def loops_over_generator():
    for item in generator():
        list(zip(item, [1]))


@loop
def computes():
    value = 1 << 100
    while True:
        other = value * 3 + value - 1
        other = [other < value, -other, other, "%s%s" % (1, [2]), f"{value}{[]}"]


@loop
def handles():
    while True:
        try:
            raise KeyError([1])
        except KeyError as error:
            takes(error)
        finally:
            takes([2])


def run(function):
    STARTED.append(1)
    function()


def main():
    sys.setswitchinterval(1e-5)
    for function in LOOPS * 4:
        threading.Thread(target=run, args=(function,), daemon=True).start()
    while len(STARTED) < 4 * len(LOOPS):
        time.sleep(0.01)
    time.sleep(0.5)
    planted.stop({})


main()
