"""The sandbox's entry point: `granian --interface asgi --workers 1 everline.sandbox.asgi:application`."""

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Linux: end this process when the server that spawned it is killed, or it would keep the port."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


die_with_parent()
os.environ["DJANGO_SETTINGS_MODULE"] = "everline.sandbox.settings"

import django  # noqa: E402 - a killed parent must not be missed while Django loads

django.setup()

from everline.sandbox.server import Server  # noqa: E402 - models need the registry

application = Server()
