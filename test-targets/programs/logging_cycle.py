# SPDX-License-Identifier: MIT
# logging_cycle: a logger that logging keeps, and a handler <-> closure cycle that nobody keeps.
import logging

import planted


class Job(logging.Handler):
    """A handler that its own closure refers to."""

    def __init__(self):
        super().__init__()

        def formatted(record):
            return self.name_of(record)
        self.formatted = formatted

    def name_of(self, record):
        return record.name

    def emit(self, record):
        self.formatted(record)


def plant():
    logger = logging.getLogger("shop.orders")
    logger.addHandler(logging.StreamHandler())
    dropped = Job()
    cell = dropped.formatted.__closure__[0]
    members = planted.addresses([dropped, dropped.formatted, dropped.formatted.__closure__, cell])
    return {"logger": id(logger), "handler": id(logger.handlers[0]),
            # loggerDict['shop.orders'] and loggerMap of the placeholder 'shop'
            "refcounts": [{"addr": id(logger), "refcount": 2}], "garbage": {"handler": {"members": members}}}


planted.stop(plant())
