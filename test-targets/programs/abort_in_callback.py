# SPDX-License-Identifier: MIT
# abort_in_callback: os.abort() in a gc callback, at the start of a collection of generation 2.
# ends: SIGABRT
import gc
import os

import planted


def callback(phase, info):
    if phase == "start":
        os.abort()


def main():
    ring = []
    ring.append(ring)
    facts = {"signal": "SIGABRT", "garbage": {"ring": {"members": [id(ring)]}}, "collecting": True}
    del ring
    planted.write_facts(facts)
    gc.callbacks.append(callback)
    gc.collect()


main()
