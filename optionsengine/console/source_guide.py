"""What to paste where, for each kind of sender: address, TradingView messages, commands that sign. Pure."""

import ipaddress
import json
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from signals.enums import SourceMode

TOKEN_PLACE = "<your token>"  # noqa: S105 - stands where the token goes
SECRET_PLACE = "<your secret>"  # noqa: S105 - stands where the secret goes
TRADINGVIEW_ADDRESSES = ("52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7")
_BODY = '{"symbol":"SPY","direction":"long","timeframe":"30m","confidence":85}'
_LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home", ".test")
_CHART = {"symbol": "{{ticker}}", "exchange": "{{exchange}}", "timeframe": "{{interval}}"}
_BAR = {"price": "{{close}}", "timestamp": "{{time}}"}


@dataclass(frozen=True, slots=True)
class Snippet:
    """One text to copy; `name` is its id on the page."""

    name: str
    title: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Guide:
    """Everything a sender has to be told. `warning` is empty if its address can be reached."""

    url: str
    warning: str
    snippets: tuple[Snippet, ...]


def _message(token: str, fields: dict[str, str]) -> str:
    """Write the message; a price is a bare number once TradingView has filled it."""
    text = json.dumps({"secret": token, **_CHART, **fields, **_BAR}, indent=2, ensure_ascii=False)
    return text.replace('"{{close}}"', "{{close}}")


def strategy_message(token: str) -> str:
    """Return the message of an alert on a strategy: entries and exits, by the position each order leaves."""
    fields = {
        "action": "{{strategy.order.action}}",
        "direction": "{{strategy.market_position}}",
        "market_position": "{{strategy.market_position}}",
        "prev_market_position": "{{strategy.prev_market_position}}",
    }
    return _message(token, fields)


def indicator_message(token: str, *, is_exit: bool = False) -> str:
    """Return the message of an alert on an indicator, which knows no orders, for the long side."""
    return _message(token, {"direction": "long", **({"action": "exit"} if is_exit else {})})


def sign_command(*, mode: SourceMode, url: str, secret: str, requires_timestamp: bool) -> str:
    """Return shell commands that sign one alert and post it; they need openssl and curl."""
    lines = [f"SECRET={shlex.quote(secret)}", f"BODY={shlex.quote(_BODY)}"]
    post = f"curl -sS {shlex.quote(url)} -H 'Content-Type: application/json'"
    if mode == SourceMode.STANDARD:
        lines += [
            "KEY=$(printf '%s' \"${SECRET#whsec_}\" | base64 -d | od -An -v -tx1 | tr -d ' \\n')",
            "ID=msg_$(openssl rand -hex 12)",
            "TIMESTAMP=$(date +%s)",
            'SIGNATURE=$(printf \'%s.%s.%s\' "$ID" "$TIMESTAMP" "$BODY" \\',
            '    | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)',
            f'{post} -H "Webhook-Id: $ID" -H "Webhook-Timestamp: $TIMESTAMP" \\',
            '     -H "Webhook-Signature: v1,$SIGNATURE" --data-binary "$BODY"',
        ]
    elif requires_timestamp:
        lines += [
            "TIMESTAMP=$(date +%s)",
            'SIGNATURE=$(printf \'%s.%s\' "$TIMESTAMP" "$BODY" \\',
            "    | openssl dgst -sha256 -hmac \"$SECRET\" | sed 's/^.* //')",
            f'{post} -H "X-Webhook-Timestamp: $TIMESTAMP" \\',
            '     -H "X-Webhook-Signature: $SIGNATURE" --data-binary "$BODY"',
        ]
    else:
        lines += [
            "SIGNATURE=$(printf '%s' \"$BODY\" | openssl dgst -sha256 -hmac \"$SECRET\" | sed 's/^.* //')",
            f'{post} \\\n     -H "X-Webhook-Signature: $SIGNATURE" --data-binary "$BODY"',
        ]
    return "\n".join(lines)


def source_guide(
    *, mode: SourceMode, slug: str, is_default: bool, requires_timestamp: bool, base_url: str, secret: str = ""
) -> Guide:
    """Return what to paste for one source; without its `secret`, which is shown once only, a place for it.

    `base_url` is how the person reading it reached the engine, scheme and host.
    """
    url = f"{base_url}/webhook" if is_default else f"{base_url}/webhook/s/{slug}"
    if mode != SourceMode.TOKEN:
        command = sign_command(mode=mode, url=url, secret=secret or SECRET_PLACE, requires_timestamp=requires_timestamp)
        return Guide(url, "", (Snippet("command", "A signed alert from a shell", command),))
    token = secret or TOKEN_PLACE
    snippets = (
        Snippet(
            "strategy",
            "Message of an alert on a strategy",
            strategy_message(token),
            "Opens and closes by itself: an order that leaves the strategy flat, or only reduces its position, closes.",
        ),
        Snippet(
            "indicator",
            "Message of an alert on an indicator that opens",
            indicator_message(token),
            "Write short where puts are to be bought.",
        ),
        Snippet(
            "indicator-exit",
            "Message of an alert on an indicator that closes",
            indicator_message(token, is_exit=True),
            "With the same direction as the alert that opened.",
        ),
    )
    return Guide(url, reach_warning(base_url), snippets)


def reach_warning(base_url: str) -> str:
    """Return why TradingView cannot post to this address and what to do; empty if nothing speaks against it."""
    parts = urlsplit(base_url)
    host, causes = (parts.hostname or ""), []
    if not _is_public(host):
        causes.append(f"{host} is not a public address")
    if parts.port not in (None, 80, 443):
        causes.append(f"it posts to ports 80 and 443 only, and this is {parts.port}")
    if not causes:
        return ""
    return (
        f"TradingView cannot reach this address: {'; '.join(causes)}. Put a proxy with TLS before the engine and open "
        "this page through it, by the public name; the address shown here is then the one to paste."
    )


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_LOCAL_ENDINGS)
