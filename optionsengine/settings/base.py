"""Settings for development and, through `production`, for deployment. Every value is read once, here."""

import os
import secrets
from typing import Any

from optionsengine.settings import readers

BASE_DIR = readers.BASE_DIR
LOCAL_DIR = BASE_DIR / ".local"  # what this checkout keeps for itself: database, spool, generated keys

# --- Django ---------------------------------------------------------------------------------------------------------

DEBUG = readers.flag("DEBUG", True)


def _secret_key() -> str:
    """The configured key; in development one made once and kept in `.local`, so that sessions survive a restart."""
    configured = readers.text("SECRET_KEY")
    if not DEBUG:
        readers.require_secret("SECRET_KEY", configured)
    if configured:
        return configured
    path = LOCAL_DIR / "secret_key"
    LOCAL_DIR.mkdir(exist_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = readers.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = readers.words("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = readers.words("TRUSTED_PROXIES")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "django_q",
    "pgtrigger",
    "pghistory",
    "optionsengine.core",
    "optionsengine.ops",
    "optionsengine.market",
    "signals",
    "bias",
    "experiments",
    "orders",
    "positions",
    "optionsengine.pipeline",
    "optionsengine.console",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "optionsengine.console.middleware.WhoMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "optionsengine.urls"
WSGI_APPLICATION = "optionsengine.wsgi.application"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = LOCAL_DIR / "static"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database -------------------------------------------------------------------------------------------------------

DATABASE_SERVER = readers.postgres_url("DATABASE_URL")  # empty: the checkout's own


def _database() -> dict[str, Any]:
    """The configured server, or the checkout's own zero-install PostgreSQL, which starts when first refused."""
    config: dict[str, Any]
    if DATABASE_SERVER:
        config = {**DATABASE_SERVER, "ENGINE": "optionsengine.core.postgres.server"}
    else:
        config = {"ENGINE": "optionsengine.core.postgres", "NAME": "optionsengine"}
    config["NAME"] = readers.text("DATABASE_NAME") or config["NAME"]
    config |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
    config["OPTIONS"] = {
        "connect_timeout": 5,
        "prepare_threshold": 1,  # the driver's default under Django plans even the hot path's statements each time
        "options": "-c statement_timeout=15000 -c lock_timeout=10000 -c timezone=UTC "
        # a worker stopped inside a transaction must not hold the portfolio lock for ever
        "-c idle_in_transaction_session_timeout=30000",
        **config.get("OPTIONS", {}),
    }
    return config


DATABASES = {"default": _database()}

# --- Spool ----------------------------------------------------------------------------------------------------------

# joined, so that a relative one means the same wherever the command was started
SPOOL_DIR = BASE_DIR / (readers.text("SPOOL_DIR") or LOCAL_DIR / "spool")
SPOOL_MAX_MB = readers.integer("SPOOL_MAX_MB", 64, minimum=1, maximum=65536)

# --- Trading --------------------------------------------------------------------------------------------------------

APP_MODE = readers.choice("APP_MODE", "PAPER", ("PAPER", "LIVE"))
HMAC_SECRET = readers.text("HMAC_SECRET")
MARKET_DATA_PROVIDERS = readers.words("MARKET_DATA_PROVIDERS", "alpaca,twelvedata,marketdata")
ALPACA_API_KEY = readers.text("ALPACA_API_KEY")
ALPACA_SECRET_KEY = readers.text("ALPACA_SECRET_KEY")
ALPACA_DATA_URL = readers.web_url("ALPACA_DATA_URL", "https://data.alpaca.markets")
ALPACA_TRADING_URL = readers.web_url("ALPACA_TRADING_URL", "https://paper-api.alpaca.markets")
ALPACA_STOCK_FEED = readers.choice("ALPACA_STOCK_FEED", "iex", ("iex", "sip", "delayed_sip"))
ALPACA_OPTION_FEED = readers.choice("ALPACA_OPTION_FEED", "indicative", ("indicative", "opra"))
ALPACA_RATE_LIMIT = readers.rates("ALPACA_RATE_LIMIT", "200/minute")
TWELVE_DATA_API_KEY = readers.text("TWELVE_DATA_API_KEY")
TWELVE_DATA_URL = readers.web_url("TWELVE_DATA_URL", "https://api.twelvedata.com")
TWELVE_DATA_RATE_LIMIT = readers.rates("TWELVE_DATA_RATE_LIMIT", "8/minute,800/day")
MARKETDATA_API_KEY = readers.text("MARKETDATA_API_KEY")
MARKETDATA_URL = readers.web_url("MARKETDATA_URL", "https://api.marketdata.app")
MARKETDATA_RATE_LIMIT = readers.rates("MARKETDATA_RATE_LIMIT", "100/day")
PRICE_JUMP_LIMIT = readers.decimal("PRICE_JUMP_LIMIT", "20", minimum="1", maximum="1000")
RISK_FREE_RATE = readers.decimal("RISK_FREE_RATE", "4", minimum="-5", maximum="50")
SIMULATED_MARKET_SEED = readers.integer("SIMULATED_MARKET_SEED", 1, minimum=0, maximum=2**31)
SIMULATED_MARKET_ALWAYS_OPEN = readers.flag("SIMULATED_MARKET_ALWAYS_OPEN", False)

AB_SPLIT_PERCENTAGE = readers.integer("AB_SPLIT_PERCENTAGE", 50, minimum=0, maximum=100)
ENABLE_ORCHESTRATOR = readers.flag("ENABLE_ORCHESTRATOR", True)
SIGNAL_MAX_AGE_SECONDS = readers.integer("SIGNAL_MAX_AGE_SECONDS", 1800, minimum=60, maximum=86400)
EXIT_WAIT_SECONDS = readers.integer("EXIT_WAIT_SECONDS", 60, minimum=0, maximum=3600)
ALLOW_DELAYED_FEED = readers.flag("ALLOW_DELAYED_FEED", False)
REQUIRE_MTF_BIAS_FOR_ENTRY = readers.flag("REQUIRE_MTF_BIAS_FOR_ENTRY", True)
BIAS_SOURCE = readers.choice("BIAS_SOURCE", "both", ("both", "webhook", "computed"))

APPROVAL = readers.choice("APPROVAL", "auto", ("auto", "manual", "live_only"))
APPROVAL_TIMEOUT_SECONDS = readers.integer("APPROVAL_TIMEOUT_SECONDS", 300, minimum=10, maximum=86400)
ENABLE_PORTFOLIO_GUARD = readers.flag("ENABLE_PORTFOLIO_GUARD", True)
ENABLE_SETUP_VALIDATOR = readers.flag("ENABLE_SETUP_VALIDATOR", True)
ENABLE_CONFLUENCE_GATE = readers.flag("ENABLE_CONFLUENCE_GATE", True)
# 85: with more than that even a signal for which everything speaks could be refused
CONFLUENCE_MIN_THRESHOLD = readers.decimal("CONFLUENCE_MIN_THRESHOLD", "50", minimum="0", maximum="85")
MAX_VIX_FOR_ENTRY = readers.decimal("MAX_VIX_FOR_ENTRY", "50", minimum="1", maximum="1000")

PAPER_STARTING_EQUITY = readers.decimal("PAPER_STARTING_EQUITY", "100000", minimum="1000", maximum="1000000000")
RISK_PER_TRADE_PERCENT = readers.decimal("RISK_PER_TRADE_PERCENT", "1", minimum="0.01", maximum="2")
RISK_PER_TRADE_MAX_PERCENT = readers.decimal("RISK_PER_TRADE_MAX_PERCENT", "2", minimum="0.01", maximum="10")
readers.require_at_most(
    "RISK_PER_TRADE_PERCENT", RISK_PER_TRADE_PERCENT, "RISK_PER_TRADE_MAX_PERCENT", RISK_PER_TRADE_MAX_PERCENT
)
MAX_CONTRACTS_PER_TRADE = readers.integer("MAX_CONTRACTS_PER_TRADE", 10, minimum=1, maximum=1000)
QUOTE_MAX_AGE_SECONDS = readers.integer("QUOTE_MAX_AGE_SECONDS", 120, minimum=1, maximum=3600)
PAPER_FILL_CROSS = readers.decimal("PAPER_FILL_CROSS", "0.75", minimum="0", maximum="1")
COMMISSION_PER_CONTRACT = readers.decimal("COMMISSION_PER_CONTRACT", "0.65", minimum="0", maximum="100")

# --- Jobs -----------------------------------------------------------------------------------------------------------

BIND_HOST = readers.text("BIND_HOST", "127.0.0.1")
PORT = readers.integer("PORT", 8080, minimum=1, maximum=65534)
STREAM_PORT = PORT + 1  # the event stream has a server of its own: open streams would use up the web's threads
ORCHESTRATOR_INTERVAL = readers.integer("ORCHESTRATOR_INTERVAL", 30, minimum=1, maximum=3600)
ORDER_CREATOR_INTERVAL = readers.integer("ORDER_CREATOR_INTERVAL", 30, minimum=1, maximum=3600)
EXECUTOR_INTERVAL = readers.integer("EXECUTOR_INTERVAL", 10, minimum=1, maximum=3600)
POSITION_REFRESHER_INTERVAL = readers.integer("POSITION_REFRESHER_INTERVAL", 60, minimum=1, maximum=3600)
EXIT_MONITOR_INTERVAL = readers.integer("EXIT_MONITOR_INTERVAL", 60, minimum=1, maximum=3600)
INBOX_RECOVERY_INTERVAL = readers.integer("INBOX_RECOVERY_INTERVAL", 10, minimum=1, maximum=3600)
RECONCILE_INTERVAL = readers.integer("RECONCILE_INTERVAL", 300, minimum=1, maximum=86400)
HEARTBEAT_INTERVAL = readers.integer("HEARTBEAT_INTERVAL", 5, minimum=1, maximum=60)
ENABLE_CRON_PROCESSING = readers.flag("ENABLE_CRON_PROCESSING", True)
CRON_SECRET = readers.text("CRON_SECRET")

Q_CLUSTER = {
    "name": "entries",
    "orm": "default",
    "workers": 3,
    "queue_limit": 3,
    "bulk": 1,
    "timeout": 20,
    "retry": 90,
    "ack_failures": True,
    "save_limit": 20,
    "save_limit_per": "func",
    "catch_up": False,
    "scheduler": False,
    "broker_class": "optionsengine.pipeline.broker.ListeningBroker",
    "poll": 0,  # the broker waits by itself
    "label": "Jobs",
    "ALT_CLUSTERS": {"exits": {"workers": 2, "queue_limit": 2}},
}

# --- API ------------------------------------------------------------------------------------------------------------

from optionsengine.settings.faces import *  # noqa: E402, F403 - in a file of its own, it has no variables

CORS_ALLOWED_ORIGINS = readers.words("CORS_ALLOWED_ORIGINS")

# --- Logs -----------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["stderr"],
        "level": readers.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    },
    "loggers": {
        "django": {"level": "INFO"},  # without the handler Django gives it, which would say everything twice
        "httpx2": {"level": "WARNING"},  # it says a line for every request to a provider
        "django-q": {"level": "WARNING"},  # it says several lines for every task; `job_runs` has them all
    },
}
