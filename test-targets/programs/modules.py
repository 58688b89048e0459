# SPDX-License-Identifier: MIT
# modules: every module of the standard library that can be imported, as nobody would on purpose.
import importlib
import pkgutil
import sys
import warnings

import planted

# They print, open a window or a browser, or start something when they are imported.
SKIPPED = {"this", "antigravity", "idlelib", "turtledemo", "test", "lib2to3", "ensurepip"}


def names():
    for name in sorted(sys.stdlib_module_names - SKIPPED):
        yield name
        package = sys.modules.get(name)
        for module in pkgutil.iter_modules(getattr(package, "__path__", ()), name + "."):
            if "__main__" not in module.name and ".test" not in module.name:
                yield module.name


def main():
    warnings.simplefilter("ignore")
    kept = {}
    for name in names():
        try:
            kept[name] = importlib.import_module(name)
        except Exception as error:  # not built here, or for another system
            kept[name] = repr(error)
    planted.stop({"garbage": {}})
    return kept


main()
