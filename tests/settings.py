"""The portal's settings as the tests run them: the same, minus what only slows a test down."""

import os
import tempfile

os.environ["ONECASE_DEMO"] = os.environ.get("ONECASE_TEST_DEMO", "1")
os.environ.setdefault("SECRET_KEY", "test-" + "k" * 60)
os.environ.setdefault("ONECASE_DATA", tempfile.mkdtemp(prefix="onecase-tests-"))
os.environ.setdefault("PUBLIC_URL", "http://testserver")

from portal.settings import *  # noqa: F403
from portal.settings import MIDDLEWARE as _MIDDLEWARE

if not os.environ.get("DATABASE_URL"):
    # A file, as in real life: threads of one test see the same locks as processes do.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # noqa: F405

ALLOWED_HOSTS = ["*"]
MIDDLEWARE = [m for m in _MIDDLEWARE if "whitenoise" not in m]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SITE_SECONDS = 0  # a test sees what it wrote a moment ago: tests/site/test_lately.py has its own
