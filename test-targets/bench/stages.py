# SPDX-License-Identifier: MIT
"""stages.py CORE: derive each stage, and print as JSON what each took and what memory was kept."""

import json
import sys
import time

from refscope._abi import Stage
from refscope.session import Session


def own_memory():
    """Bytes of this process that are no file's."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
    return 0


def main():
    seconds = {}
    began = time.perf_counter()
    before = own_memory()
    session = Session.open_core(sys.argv[1])
    seconds["open"] = time.perf_counter() - began
    for stage in Stage:
        began = time.perf_counter()
        session.need(stage)
        seconds[stage.name.lower()] = time.perf_counter() - began
    answer = {"seconds": seconds, "index": own_memory() - before, "edges": session.heap_summary().edges}
    session.close()
    json.dump(answer, sys.stdout)


main()
