# SPDX-License-Identifier: MIT
# collector: gc is enabled, thresholds are unusual, gc.garbage is not empty, counts are not zero.
import gc

import planted


def main():
    gc.collect()
    gc.set_threshold(90000, 7, 5)
    young = [[i] for i in range(100)]
    old = [[i] for i in range(50)]
    gc.collect(0)
    gc.collect(0)
    gc.collect(1)
    gc.garbage.append(["put there by hand"])
    newest = [[i] for i in range(30)]
    gc.enable()
    planted.stop({"enabled": True, "threshold": list(gc.get_threshold()),
                  "garbage_list": planted.addresses(gc.garbage)})
    return young, old, newest


main()
