"""The settings under which the suite runs: a throw-away data folder, a real PostgreSQL, sandbox mode."""

import os
import tempfile

os.environ.setdefault("EVERLINE_DATA_DIR", tempfile.mkdtemp(prefix="everline-test-"))
os.environ.setdefault("EVERLINE_SECRET_KEY", "only-for-tests")
os.environ["EVERLINE_MODE"] = "sandbox"
if url := os.environ.get("EVERLINE_TEST_DATABASE_URL"):
    os.environ["EVERLINE_DATABASE_URL"] = url

from everline.config.settings import *  # noqa: E402, F403 - after the environment is set

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a thousand sign-ins in seconds
