# SPDX-License-Identifier: MIT
# expressions: the process stops in the middle of expressions, values lie on evaluation stacks.
import planted

ON_STACK = []  # addresses of objects that have one owner: a slot of an evaluation stack


def temporary(kind=list):
    made = kind(["temporary"])
    ON_STACK.append(id(made))
    return made


class Manager:
    def __enter__(self):
        return None

    def __exit__(self, *_):
        return False


class Adder:
    def __radd__(self, other):
        return deepest(other)

    def __getitem__(self, key):
        return [temporary(), self + [key]]

    def __add__(self, other):
        return (temporary(set), collect(temporary(), key=temporary(), last=Adder().__radd__(1)))


def collect(*args, **kwargs):
    return args, kwargs


def deepest(_):
    planted.stop({"on_stack": ON_STACK})


def in_loops():
    for outer in [["first"], ("second",)]:
        with Manager():
            for inner in (outer, 1):
                return [temporary(), *[Adder()[i] for i in range(1)], inner]


def in_handler():
    try:
        raise ValueError(["kept by the exception"])
    except ValueError:
        try:
            return (temporary(), in_loops())
        finally:
            pass


def generator():
    yield 0
    yield [temporary(), (yield in_handler())]


def suspended():
    """Waits with a value on its stack for as long as the process stands."""
    yield (temporary(), (yield 1))


def main():
    waiting = suspended()
    next(waiting)
    running = generator()
    next(running)
    return "%s %s" % (temporary(), next(running)), [next(g) for g in [generator()]], waiting


main()
