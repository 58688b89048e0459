# SPDX-License-Identifier: MIT
"""Sourced into gdb by tests: the session of every command becomes one that a test wrote down."""

import os
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import fakes  # noqa: E402

from refscope import _abi  # noqa: E402
from refscope.gdb import memory, sessions  # noqa: E402

shop = fakes.shop()
held = sessions.Held(memory.Place("core", "core.25402", "", 25402, "", ()), shop)
sessions.current = lambda: held
sessions.opened = lambda: [held]


def interrupt_after(seconds):
    """Work that never ends, and a Ctrl-C that comes in the middle of it."""
    sent = []

    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    def need(stage, progress=None):
        if stage == 1:
            return
        threading.Timer(seconds, send).start()
        try:
            while True:
                progress(_abi.Progress(_abi.Stage.REFERENCES, 44, 100, 1000))
                time.sleep(0.05)
        except KeyboardInterrupt:
            print("noticed in time:", time.monotonic() - sent[0] < 0.2)
            raise

    shop.need = need


def fail_with(error):
    """A fault of ours."""

    def need(stage, progress=None):
        raise error

    shop.need = need
