# SPDX-License-Identifier: MIT
# pinned: arenas that a few surviving blocks keep (KEEP), after all else in them was freed.
import sys

import planted

KEEP = []


def main():
    bulk = [[i + 10 ** 6] for i in range(60000)]
    KEEP.extend(bulk[::1000])
    del bulk
    planted.stop({"survivors": planted.addresses(KEEP), "keep": id(KEEP),
                  "allocated_blocks": sys.getallocatedblocks()})


main()
