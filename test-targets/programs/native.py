# SPDX-License-Identifier: MIT
# native: references that are sound but lie in C: a static variable, a malloc block.
# ext: _leaky
import _leaky
import planted


def main():
    in_bss, in_malloc, leaked = ["in .bss"], ["in malloc"], ["leaked"]
    words = [_leaky.hold_bss(in_bss), _leaky.hold_malloc(in_malloc)]
    _leaky.leak(leaked, 1)
    planted.stop({
        "remainders": [{"addr": id(o), "type": "list", "remainder": 1}
                       for o in (in_bss, in_malloc, leaked)],
        "possible": [{"addr": words[0], "dst": id(in_bss)}, {"addr": words[1], "dst": id(in_malloc)}],
        "located": planted.addresses([in_bss, in_malloc]), "unexplained": [id(leaked)]})
    return in_bss, in_malloc, leaked


main()
