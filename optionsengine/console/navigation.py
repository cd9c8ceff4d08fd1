"""The admin's sidebar, in the order a trader works, and the label that says what the numbers are."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from optionsengine.console.approval_selectors import approvals_waiting_count
from optionsengine.core.admin import BAD, NOTED, WAITING
from optionsengine.market.selectors import is_simulated

# group → (title, icon, app label, model name)
SECTIONS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "Trading": (
        ("Signals", "notifications_active", "signals", "signal"),
        ("Review", "fact_check", "experiments", "approval"),
        ("Orders", "receipt_long", "orders", "order"),
        ("Positions", "account_balance_wallet", "positions", "position"),
        ("Exit alerts", "logout", "positions", "exitalert"),
        ("Performance", "monitoring", "positions", "biastradeperformance"),
    ),
    "Rules": (
        ("Trading state", "power_settings_new", "ops", "tradingstate"),
        ("Risk limits", "shield", "experiments", "risklimit"),
        ("Feature flags", "toggle_on", "ops", "featureflag"),
        ("Bias rules", "tune", "bias", "biasconfigsection"),
        ("Exit rules", "rule", "positions", "exitrule"),
        ("Webhook sources", "key", "signals", "webhooksource"),
    ),
    "Inbox": (
        ("Requests", "inbox", "signals", "webhookevent"),
        ("Bias now", "explore", "bias", "biasstatecurrent"),
        ("Bias history", "history", "bias", "biasstatehistory"),
        ("Contexts", "public", "signals", "marketcontextreceived"),
        ("Gamma", "functions", "bias", "gammasnapshot"),
        ("Feeds", "rss_feed", "market", "feedtick"),
        ("Bars", "candlestick_chart", "market", "storedbar"),
        ("Volatility by day", "ssid_chart", "market", "ivday"),
        ("Signal changes", "swap_horiz", "signals", "signalevent"),
    ),
    "Decisions": (
        ("Rounds", "psychology", "experiments", "decisionround"),
        ("Gates", "door_front", "experiments", "gateresult"),
        ("Agents' votes", "how_to_vote", "experiments", "agentdecision"),
        ("Recommendations", "recommend", "experiments", "recommendation"),
        ("Assignments", "call_split", "experiments", "experiment"),
        ("Settings that decided", "tune", "experiments", "configversion"),
        ("Drawdown pauses", "pause_circle", "experiments", "drawdownfreeze"),
    ),
    "Ledgers": (
        ("Trades", "paid", "orders", "trade"),
        ("Order changes", "swap_horiz", "orders", "orderevent"),
        ("Position changes", "swap_horiz", "positions", "positionevent"),
        ("Marks", "show_chart", "positions", "positionmark"),
        ("Equity by day", "account_balance", "positions", "equitysnapshot"),
    ),
    "Operations": (
        ("Alerts", "warning", "ops", "alert"),
        ("Job runs", "work_history", "ops", "jobrun"),
        ("Heartbeats", "favorite", "ops", "heartbeat"),
        ("Breakers", "electric_bolt", "ops", "circuitbreaker"),
        ("Providers' limits", "speed", "market", "providerlimit"),
        ("Schedules", "schedule", "django_q", "schedule"),
        ("Failed tasks", "error", "django_q", "failure"),
        ("Queue", "list", "django_q", "ormq"),
    ),
    "People": (
        ("Users", "person", "auth", "user"),
        ("Roles", "groups", "auth", "group"),
    ),
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups and links this person may open."""
    groups = []
    for title, pages in SECTIONS.items():
        items: list[dict[str, Any]] = [
            {"title": name, "icon": icon, "link": reverse(f"admin:{app}_{model}_changelist"), **_badge(model)}
            for name, icon, app, model in pages
            if request.user.has_perm(f"{app}.view_{model}")
        ]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def _badge(model: str) -> dict[str, Any]:
    """How many entries wait for a person, beside the link to them."""
    count = approvals_waiting_count() if model == "approval" else 0
    return {"badge": count, "badge_variant": "warning"} if count else {}


def environment(request: HttpRequest) -> list[str]:
    """Return the label at the top of every page: live or paper, and plainly whether prices are simulated."""
    invented = is_simulated()
    said = f"{settings.APP_MODE}, simulated prices" if invented else settings.APP_MODE
    if settings.APP_MODE == "LIVE":
        return [said, BAD]
    return [said, WAITING if invented else NOTED]
