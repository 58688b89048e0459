# SPDX-License-Identifier: MIT
# crash: over-released entries of a deque, blocks handed out again, then a collection: SIGSEGV.
# ext: _rowcache
# ends: SIGSEGV
import collections
import gc

import _rowcache
import planted


class Job:
    __slots__ = ("name", "next", "state")


class Worker:
    def __init__(self):
        self.queue = collections.deque()


def serve(worker):
    kept = []
    for i in range(5):
        job = Job()
        worker.queue.append(job)
        facts["freed"].append(id(job))
        _rowcache.drop(job)
        del job
        # A string of the same size class takes the block of the job that is gone.
        kept.append("GET /o/%d" % (10000 + i))
    planted.write_facts(facts)
    gc.collect()
    return kept


worker = Worker()
facts = {"freed": [], "deque": id(worker.queue), "worker": id(worker), "signal": "SIGSEGV"}
serve(worker)
