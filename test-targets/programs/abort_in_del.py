# SPDX-License-Identifier: MIT
# abort_in_del: os.abort() in a __del__ that a collection runs: the unreachable are set apart.
# ends: SIGABRT
import gc
import os

import planted


class Dying:
    def __del__(self):
        os.abort()


def main():
    ring = [Dying(), ["member"]]
    ring[0].ring = ring[1].__iadd__([ring])
    facts = {"signal": "SIGABRT", "collecting": True,
             "garbage": {"ring": {"members": planted.addresses([ring, ring[0], ring[1]])}}}
    del ring
    planted.write_facts(facts)
    gc.collect()


main()
