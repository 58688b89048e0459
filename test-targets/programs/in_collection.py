# SPDX-License-Identifier: MIT
# in_collection: a tp_traverse stops the process while the collector subtracts references.
# ext: _halting
# cores: core-collecting
import gc

import _halting
import planted


def main():
    halt = _halting.Halt()
    halt.held = ["held by halt"]
    halt.ready_fd, halt.go_fd = planted.READY_FD, planted.GO_FD
    ring = []
    ring.append(ring)
    facts = {"collecting": True, "halt": id(halt), "held": id(halt.held),
             "garbage": {"ring": {"members": [id(ring)]}}}
    del ring
    planted.write_facts(facts, "facts-collecting.json")
    halt.phase = 0
    gc.collect()
    facts.update(collecting=False, garbage={})
    planted.stop(facts)


main()
