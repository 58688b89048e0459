# SPDX-License-Identifier: MIT
# native: references that are sound but lie in C: a static variable, a malloc block, a module's state.
# ext: _leaky
import _leaky
import planted


def main():
    in_bss, in_malloc, leaked = ["in .bss"], ["in malloc"], ["leaked"]
    in_state, text = ["in state"], " ".join(["by", "its", "text"])
    held = [(_leaky.hold_bss, in_bss), (_leaky.hold_malloc, in_malloc),
            (_leaky.hold_state, in_state), (_leaky.hold_text, text)]
    words = [hold(thing) for hold, thing in held]
    _leaky.leak(leaked, 1)
    located = [thing for _, thing in held]
    # Without the GIL the array of a list is given back later: until then it points to what it held.
    facts = {
        "remainders": [{"addr": id(o), "type": type(o).__name__, "remainder": 1}
                       for o in (*located, leaked)],
        "possible": [{"addr": word, "dst": id(thing)} for word, thing in zip(words, located)],
        "located": planted.addresses(located), "unexplained": [id(leaked)]}
    _leaky.scrub()
    planted.stop(facts)
    return held, leaked


main()
