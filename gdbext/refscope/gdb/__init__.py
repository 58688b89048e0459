# SPDX-License-Identifier: MIT
"""refscope inside gdb: commands, settings, functions, and the sessions behind them.

gdb 10.1 to 18: what a version may lack is looked for, never inferred from its number.
"""


def register() -> None:
    """Add everything to gdb. A second time replaces the first, as when a file is sourced again."""
    from . import commands, events, functions, settings

    settings.register()
    commands.register()
    functions.register()
    events.register()
