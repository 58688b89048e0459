# SPDX-License-Identifier: MIT
# subinterpreter: a second interpreter with a ring and modules of its own.
import planted

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

SCRIPT = """
import collections, gc
gc.disable()
kept = [collections.deque([{"in": "second"}]) for _ in range(50)]
ring = []
ring.append(ring)
del ring
"""


def main():
    second = interpreters.create()
    interpreters.run_string(second, SCRIPT)
    ring = []
    ring.append(ring)
    members = [id(ring)]
    del ring
    planted.stop({"interpreters": 2, "garbage": {"ring": {"members": members}}})
    return second


main()
