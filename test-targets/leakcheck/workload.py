# SPDX-License-Identifier: MIT
"""What the extension's tests do, once for each line on standard input; "done" after each."""
import sys

import tally


def work():
    words = ["pear", "apple", "pear", "fig"] * 500
    assert tally.count(words) == {"pear": 1000, "apple": 500, "fig": 500}
    assert tally.count([]) == {}
    for wrong in (17, [[]]):
        try:
            tally.count(wrong)
        except TypeError:
            pass
        else:
            raise AssertionError(wrong)


for _line in sys.stdin:
    work()
    print("done", flush=True)
