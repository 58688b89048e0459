# SPDX-License-Identifier: MIT
# over_release: one Py_DECREF too many on objects that several others still own.
# ext: _leaky
import collections

import _leaky
import planted


class Worker:
    pass


def plant(thing, owners, times=1):
    for _ in range(times):
        _leaky.release(thing)
    return {"addr": id(thing), "type": type(thing).__name__, "remainder": -times,
            "owners": owners}


def main():
    worker, cache, queue = Worker(), {}, collections.deque()
    batch, row, text = ["a-1", "a-2"], {"row": 1}, "over-released %d" % id(queue)
    worker.last = cache["batch"] = batch
    queue.append(batch)
    worker.row = cache["row"] = row
    worker.text = cache["text"] = text
    hidden = ["its only surplus hides nothing"]
    cache["hidden"] = cache["again"] = hidden
    facts = [plant(batch, 4), plant(row, 3), plant(text, 3, 2), plant(hidden, 3)]
    planted.stop({"remainders": facts})
    return worker, cache, queue, batch, row, text, hidden


main()
