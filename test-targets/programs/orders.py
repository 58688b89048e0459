# SPDX-License-Identifier: MIT
# orders: a small shop with 39 dropped sessions, one leaked row, one over-released batch, pins.
# ext: _rowcache
import collections
import logging
import sys
import threading

import _rowcache
import planted

CACHE = {}
CONFIG = {"currency": "EUR", "retries": 3, "db": None, "limits": [10, 20]}
KEEP = []


class Order:
    def __init__(self, number, total):
        self.number, self.total, self.lines = number, total, []


class Line:
    __slots__ = ("order", "sku", "qty")


class Session:
    def __init__(self, user):
        self.user, self.cart = user, {"items": []}
        self.cart["session"] = self


class Worker:
    def __init__(self, config):
        self.config, self.last, self.bad = config, None, []
        self.queue = collections.deque()


def fill_cache(orders):
    for i in range(orders):
        order = CACHE[10000 + i] = Order(10000 + i, i * 1.25)
        for k in range(3):
            line = Line()
            line.order, line.sku, line.qty = order, "sku-%d" % (i * 3 + k), 300 + k + i
            order.lines.append(line)


def fragment():
    bulk = [[i + 10 ** 6] for i in range(60000)]
    KEEP.extend(bulk[::1000])


def log():
    logging.getLogger("shop.orders").addHandler(logging.StreamHandler())


def read_bad_row(worker):
    row = {"id": "r-17", "qty": "x7", "line": 17}
    worker.bad.append(row)
    _rowcache.note_bad(row)
    return row


def take_batch(worker):
    batch = ["a-1", "a-2"]
    worker.last = CACHE["batch"] = batch
    worker.queue.append(batch)
    _rowcache.drop(batch)
    return batch


def open_sessions(count):
    """All but the last are dropped: each is a ring of two that waits for the collector."""
    facts = []
    for i in range(count):
        s = Session("user-%d" % i)
        ring = planted.addresses(planted.with_dicts([s]) + [s.cart])
        facts.append({"ring": ring, "items": id(s.cart["items"])})
    return s, facts


def serve(config):
    worker = Worker(config)
    row = read_bad_row(worker)
    batch = take_batch(worker)
    s, sessions = open_sessions(40)
    planted.stop({
        "refcounts": [
            # globals of __main__, .config of the worker, the local here; up to 3.10 the stack of main()
            {"addr": id(config), "refcount": 3 + (sys.version_info < (3, 11))},
            # Immortal where there is no GIL and a second thread. Else forty sessions, the name in the globals, the type's own __mro__, and until 3.15 two descriptors.
            *([{"addr": id(Session), "refcount": 44 if sys.version_info < (3, 15) else 42}]
              if "t" not in sys.abiflags else [])],
        "remainders": [{"addr": id(row), "type": "dict", "remainder": 2},
                       {"addr": id(batch), "type": "list", "remainder": -1}],
        "garbage": {"sessions": {"members": [
            a for f in sessions[:-1] for a in f["ring"] + [f["items"]]]}},
        "cycles": [{"members": f["ring"]} for f in sessions[:-1]],
        "locals": [{"function": "serve", "name": n, "dst": id(v)}
                   for n, v in (("row", row), ("batch", batch), ("s", s), ("config", config))],
        "logger": id(logging.getLogger("shop.orders")), "keep": planted.addresses(KEEP),
        "worker": id(worker), "cache": id(CACHE),
    })
    return worker, row, batch, s


def idle(started, event):
    started.set()
    event.wait()


def main():
    started, event = threading.Event(), threading.Event()
    threading.Thread(target=idle, args=(started, event), daemon=True, name="idle").start()
    started.wait()
    log()
    fragment()
    fill_cache(6000)
    return serve(CONFIG)


main()
