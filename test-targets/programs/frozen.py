# SPDX-License-Identifier: MIT
# frozen: gc.freeze() with a cycle inside; younger objects beside it.
import gc

import planted


def main():
    gc.collect()
    inside = []
    inside.append(inside)
    facts = {"frozen_cycle": id(inside)}
    del inside
    before = [["frozen", i] for i in range(20)]
    gc.freeze()
    after = [["young", i] for i in range(20)]
    outside = []
    outside.append(outside)
    facts.update(frozen=planted.addresses(before), young=planted.addresses(after),
                 garbage={"ring": {"members": [id(outside)]}})
    del outside
    planted.stop(facts)
    return before, after


main()
