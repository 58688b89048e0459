# SPDX-License-Identifier: MIT
# traced: tracemalloc keeps where each block was allocated, seven frames of it.
# env: PYTHONTRACEMALLOC=7
import collections
import json
import sys
import tracemalloc

import planted


# _PyTraceMalloc's look-up knew nothing of the pre-header that instances have in 3.11.
LOOKS_BESIDE = sys.version_info[:2] == (3, 11)


class Row:
    pass


def make(kind, depth):
    if depth:
        return make(kind, depth - 1)
    made = kind()
    return made


def rows():
    for number in range(40):
        row = Row()
        row.number, row.text = number + 1000, "row %d" % number
        yield row


def main():
    kept = [make(kind, depth) for depth in (0, 3, 9)
            for kind in (list, dict, set, object, bytearray, Row, collections.OrderedDict)]
    kept += rows()
    kept += [row.text for row in rows()] + [b"%d" % n * 200 for n in range(20)]
    kept += [json.loads('{"a": [1000, "%d"]}' % n) for n in range(10)]
    kept += [tuple(kept[:n]) for n in range(1, 30)] + [lambda n=n: n for n in range(10)]
    facts = []
    for thing in kept:
        found = tracemalloc.get_object_traceback(thing)
        if found is None and LOOKS_BESIDE and isinstance(thing, Row):
            continue
        lines = [[frame.filename, frame.lineno] for frame in reversed(found or ())]
        facts.append({"addr": id(thing), "frames": lines})
    del thing, found, lines
    planted.stop({"allocated": facts})
    return kept


main()
