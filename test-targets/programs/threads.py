# SPDX-License-Identifier: MIT
# threads: named threads with nested calls and locals; suspended generators; a coroutine.
import threading

import planted

HERE = []


class Marker:
    """A local that only one frame owns."""


def note(function, name, value, into):
    into.append({"function": function, "name": name, "dst": id(value)})


def innermost(number, event, ready, facts):
    innermost_marker = Marker()
    note("innermost", "innermost_marker", innermost_marker, facts)
    captured = Marker()

    def use():
        return captured
    ready.set()
    event.wait()
    return use


def middle(number, event, ready, facts):
    middle_marker = {"number": number, "list": []}
    note("middle", "middle_marker", middle_marker, facts)
    for index in [number]:
        return [index, innermost(number, event, ready, facts)]


def outer(number, event, ready, facts):
    outer_marker = Marker()
    note("outer", "outer_marker", outer_marker, facts)
    return middle(number, event, ready, facts)


def generator(facts):
    generator_marker = Marker()
    note("generator", "generator_marker", generator_marker, facts)
    yield 1
    yield 2


def delegating(facts):
    delegating_marker = Marker()
    note("delegating", "delegating_marker", delegating_marker, facts)
    yield from generator(facts)


class Sleep:
    def __await__(self):
        yield self


async def coroutine(facts):
    coroutine_marker = Marker()
    note("coroutine", "coroutine_marker", coroutine_marker, facts)
    await Sleep()


async def asynchronous(facts):
    async_marker = Marker()
    note("asynchronous", "async_marker", async_marker, facts)
    yield 1
    await Sleep()


def start(event):
    threads, facts = [], []
    for number in range(3):
        ready = threading.Event()
        thread = threading.Thread(target=outer, args=(number, event, ready, facts), daemon=True,
                                  name="worker-%d" % number)
        thread.start()
        ready.wait()
        threads.append(thread)
    return threads, facts


def suspend(facts):
    generators = [generator(facts), delegating(facts)]
    for g in generators:
        next(g)
    awaiting = coroutine(facts)
    awaiting.send(None)
    asyncgen = asynchronous(facts)
    step = asyncgen.asend(None)
    try:
        step.send(None)
    except StopIteration:
        pass
    return generators, awaiting, asyncgen, generator([]), coroutine([])


def main():
    event = threading.Event()
    threads, facts = start(event)
    kept = suspend(facts)
    main_marker = Marker()
    note("main", "main_marker", main_marker, facts)
    planted.stop({
        "locals": facts,
        "threads": [{"name": t.name, "ident": t.ident, "tid": t.native_id,
                     "functions": ["innermost", "middle", "outer", "run", "_bootstrap_inner",
                                   "_bootstrap"]} for t in threads],
        "main": {"tid": threading.main_thread().native_id, "functions": ["stop", "main", "<module>"]},
    })
    return kept


main()
