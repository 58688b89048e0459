# SPDX-License-Identifier: MIT
# bare: nothing but `python3.11 -c` and the module that writes the truth.
# run: -c
import gc, os, sys
import _truth

e = os.environ
with open(e["REFSCOPE_TRUTH_DIR"] + "/facts.json", "w") as f:
    f.write('{"pid": %d, "gc_enabled": true}\n' % os.getpid())
asks = (sys._debugmallocstats, gc.get_count, gc.isenabled, gc.disable, gc.get_objects,
        sys.getsizeof, gc)
_truth.stop(int(e["REFSCOPE_READY_FD"]), int(e["REFSCOPE_GO_FD"]),
            e["REFSCOPE_TRUTH_DIR"] + "/truth.txt", asks, True)
os._exit(0)
