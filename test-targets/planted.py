# SPDX-License-Identifier: MIT
"""What a target program imports: it plants its facts, then calls stop(facts).

Importing this module switches the collector off, so that planted garbage stays where it is; a
target that is about the collector switches it on again, and `stop` reports the state.

Nothing is imported here but what the interpreter has at start-up: a target's heap should hold
the target's own objects, not those of a JSON library.
"""
import gc
import os
import sys

import _truth

gc.disable()


def _number(name, otherwise):
    return int(os.environ.get(name, otherwise))


# Without a harness: "ready PID" goes to stdout and the process stops itself; kill -CONT goes on.
READY_FD = _number("REFSCOPE_READY_FD", 1)
GO_FD = _number("REFSCOPE_GO_FD", -1)
FOLDER = os.environ.get("REFSCOPE_TRUTH_DIR", ".")


def to_json(value):
    """JSON text of dicts, lists, str, int, bool and None: all that facts are made of."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        plain = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"%s"' % "".join(c if 31 < ord(c) < 127 else "\\u%04x" % ord(c) for c in plain)
    if isinstance(value, dict):
        items = [to_json(str(k)) + ": " + to_json(v) for k, v in value.items()]
        return "{" + ", ".join(items) + "}"
    return "[" + ", ".join([to_json(v) for v in value]) + "]"


def addresses(objects):
    """The facts' way to name objects: their addresses, without keeping the objects."""
    return [id(o) for o in objects]


# Up to 3.10 the attributes of an instance are a dict of its own; since then values in the instance.
SEPARATE_DICTS = sys.version_info < (3, 11)


def with_dicts(instances):
    """Instances, and the dicts that are objects between them and what their attributes refer to."""
    instances = list(instances)
    return instances + [o.__dict__ for o in instances if SEPARATE_DICTS and hasattr(o, "__dict__")]


def attribute(instance, name):
    """What holds an attribute, and the slot: the instance or its dict."""
    if SEPARATE_DICTS and hasattr(instance, "__dict__"):
        return instance.__dict__, "[%r]" % name
    return instance, "." + name


def local(generator, name):
    """What holds a local of a generator: the generator or, up to 3.10, its frame object."""
    return generator.gi_frame if sys.version_info < (3, 11) else generator, "local %r" % name


def write_facts(facts, name="facts.json"):
    """Write the planted facts, before the core is taken: what this makes is part of the heap."""
    whole = {
        "pid": os.getpid(),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "gc_enabled": gc.isenabled(),
    }
    whole.update(facts)
    with open(os.path.join(FOLDER, name), "w") as out:
        out.write(to_json(whole) + "\n")


def pause(facts, name="facts.json"):
    """Wait for a core to be taken, and go on: for targets that are dumped more than once."""
    write_facts(facts, name)
    _truth.pause(READY_FD, GO_FD)


def stop(facts, collect=True):
    """Wait for a core to be taken, write the truth, end the process.

    `collect=False` leaves out the full collection at the end, for heaps that would not survive
    one.
    """
    write_facts(facts)
    path = os.path.join(FOLDER, "truth.txt")
    # In the order of ASK_* in ext/_truth.c.
    asks = (sys._debugmallocstats, gc.get_count, gc.isenabled, gc.disable, gc.get_objects,
            sys.getsizeof, gc)
    _truth.stop(READY_FD, GO_FD, path, asks, collect)
    os._exit(0)
