"""When a secret could be guessed: one rule for every secret a person sets. Pure."""

# long enough that a random text holds one of them about once in a million
PLACEHOLDERS = (
    "changeme",
    "change-",
    "change_",
    "placeholder",
    "insecure",
    "example",
    "secret",
    "password",
    "replace",
    "your-",
    "your_",
    "xxxxx",
)
_LONG = 32
_MIN_DIFFERENT = 6
_MIN_DIFFERENT_LONG = 8
_MIN_PERIOD = 16


def secret_fault(secret: str, *, minimum: int) -> str:
    """Return what is wrong with a secret of at least `minimum` characters, as words after "it", or an empty text.

    A placeholder is one that holds a word of `PLACEHOLDERS`, has few different characters, or repeats a short text.
    """
    if not secret:
        return "is empty"
    if len(secret) < minimum:
        return f"has {len(secret)}"
    different = _MIN_DIFFERENT_LONG if len(secret) >= _LONG else _MIN_DIFFERENT
    is_placeholder = len(set(secret)) < different or any(word in secret.lower() for word in PLACEHOLDERS)
    return "is a placeholder" if is_placeholder or _repeats(secret) else ""


def _repeats(secret: str) -> bool:
    """Whether a text shorter than `_MIN_PERIOD` is written over and over."""
    return any(secret.startswith(secret[period:]) for period in range(1, min(_MIN_PERIOD, len(secret) // 2 + 1)))
