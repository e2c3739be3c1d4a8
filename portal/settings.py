"""Every setting of the portal, read from the environment; what is missing or wrong fails loudly.

`ONECASE_DEMO=1` is the try-out: generated secrets, a demo shop, the pages under /demo/.
"""

import os
import secrets
import sys
from pathlib import Path
from typing import Any

import dj_database_url
from celery.schedules import crontab
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from portal import environment

BASE_DIR = Path(__file__).resolve().parent.parent


def env_bool(name: str, default: bool = False) -> bool:
    """A yes or no from the environment."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0.")


def env_int(name: str, default: int, *, least: int = 0) -> int:
    """A whole number from the environment, not below `least`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number, at least {least}.")
    return int(value)


def env_secret(name: str, *, demo: str = "") -> str:
    """A secret that must be set, unless the demo brings its own; its value is never printed."""
    value = os.environ.get(name, "").strip()
    if value or (DEMO and demo):
        return value or demo
    hint = "" if DEMO else " (or ONECASE_DEMO=1 to try the portal)"
    raise ImproperlyConfigured(f"Set {name} in the environment{hint}. See docs/running.md.")


def demo_secret(folder: Path, name: str, value: str) -> str:
    """One of the demo's own secrets: `value` the first time, then kept in the data folder."""
    path = folder / name
    if path.exists():
        return path.read_text().strip()
    folder.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(value)
    return value


DEMO = env_bool("ONECASE_DEMO")
DEBUG = env_bool("DEBUG")
if DEBUG and not DEMO:
    raise ImproperlyConfigured("DEBUG=1 works only together with ONECASE_DEMO=1.")
DATA_DIR = Path(os.environ.get("ONECASE_DATA") or BASE_DIR / "var")
SECRET_KEY = os.environ.get("SECRET_KEY", "").strip() or (
    demo_secret(DATA_DIR, "secret_key", secrets.token_urlsafe(50))
    if DEMO
    else env_secret("SECRET_KEY")
)
SECRET_KEY_FALLBACKS = [k for k in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if k]
if not DEMO and len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY must have at least 50 characters.")

# One address of the site: links are built from it, never from a request's headers.
PUBLIC_URL = env_secret("PUBLIC_URL", demo="http://localhost:8000").rstrip("/")
_public = environment.public_url("PUBLIC_URL", PUBLIC_URL)
if _public.scheme != "https" and not DEMO:
    raise ImproperlyConfigured("PUBLIC_URL must start with https:// outside the demo.")
HTTPS = _public.scheme == "https"
_hosts = os.environ.get("ALLOWED_HOSTS", "")
ALLOWED_HOSTS = [h.strip() for h in _hosts.split(",") if h.strip()] or [str(_public.hostname)]
if DEMO:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXIES = env_int("TRUSTED_PROXIES", 0)  # how many proxies add to X-Forwarded-For
if TRUSTED_PROXIES and HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # its default would set another admin site than ours
    "portal.desk.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "i18nfield",
    "rest_framework",
    "drf_spectacular",
    "contacts",
    "channels_app",
    "portal",
    "portal.api",
]
MIDDLEWARE = [
    "portal.health.HealthMiddleware",
    "portal.middleware.TraceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.NulMiddleware",
    "portal.framed.FramedMiddleware",
    "portal.middleware.DeskPolicyMiddleware",
    "portal.access.StaffSessionMiddleware",
    "portal.access.CustomerSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.StaffLocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
ASGI_APPLICATION = "portal.asgi.application"
AUTH_USER_MODEL = "contacts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.site",
            ],
        },
    }
]

# SQLite needs IMMEDIATE (28 % of transactions failed without) and FULL: what was answered stays.
SQLITE_OPTIONS: dict[str, Any] = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
    "PRAGMA journal_size_limit=27103364;PRAGMA mmap_size=134217728;PRAGMA cache_size=-20000;",
}
_database_url = os.environ.get("DATABASE_URL", "").strip()
if not _database_url and not DEMO:
    env_secret("DATABASE_URL")
try:
    DATABASES: dict[str, Any] = {
        "default": dj_database_url.parse(
            _database_url or f"sqlite:///{DATA_DIR / 'onecase.sqlite3'}",
            conn_max_age=600,  # seconds; with a connection its plans are gone as well
            conn_health_checks=True,
        )
    }
except (dj_database_url.ParseError, dj_database_url.UnknownSchemeError):
    raise ImproperlyConfigured(
        "DATABASE_URL must read like postgres://user:password@host/name."
    ) from None
if not DATABASES["default"]["ENGINE"].endswith(("sqlite3", "postgresql")):
    raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or sqlite:///.")
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "portal.sqlite"  # writers take turns
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    DATABASES["default"]["CONN_MAX_AGE"] = 0
else:
    # Planning a page's joins takes PostgreSQL longer than answering them: keep the plans.
    DATABASES["default"]["OPTIONS"] = {"server_side_binding": True, "prepare_threshold": 2}

# redis://host:6379/0, or unix:///path/to/socket for the embedded Valkey.
REDIS_URL = os.environ.get("REDIS_URL", "").strip()
if not REDIS_URL and not DEMO:
    env_secret("REDIS_URL")
if REDIS_URL:
    environment.redis_url("REDIS_URL", REDIS_URL)
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "onecase",
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# The mail account of the organisation: smtp://user:password@host:587?tls=1, or smtps://.
EMAIL_URL = environment.mail_url("EMAIL_URL", env_secret("EMAIL_URL", demo="smtp://127.0.0.1:2525"))
# The name by which our SMTP door greets. Reply addresses are made of the mail channel's address.
MAIL_DOMAIN = os.environ.get("MAIL_DOMAIN") or (
    "mail.example.org" if DEMO else str(_public.hostname)
)
environment.domain("MAIL_DOMAIN", MAIL_DOMAIN)
MAIL_LISTEN = os.environ.get("ONECASE_SMTP_LISTEN", "").strip() or "127.0.0.1:2526"
environment.listen("ONECASE_SMTP_LISTEN", MAIL_LISTEN)
MAILBOX_LISTEN = os.environ.get("ONECASE_MAILBOX_LISTEN", "127.0.0.1:2525")

# Live streams that one process holds open; further pages ask every five seconds instead.
LIVE_STREAMS = env_int("ONECASE_LIVE_STREAMS", 1000, least=0)
# Signs what browsers are told by web push; empty: nobody is offered it. manage.py make_push_key
VAPID_PRIVATE_KEY = os.environ.get("VAPID_PRIVATE_KEY", "").strip() or (
    demo_secret(DATA_DIR, "push_key", environment.new_push_key()) if DEMO else ""
)
environment.push_key("VAPID_PRIVATE_KEY", VAPID_PRIVATE_KEY)
# Where browsers have their push service: of Chrome and its kin, Firefox, Edge and Safari.
PUSH_SERVICES = environment.domains(
    "PUSH_SERVICES",
    os.environ.get("PUSH_SERVICES")
    or "fcm.googleapis.com,jmt17.google.com,push.services.mozilla.com,notify.windows.com,"
    "push.apple.com",
)
LEASE_SECONDS = env_int("ONECASE_LEASE_SECONDS", 120, least=1)
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Celery would close its connections around each task, and PostgreSQL would open, read its catalogue
# and plan for each mail anew: most of the time of a lone one. portal/celery.py looks after them.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # an outage of the broker has no end that we know
# No second try inside a request: the sweep finds what was not rung (measured: 6 s without this).
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_connect_timeout": 0.2,
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    # It expires, so that sweeps do not pile up while no worker is there.
    "sweep": {"task": "channels_app.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "follow-unread": {
        "task": "channels_app.follow_unread",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "remind": {"task": "channels_app.remind", "schedule": 60.0, "options": {"expires": 60}},
    "clean-up": {
        "task": "portal.clean_up",
        "schedule": crontab(hour=3, minute=17),  # UTC
        "options": {"expires": 12 * 3600},
    },
    "tally": {
        "task": "channels_app.tally",
        "schedule": crontab(hour=2, minute=41),  # UTC
        "options": {"expires": 12 * 3600},
    },
    "renew-holidays": {
        "task": "channels_app.renew_holidays",
        "schedule": crontab(hour=3, minute=27),  # UTC
        "options": {"expires": 12 * 3600},
    },
    "count-pace": {
        "task": "channels_app.count_pace",
        "schedule": crontab(hour=3, minute=37),  # UTC
        "options": {"expires": 12 * 3600},
    },
    "forget": {"task": "portal.api.forget", "schedule": 3600.0, "options": {"expires": 3600}},
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
TIME_ZONE = environment.time_zone("TIME_ZONE", os.environ.get("TIME_ZONE") or "Europe/Amsterdam")
USE_I18N = True
USE_TZ = True
PHONE_REGION = environment.region("PHONE_REGION", os.environ.get("PHONE_REGION") or "NL")

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
MEDIA_ROOT = DATA_DIR / "files"
MEDIA_URL = "/files-are-served-by-a-view/"
STORAGES = {
    "default": environment.file_storage(
        os.environ.get("FILES_STORAGE", ""), os.environ.get("FILES_STORAGE_OPTIONS", "")
    ),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEMO
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEMO
WHITENOISE_AUTOREFRESH = DEBUG
FILE_UPLOAD_PERMISSIONS = 0o600
MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_FILES = 10
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# How long a process shows the organisation and what it offers without asking again.
SITE_SECONDS = 1.0
SESSION_ENGINE = "portal.sessions"
SESSION_COOKIE_NAME = "onecase_staff"
CUSTOMER_COOKIE_NAME = "onecase_customer"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 3600
CUSTOMER_COOKIE_AGE = 30 * 24 * 3600
CSRF_FAILURE_VIEW = "portal.errors.stale_form"
SECURE_SSL_REDIRECT = HTTPS
# The demo's providers are called on this machine, past the proxy that speaks https.
SECURE_REDIRECT_EXEMPT = [r"^demo/providers/"] if DEMO else []
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
X_FRAME_OPTIONS = "SAMEORIGIN"  # the sandboxed mail body and the demo page are our own frames
SILENCED_SYSTEM_CHECKS = ["security.W019"]  # wants DENY; frame-ancestors says the same as above
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["portal.access.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "frame-ancestors": [SELF],
        "form-action": [SELF],
        "base-uri": [SELF],
        "object-src": ["'none'"],
    }
}
# What Unfold 0.91 needs in the admin and no more (measured: stack.md section 5).
DESK_POLICY = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]}

LOG_LEVEL = environment.log_level("LOG_LEVEL", os.environ.get("LOG_LEVEL") or "INFO")
# Tokens alone count (no cookie, so no CSRF); JSON only, no page that runs requests.
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.api.callers.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],  # portal.api.view asks for a scope by method
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "portal.api.parsing.JsonOnly",
    "DEFAULT_PARSER_CLASSES": [
        "portal.api.parsing.BoundedJSONParser",
        "portal.api.parsing.BoundedMultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.api.problems.answer",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Onecase",
    "DESCRIPTION": "The customer chooses the channel, the case stays one.",
    "VERSION": "1",
    "SERVERS": [{"url": PUBLIC_URL}],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": [],  # enums stand where they are used
    "ENABLE_DJANGO_DEPLOY_CHECK": True,
}

# Lines of JSON for programs that read logs; in the try-out, lines for people.
LOG_FORMAT = environment.log_format(
    "LOG_FORMAT", os.environ.get("LOG_FORMAT") or ("line" if DEMO else "json")
)
# The servers' own lines of requests hold paths: portal.requests says it with the route's name.
_server_log = {"handlers": ["console"], "level": "INFO", "propagate": False}
_access_log = {**_server_log, "level": "WARNING"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "portal.redaction.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "json": {"()": "portal.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "mail.log": {"level": "WARNING"},
        **dict.fromkeys(("uvicorn", "gunicorn.error"), _server_log),
        **dict.fromkeys(("uvicorn.access", "gunicorn.access"), _access_log),
        # "received" and "succeeded" of every task; portal/celery.py says it with its case.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Onecase",
    "SITE_HEADER": "Onecase",
    "SITE_SYMBOL": "forum",
    "SITE_URL": "/",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: reverse_lazy("site:icon")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [
        lambda request: static("portal/desk.css"),
        lambda request: static("portal/desk-chats.css"),
    ],
    "SCRIPTS": [
        lambda request: static("portal/desk.js"),
        lambda request: static("portal/desk-chats.js"),
        lambda request: static("portal/desk-canned.js"),
        lambda request: static("portal/desk-calls.js"),
    ],
    "DASHBOARD_CALLBACK": "portal.desk.home.dashboard",
    "SIDEBAR": {"navigation": "portal.desk.navigation.sidebar"},
    "ACCOUNT": {"navigation": "portal.desk.navigation.account"},
}
