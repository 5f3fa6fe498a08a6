"""The settings under which the suite runs: a throw-away data folder, a real PostgreSQL, sandbox mode.

Without EVERLINE_TEST_DATABASE_URL the suite starts the embedded server there, and it ends with the suite.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from everline.config.supervisor.embedded import EmbeddedServer

DATA_DIR = Path(tempfile.mkdtemp(prefix="everline-test-"))
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)
for name in [
    name for name in os.environ if name.startswith("EVERLINE_") and name != "EVERLINE_TEST_DATABASE_URL"
]:
    del os.environ[name]  # the developer's own installation is none of the suite's business
os.environ |= {
    "EVERLINE_DATA_DIR": str(DATA_DIR),
    "EVERLINE_SECRET_KEY": "only-for-tests",
    "EVERLINE_MODE": "sandbox",
}
if url := os.environ.get("EVERLINE_TEST_DATABASE_URL"):
    os.environ["EVERLINE_DATABASE_URL"] = url
else:
    server = EmbeddedServer(DATA_DIR / "server", durable=False)
    server.start()
    atexit.register(server.stop)
    os.environ["EVERLINE_DATABASE_URL"] = server.url("everline")

from everline.config.settings import *  # noqa: E402, F403 - after the environment is set

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a thousand sign-ins in seconds

# The sandbox is a product with a database of its own; its tests share the suite's process.
INSTALLED_APPS = [*INSTALLED_APPS, "everline.sandbox"]  # noqa: F405
DATABASES["sandbox"] = {  # noqa: F405
    **DATABASES["default"],  # noqa: F405
    "NAME": f"{DATABASES['default']['NAME']}_sandbox",  # noqa: F405
    "TEST": {"DEPENDENCIES": []},  # its tests need no shop
}
DATABASE_ROUTERS = ["everline.sandbox.db.SandboxRouter"]
EVERLINE_SHOP_URL = "http://127.0.0.1:9"  # nobody listens there; tests that need a shop name their own
