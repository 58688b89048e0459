# SPDX-License-Identifier: MIT
# malloc: the same kinds of objects without pymalloc (PYTHONMALLOC=malloc): no arenas.
# env: PYTHONMALLOC=malloc
# needs: GIL
import collections

import planted


class Plain:
    pass


def main():
    kept = [Plain() for _ in range(300)]
    for i, thing in enumerate(kept):
        thing.other, thing.text, thing.number = kept[i - 1], "text %d" % i, i * 1.5
        thing.more = collections.deque([{"i": i + 1000, "t": (i, thing)}])
    ring = []
    ring.append({"ring": ring})
    members = planted.addresses([ring, ring[0]])
    del ring
    planted.stop({"garbage": {"ring": {"members": members}}})
    return kept


main()
