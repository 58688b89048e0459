# SPDX-License-Identifier: MIT
"""refscope: what is in the heap of a CPython process or core dump, and why.

The package wraps libinspect for people: `verbs` asks and words the answers, `cli` is the command
line, `gdb` the commands inside gdb. Nothing here runs code in the target or writes to it.
"""

__version__ = "0.1.0"
