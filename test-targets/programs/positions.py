# SPDX-License-Identifier: MIT
# positions: threads that wait in the middle of every kind of instruction, values on their stacks.
import sys
import threading
import time

import planted

ON_STACK = []  # addresses of objects that have one owner: a slot of an evaluation stack
ARRIVED = []
GATE = threading.Lock()
POSITIONS = []


def position(function):
    POSITIONS.append(function)
    return function


def made():
    """An object that whoever calls this keeps on the stack, and nowhere else."""
    value = ["made"]
    ON_STACK.append(id(value))
    return value


def wait(*_, **__):
    ARRIVED.append(1)
    GATE.acquire()


class Waits:
    """Whatever is done with it waits."""
    __add__ = __radd__ = __iadd__ = __neg__ = __bool__ = __call__ = __getitem__ = wait
    __setitem__ = __delitem__ = __contains__ = __iter__ = __next__ = __format__ = wait
    __str__ = __repr__ = __enter__ = __hash__ = __lt__ = __eq__ = __await__ = wait
    __aiter__ = __anext__ = __aenter__ = __aexit__ = __index__ = __len__ = wait
    attribute = property(wait, wait, wait)

    def __exit__(self, *_):
        wait()


class Asks(Waits):
    """Its iterator waits only when it is asked."""

    def __iter__(self):
        return self

    def keys(self):
        return self


class Late:
    """Gives some, then waits."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return self

    def __next__(self):
        self.count -= 1
        if self.count < 0:
            wait()
        return ["given"]


class Deleted:
    def __del__(self):
        wait()


class WaitsToBe:
    def __init__(self, *_, **__):
        wait()


class Error(Exception, WaitsToBe):
    __init__ = WaitsToBe.__init__


class Meta(type):
    def __prepare__(name, bases):
        wait()

    def __instancecheck__(cls, instance):
        wait()


class Exits:
    def __enter__(self):
        return None

    def __exit__(self, *_):
        wait()


def takes(*args, **kwargs):
    return args, kwargs


@position
def calls_c():
    return [made(), GATE.acquire(*[ARRIVED.append(1)][1:]), made()]


@position
def calls_c_with_arguments():
    ARRIVED.append(1)
    return [made(), GATE.acquire(True, 1e6)]


@position
def calls_c_with_keywords():
    ARRIVED.append(1)
    return [made(), GATE.acquire(blocking=True, timeout=1e6)]


@position
def calls_back():
    return takes(made(), max([1, 2], key=wait), last=made())


@position
def calls_instance():
    return takes(made(), Waits()(1))


@position
def calls_class():
    return takes(made(), WaitsToBe(1, keyword=2))


@position
def calls_with_all():
    return takes(made(), WaitsToBe(*(1, 2), **{"a": 1}))


@position
def calls_with_iterable():
    return takes(made(), takes(*Asks()))


@position
def calls_with_keywords_of_iterable():
    return takes(made(), takes(**Asks()))


@position
def calls_method():
    return takes(made(), sorted([2, 1], key=Waits().__call__))


@position
def calls_bound():
    bound = Waits().__call__
    return takes(made(), bound(1, 2))


@position
def calls_partial():
    import functools
    part = functools.partial(wait, "bound")
    return takes(made(), part(1))


@position
def calls_class_method():
    class Cls:
        method = classmethod(wait)
    return takes(made(), Cls.method(1))


@position
def calls_nested():
    return takes(made(), takes(made(), takes(made(), wait(1))))


@position
def adds():
    return made(), Waits() + 1


@position
def adds_from_the_right():
    return made(), 1 + Waits()


@position
def adds_in_place():
    waits = Waits()
    waits += 1


@position
def negates():
    return made(), -Waits()


@position
def compares():
    return made(), Waits() < 1


@position
def compares_chained():
    return made(), 1 < 2 < 3 == Waits() < 4


@position
def looks_for():
    return made(), 1 in Waits()


@position
def gets_item():
    return made(), Waits()[1]


@position
def sets_item():
    for _ in [1]:
        Waits()["key"] = ["new"]


@position
def deletes_item():
    for _ in [1]:
        del Waits()[1]


@position
def gets_slice():
    return made(), [1, 2, 3][made() and 0:Waits()]


@position
def gets_attribute():
    return made(), Waits().attribute


@position
def sets_attribute():
    for _ in [1]:
        Waits().attribute = ["new"]


@position
def deletes_attribute():
    for _ in [1]:
        del Waits().attribute


@position
def asks_truth():
    for _ in [1]:
        if Waits():
            pass


@position
def asks_truth_while():
    for _ in [1]:
        while not Waits():
            pass


@position
def asks_or():
    return made(), Waits() or made()


@position
def asks_not():
    return made(), not Waits()


@position
def iterates():
    for _ in [1]:
        for _ in Waits():
            pass


@position
def takes_next():
    for _ in [1]:
        for _ in Asks():
            pass


@position
def takes_next_of_c():
    for _ in iter(wait, 1):
        pass


@position
def takes_next_of_generator():
    def generator():
        yield made(), wait()
    for _ in [1]:
        for _ in generator():
            pass


@position
def takes_next_of_warm_generator():
    def generator():
        for i in range(100):
            yield i
        yield made(), wait()
    for _ in [1]:
        for _ in generator():
            pass


@position
def comprehends():
    return made(), [wait(1) for _ in [1]]


@position
def comprehends_sets():
    return made(), {Waits() for _ in [1]}


@position
def comprehends_dicts():
    return made(), {Waits(): made() for _ in [1]}


@position
def generates():
    return made(), list(wait(1) for _ in [1])


@position
def displays_list():
    return [made(), *Asks()]


@position
def displays_set():
    return made(), {1, Waits(), 2}


@position
def displays_dict():
    return made(), {Waits(): 1, 2: made()}


@position
def displays_merged():
    return made(), {"a": 1, **Asks()}


@position
def unpacks():
    for _ in [1]:
        a, b, c = Late(2)


@position
def unpacks_star():
    for _ in [1]:
        a, *b = Late(3)


@position
def formats():
    return made(), f"{1}{Waits()}{2}"


@position
def formats_str():
    return made(), f"{1}{Waits()!s:>4}"


@position
def enters():
    for _ in [1]:
        with Waits():
            pass


@position
def within():
    with Exits():
        with Exits():
            return made(), wait()


@position
def exits():
    for _ in [1]:
        with Exits():
            pass


@position
def exits_in_return():
    with Exits():
        return ["returned"]


@position
def exits_in_exception():
    for _ in [1]:
        with Exits():
            raise KeyError(1)


@position
def handles():
    for _ in [1]:
        try:
            raise KeyError(1)
        except KeyError:
            return made(), wait()


@position
def handles_named():
    for _ in [1]:
        try:
            raise KeyError(1)
        except KeyError as error:
            try:
                raise ValueError(2) from error
            except ValueError:
                return made(), wait(), error


@position
def does_finally():
    for _ in [1]:
        try:
            pass
        finally:
            takes(made(), wait())


@position
def does_finally_in_exception():
    for _ in [1]:
        try:
            raise KeyError(1)
        finally:
            takes(made(), wait())


@position
def does_finally_in_return():
    for _ in [1]:
        try:
            return ["returned"]
        finally:
            takes(made(), wait())


@position
def does_finally_in_break():
    for _ in [1]:
        for _ in [2]:
            try:
                break
            finally:
                takes(made(), wait())


@position
def tries():
    for _ in [1]:
        try:
            return takes(made(), wait())
        except (KeyError, ValueError):
            pass
        finally:
            pass


@position
def raises():
    for _ in [1]:
        raise Error(1)


@position
def asserts():
    assert isinstance(1, Meta("Odd", (), {})), 1


@position
def defines_class():
    class Defined(takes and object, metaclass=Meta):
        pass


@position
def in_class_body():
    class Body:
        inner = made(), wait()


@position
def decorates():
    for _ in [1]:
        @wait
        def function(default=1):
            pass


@position
def yields_from():
    def inner():
        yield made(), wait()

    def outer():
        yield takes((yield from inner()))
    return made(), next(outer())


@position
def throws():
    def inner():
        try:
            yield 1
        except KeyError:
            yield made(), wait()

    def outer():
        yield from inner()
    thrown = outer()
    next(thrown)
    return made(), thrown.throw(KeyError())


@position
def awaits():
    async def inner():
        return made(), wait()

    async def outer():
        return made(), await inner()
    return made(), outer().send(None)


@position
def awaits_object():
    async def outer():
        return made(), await Waits()
    return made(), outer().send(None)


@position
def enters_async():
    async def outer():
        async with Waits():
            pass
    return made(), outer().send(None)


class Async:
    def __aiter__(self):
        return self

    async def __anext__(self):
        wait()

    async def __aenter__(self):
        return None

    async def __aexit__(self, *_):
        wait()


@position
def iterates_async():
    async def outer():
        async for _ in Async():
            pass
    return made(), outer().send(None)


@position
def exits_async():
    async def outer():
        async with Async():
            pass
    return made(), outer().send(None)


@position
def runs_async_generator():
    async def inner():
        yield made(), wait()

    async def outer():
        return [made() async for _ in inner()]
    return made(), outer().send(None)


@position
def drops_result():
    for _ in [1]:
        Deleted()


@position
def drops_local():
    local = Deleted()
    for _ in [1]:
        local = None
    return local


@position
def drops_cell():
    cell = Deleted()
    for _ in [1]:
        cell = None
    return lambda: cell


@position
def deletes_local():
    local = Deleted()
    for _ in [1]:
        del local


@position
def drops_value():
    values = [Deleted()]
    for _ in [1]:
        values[0] = ["new"]


@position
def drops_value_of_dict():
    values = {1: Deleted()}
    for _ in [1]:
        values[1] = ["new"]


@position
def drops_attribute():
    instance = Exits()
    instance.attribute = Deleted()
    for _ in [1]:
        instance.attribute = ["new"]


@position
def drops_argument():
    return made(), id(Deleted())


@position
def drops_argument_of_many():
    return made(), isinstance(Deleted(), Deleted)


@position
def drops_operand():
    return made(), Deleted() is None


@position
def drops_container():
    return made(), id([Deleted()])


@position
def imports():
    class Finder:
        find_spec = staticmethod(wait)
    sys.meta_path.append(Finder)
    try:
        return made(), __import__("there_is_none")
    finally:
        sys.meta_path.remove(Finder)


@position
def executes():
    exec("takes(made(), [wait()])", globals())


@position
def evaluates_large():
    # More than 255 names and jumps of more than 255: prefixes before arguments.
    names = "".join("a%d = " % i for i in range(300)) + "0\n"
    body = "for _ in [1]:\n takes(made(), a299 or 1, wait())\n" + " a0 = a1\n" * 300
    exec(names + body, dict(made=made, takes=takes, wait=wait))


@position
def matches():
    if sys.version_info >= (3, 10):
        exec("for _ in [1]:\n match Waits():\n  case Waits(attribute=1): pass\n", globals())
    else:
        wait()


@position
def matches_sequence():
    if sys.version_info >= (3, 10):
        exec("for _ in [1]:\n match ('a', Waits()):\n  case ('a', 5): pass\n", globals())
    else:
        wait()


@position
def handles_group():
    if sys.version_info >= (3, 11):
        exec("try:\n raise ExceptionGroup('', [KeyError()])\n"
             "except* KeyError:\n takes(made(), wait())\n", globals())
    else:
        wait()


def warm_key(last):
    for i in range(100):
        takes(made() if i == 99 else None, max([1], key=wait if i == 99 else abs), i < last)


def warm_generic(first, last):
    for i in range(100):
        value = last if i == 99 else first
        takes(made() if i == 99 else None, value + 1, value[0], value < 1)


class Numbers(int):
    def __getitem__(self, key):
        return key


def run(function):
    try:
        function()
    except BaseException:  # of a position that did not wait: main says which
        pass


def start(functions):
    threading.stack_size(1 << 18)
    for function in functions:
        before = len(ARRIVED)
        thread = threading.Thread(target=run, args=(function,), daemon=True)
        thread.start()
        while len(ARRIVED) == before:
            if not thread.is_alive():
                raise SystemExit("%s did not wait" % function.__name__)
            time.sleep(0.001)


def main():
    GATE.acquire()
    POSITIONS.append(lambda: warm_key(1))
    POSITIONS.append(lambda: warm_generic(Numbers(1), Waits()))
    start(POSITIONS)
    time.sleep(0.2)
    planted.stop({"on_stack": ON_STACK})


main()
