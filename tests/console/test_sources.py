"""The pages of a webhook source: making one, its secrets, what to paste, a test alert, and who may do which."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from optionsengine.console.source_guide import TRADINGVIEW_ADDRESSES
from optionsengine.core import clock
from signals.authentication import token_hash
from signals.enums import SourceMode
from signals.models import Signal, WebhookEvent, WebhookSecret, WebhookSource
from signals.services import webhook_source_create
from tests import factories
from tests.pipeline.intake_client import post

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 10, 15, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PASTE = "PASTE-THE-TOKEN-HERE"
GOOD_TOKEN = "7fK2q9Zr4mXw1Vb8Tn6Yc3"
GOOD_STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ADD = {"slug": "tv", "name": "TradingView", "mode": "token", "is_enabled": "on", "reads_id": "on"}
# as TradingView fills it: bar time in ISO with Z, prices as bare numbers, the rest as text
FILLED = {
    "ticker": "SPY",
    "exchange": "AMEX",
    "interval": "5",
    "close": "612.34",
    "time": "2026-03-10T15:00:00Z",
    "timenow": "2026-03-10T15:05:00Z",
}


def url(name, *args):
    return reverse(f"admin:signals_webhooksource_{name}", args=args)


@pytest.fixture
def boss(client):
    client.force_login(factories.superuser())
    return client


def source(mode=SourceMode.TOKEN, **options):
    return webhook_source_create(slug="desk", name="Desk", mode=mode, at=AT, **options)


def snippets(response):
    """What each copy button of the page copies, by its name."""
    page = response.content.decode()
    names = re.findall(r'data-copy="([\w-]+)"', page)
    found = {name: re.search(rf'<pre class="oe-secret" id="{name}">(.*?)</pre>', page, re.DOTALL) for name in names}
    return {name: unescape(match[1]) for name, match in found.items()}


def errors(response):
    assert response.status_code == 200
    return {name: list(said) for name, said in response.context["adminform"].form.errors.items()}


# --- adding and editing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", SourceMode)
def test_adding_shows_a_fresh_secret_once(boss, mode):
    response = boss.post(url("add"), ADD | {"mode": mode})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    secret = response.context["secret"]
    row = WebhookSecret.objects.get()
    assert (row.secret, row.token_hash) == (("", token_hash(secret)) if mode == "token" else (secret, ""))
    assert snippets(response)["secret"] == secret
    assert len(secret) >= 43
    made = WebhookSource.objects.get()
    for page in (url("changelist"), url("change", made.pk), url("rotate", made.pk), url("test", made.pk)):
        assert secret not in boss.get(page).content.decode()
    assert secret not in json.dumps(list(LogEntry.objects.values_list("change_message", "object_repr")))


@pytest.mark.parametrize(
    ("mode", "given", "stored"),
    [
        ("token", GOOD_TOKEN, GOOD_TOKEN),
        ("token", "4c1f9e07b2d8a6531f0e9c7b5a3d2841", "4c1f9e07b2d8a6531f0e9c7b5a3d2841"),
        ("token", "3141592653589793238462643383279502884197", "3141592653589793238462643383279502884197"),
        ("hmac", " Zk3q9vT1xW7bR5nM ", "Zk3q9vT1xW7bR5nM"),
        ("hmac", "Zk3q 'vT1\"W7bR5nM", "Zk3q 'vT1\"W7bR5nM"),
        ("standard", GOOD_STANDARD, GOOD_STANDARD),
        ("standard", GOOD_STANDARD.removeprefix("whsec_"), GOOD_STANDARD),
    ],
)
def test_a_secret_that_the_sender_dictates_is_taken(boss, mode, given, stored):
    response = boss.post(url("add"), ADD | {"mode": mode, "own_secret": given})
    assert response.context["secret"] == stored
    row = WebhookSecret.objects.get()
    assert stored == row.secret if mode != "token" else row.token_hash == token_hash(stored)


@pytest.mark.parametrize(
    ("mode", "given", "said"),
    [
        ("token", GOOD_TOKEN[:21], "at least 22 characters; it has 21"),
        ("token", "4c1f9e07b2d8a6531f0e9c7b5a3d284", "at least 32 characters; it has 31"),
        ("token", "31415926535897932384626433832795028841", "at least 39 characters; it has 38"),
        ("token", "a1b2c3d4e5g6h7i8j9k0lmno", "at least 25 characters; it has 24"),
        ("token", "changeme-" + GOOD_TOKEN, "it is a placeholder"),
        ("token", GOOD_TOKEN + "/", "letters, digits and"),
        ("token", GOOD_TOKEN + "é", "letters, digits and"),
        ("hmac", "Zk3q9vT1xW7bR5n", "at least 16 characters; it has 15"),
        ("hmac", "aaaaaaaaaaaaaaaaaaaa", "it is a placeholder"),
        ("hmac", "Zk3q9vT1xW7bR5nM\x07", "characters that can be seen"),
        ("standard", "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "24 to 64 bytes in base64"),
        ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLQ==", "24 to 64 bytes in base64"),
        ("standard", "whsec_" + "A" * 88, "24 to 64 bytes in base64"),
        ("standard", "whsec_" + "A" * 32, "it is a placeholder"),
        ("standard", "not base64 at all, is it?", "24 to 64 bytes in base64"),
    ],
)
def test_a_dictated_secret_that_can_be_guessed_or_used_by_nobody_is_refused(boss, mode, given, said):
    response = boss.post(url("add"), ADD | {"mode": mode, "own_secret": given})
    (message,) = errors(response)["own_secret"]
    assert said in message
    assert given not in message
    assert not WebhookSource.objects.exists()


def test_a_token_of_another_source_is_refused(boss):
    source(secret=GOOD_TOKEN)
    response = boss.post(url("add"), ADD | {"own_secret": GOOD_TOKEN})
    assert errors(response) == {
        "own_secret": ["This token is or was in use. Give another one, or leave it empty for a fresh one."]
    }
    # a signature's secret may be shared by two sources: their slugs tell them apart
    assert "secret" in boss.post(url("add"), ADD | {"mode": "hmac", "own_secret": GOOD_TOKEN}).context


@pytest.mark.parametrize(
    ("ticked", "typed", "stored"),
    [
        ("", "", []),
        ("on", "", [*TRADINGVIEW_ADDRESSES]),
        ("on", "203.0.113.7", [*TRADINGVIEW_ADDRESSES, "203.0.113.7"]),
        ("on", TRADINGVIEW_ADDRESSES[2], [*TRADINGVIEW_ADDRESSES]),
        ("", "203.0.113.7\n10.0.0.0/24, 203.0.113.7", ["203.0.113.7", "10.0.0.0/24"]),
        ("", "203.0.113.7/32 2001:DB8::1/128", ["203.0.113.7", "2001:db8::1"]),
        ("", "::ffff:203.0.113.7 ::ffff:10.0.0.0/120", ["203.0.113.7", "10.0.0.0/24"]),
        ("", "10.0.0.0/255.255.255.0", ["10.0.0.0/24"]),
    ],
)
def test_the_allow_list_is_stored_in_its_usual_spelling(boss, ticked, typed, stored):
    form = ADD | {"tradingview_addresses": ticked, "allowed_networks": typed}
    assert boss.post(url("add"), {key: value for key, value in form.items() if value}).status_code == 200
    assert WebhookSource.objects.get().allowed_networks == stored


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("tradingview.com", "tradingview.com is neither an address nor a network: write 52.89.214.238 or 10.0.0.0/24."),
        ("1.2.3", "1.2.3 is neither an address nor a network: write 52.89.214.238 or 10.0.0.0/24."),
        ("1.2.3.4/33", "1.2.3.4/33 is neither an address nor a network: write 52.89.214.238 or 10.0.0.0/24."),
        ("10.0.0.5/24", "10.0.0.5/24 is an address inside a network: write 10.0.0.0/24 for all of it, or 10.0.0.5."),
        ("0.0.0.0/0", "0.0.0.0/0 is every address: leave the list empty to allow any."),
        ("::/0", "::/0 is every address: leave the list empty to allow any."),
        (" ".join(f"10.0.0.{n}" for n in range(51)), "Give at most 50; name networks instead of single addresses."),
    ],
)
def test_an_allow_list_that_cannot_be_is_refused_in_words(boss, typed, said):
    response = boss.post(url("add"), ADD | {"allowed_networks": typed, "tradingview_addresses": "on"})
    assert errors(response) == {"allowed_networks": [said]}
    assert not WebhookSource.objects.exists()


def test_the_preset_is_a_tick_that_can_be_taken_away(boss):
    made, _ = source(allowed_networks=[*TRADINGVIEW_ADDRESSES, "203.0.113.7"])
    form = boss.get(url("change", made.pk)).context["adminform"].form
    assert (form.initial["tradingview_addresses"], form.initial["allowed_networks"]) == (True, "203.0.113.7")
    edit = {"name": "Desk", "is_enabled": "on", "allowed_networks": "203.0.113.7"}
    assert boss.post(url("change", made.pk), edit | {"tradingview_addresses": "on"}).status_code == 302
    assert WebhookSource.objects.get().allowed_networks == [*TRADINGVIEW_ADDRESSES, "203.0.113.7"]
    assert boss.post(url("change", made.pk), edit).status_code == 302
    assert WebhookSource.objects.get().allowed_networks == ["203.0.113.7"]


def test_editing_keeps_slug_mode_and_secrets(boss):
    made, token = source()
    edit = {"name": "Renamed", "slug": "other", "mode": "hmac", "ids_only": "on", "own_secret": GOOD_TOKEN}
    assert boss.post(url("change", made.pk), edit).status_code == 302
    stored = WebhookSource.objects.get()
    assert (stored.slug, stored.mode, stored.name) == ("desk", "token", "Renamed")
    assert (stored.is_enabled, stored.reads_id, stored.ids_only) == (False, False, True)
    assert stored.secrets.get().token_hash == token_hash(token)
    assert boss.get(url("delete", made.pk)).status_code == 403


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"slug": "desk"}, "slug", "Another source has this slug. Choose another."),
        ({"is_default": "on"}, "__all__", "Another source is the default, and only one may be. Clear that one first."),
        ({"requires_timestamp": "on"}, "requires_timestamp", "Only a source of mode HMAC signs it so. Clear this."),
    ],
)
def test_what_contradicts_is_refused_in_words(boss, change, field, said):
    source(is_default=True)
    assert said in errors(boss.post(url("add"), ADD | change))[field]
    assert WebhookSource.objects.count() == 1


# --- rotation ---------------------------------------------------------------------------------------------------------


def newest(made):
    return str(made.secrets.latest("created_at").pk)


@pytest.mark.parametrize("mode", SourceMode)
@pytest.mark.parametrize("hours", ["24", "1", "168", "0"])
def test_rotating_shows_the_new_secret_once_and_gives_the_old_one_its_end(boss, mode, hours):
    made, first = source(mode)
    with clock.frozen(AT + HOUR):
        response = boss.post(url("rotate", made.pk), {"overlap": hours, "newest": newest(made)})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    second = response.context["secret"]
    assert second != first
    old, new = made.secrets.order_by("not_before")
    assert (old.not_before, old.not_after) == (AT, AT + HOUR + int(hours) * HOUR)
    assert (new.not_before, new.not_after) == (AT + HOUR, None)
    page = boss.get(url("change", made.pk)).content.decode()
    assert second not in page
    assert "2026-03-10 16:05:01 UTC" in page
    assert "Rotated the" in LogEntry.objects.latest("pk").change_message


@pytest.mark.parametrize(
    "form", [{"overlap": "3"}, {"overlap": ""}, {"overlap": "-1"}, {"overlap": "24", "own_secret": "abc"}]
)
def test_a_rotation_that_cannot_be_changes_nothing(boss, form):
    made, _ = source()
    before = list(WebhookSecret.objects.values())
    response = boss.post(url("rotate", made.pk), form | {"newest": newest(made)})
    assert (response.status_code, response.templates[0].name) == (200, "console/source_act.html")
    assert response.context["form"].errors
    assert list(WebhookSecret.objects.values()) == before


def test_a_rotation_that_is_sent_again_by_a_reload_makes_no_second_secret(boss):
    made, _ = source()
    page = boss.get(url("rotate", made.pk))
    sent = {"overlap": "0", "newest": page.context["form"]["newest"].value()}
    assert f'name="newest" value="{newest(made)}"' in page.content.decode()
    with clock.frozen(AT + HOUR):
        boss.post(url("rotate", made.pk), sent)
    with clock.frozen(AT + 2 * HOUR):
        again = boss.post(url("rotate", made.pk), sent)
    assert "open it again to rotate" in again.content.decode()
    assert made.secrets.count() == 2
    assert made.secrets.latest("not_before").not_after is None


def test_a_secret_is_ended_at_once(boss):
    made, token = source()
    row = made.secrets.get()
    asked = boss.get(url("end", made.pk, row.pk)).content.decode()
    assert "No other holds: nothing of this source gets in until you rotate." in asked
    row.refresh_from_db()
    assert row.not_after is None
    with clock.frozen(AT + HOUR):
        assert boss.post(url("end", made.pk, row.pk)).status_code == 302
    row.refresh_from_db()
    assert row.not_after == AT + HOUR
    with clock.frozen(AT + 2 * HOUR):
        assert "had ended before" in boss.post(url("end", made.pk, row.pk), follow=True).content.decode()
    row.refresh_from_db()
    assert row.not_after == AT + HOUR
    body = {"symbol": "SPY", "direction": "long", "timeframe": "5m", "secret": token}
    assert post(body, at=AT + HOUR, signed=False).status_code == 201
    assert post(body, at=AT + HOUR + timedelta(microseconds=1), signed=False).status_code == 401


def test_a_secret_of_another_source_is_not_found(boss):
    made, _ = source()
    other = factories.webhook_source()
    assert boss.post(url("end", made.pk, other.secrets.get().pk)).status_code == 404
    assert other.secrets.get().not_after is None


# --- what to paste ----------------------------------------------------------------------------------------------------


def fill(message, **filled):
    for placeholder, value in {**FILLED, **filled}.items():
        message = message.replace("{{" + placeholder + "}}", value)
    assert "{{" not in message
    return message.encode()


def order(action, before, after):
    names = ("order.action", "prev_market_position", "market_position")
    return {f"strategy.{name}": value for name, value in zip(names, (action, before, after), strict=True)}


@pytest.fixture
def shown(boss):
    with clock.frozen(AT):
        return snippets(boss.post(url("add"), ADD, headers={"host": "127.0.0.1:8480"}))


@pytest.mark.parametrize(
    ("action", "before", "after", "intent", "side"),
    [
        ("buy", "flat", "long", "entry", "long"),
        ("sell", "long", "flat", "exit", "long"),
        ("sell", "flat", "short", "entry", "short"),
        ("buy", "short", "flat", "exit", "short"),
        ("sell", "long", "long", "exit", "long"),
        ("sell", "long", "short", "entry", "short"),
    ],
)
def test_the_strategy_message_shown_is_accepted_once_tradingview_has_filled_it(
    shown, action, before, after, intent, side
):
    path = shown["url"].removeprefix("http://127.0.0.1:8480")
    response = post(fill(shown["strategy"], **order(action, before, after)), at=AT, path=path, signed=False)
    assert response.status_code == 201, response.content
    signal = Signal.objects.get(pk=response.json()["signal_id"])
    assert (signal.intent, signal.side, signal.symbol, signal.timeframe) == (intent, side, "SPY", "5m")
    assert (str(signal.price), signal.bar_end_at) == ("612.3400", datetime(2026, 3, 10, 15, 5, tzinfo=UTC))
    assert signal.source.slug == "tv"


@pytest.mark.parametrize(("name", "intent"), [("indicator", "entry"), ("indicator-exit", "exit")])
def test_the_indicator_messages_shown_are_accepted(shown, name, intent):
    path = shown["url"].removeprefix("http://127.0.0.1:8480")
    response = post(fill(shown[name]), at=AT, path=path, signed=False, content_type="text/plain")
    assert (response.status_code, response.json()["intent"]) == (201, intent)
    assert Signal.objects.get().side == "long"


@pytest.mark.parametrize("requires_timestamp", [True, False])
@pytest.mark.parametrize("mode", ["hmac", "standard"])
@pytest.mark.skipif(shutil.which("openssl") is None, reason="the command signs with openssl")
def test_the_command_shown_signs_what_the_intake_accepts(boss, mode, requires_timestamp):
    form = ADD | {"mode": mode, "own_secret": "" if mode == "standard" else "Zk3q 'vT1\"W7$R5nM"}
    if requires_timestamp and mode == "hmac":
        form["requires_timestamp"] = "on"
    shown = snippets(boss.post(url("add"), form))
    script, separator, posting = shown["command"].partition("curl ")
    assert separator
    assert f"'{shown['url']}'" in posting or f" {shown['url']} " in posting
    told = re.findall(r'-H "([\w-]+): ([^"]+)"', posting)
    script += "".join(f"\nprintf '%s\\n' \"{value}\"" for _, value in told) + "\nprintf '%s' \"$BODY\""
    run = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    *values, body = run.stdout.split("\n")
    headers = {name.lower().replace("-", "_"): value for (name, _), value in zip(told, values, strict=True)}
    path = shown["url"].removeprefix("http://testserver")
    response = post(body.encode(), at=None, path=path, signed=False, **headers)
    assert response.status_code == 201, response.content
    assert post(body.encode() + b" ", at=None, path=path, signed=False, **headers).status_code == 401


@pytest.mark.parametrize(
    ("host", "is_secure", "expected", "causes"),
    [
        ("desk.example.com", True, "https://desk.example.com/webhook/s/desk", []),
        ("desk.example.com", False, "http://desk.example.com/webhook/s/desk", []),
        ("desk.example.com:8443", True, "https://desk.example.com:8443/webhook/s/desk", ["this is 8443"]),
        ("52.89.214.238", False, "http://52.89.214.238/webhook/s/desk", []),
        (
            "localhost:8080",
            False,
            "http://localhost:8080/webhook/s/desk",
            ["localhost is not a public", "this is 8080"],
        ),
        ("127.0.0.1", False, "http://127.0.0.1/webhook/s/desk", ["127.0.0.1 is not a public"]),
        ("192.168.1.5:80", False, "http://192.168.1.5:80/webhook/s/desk", ["192.168.1.5 is not a public"]),
        ("[::1]:8080", False, "http://[::1]:8080/webhook/s/desk", ["::1 is not a public", "this is 8080"]),
        ("desk.local", False, "http://desk.local/webhook/s/desk", ["desk.local is not a public"]),
    ],
)
def test_the_address_is_the_one_the_page_was_opened_by(boss, monkeypatch, host, is_secure, expected, causes):
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["*"])
    made, _ = source()
    response = boss.get(url("change", made.pk), headers={"host": host}, secure=is_secure)
    assert snippets(response)["url"] == expected
    warning = response.context["guide"].warning
    assert bool(warning) == bool(causes)
    for cause in causes:
        assert cause in warning
    assert "<your token>" in snippets(response)["strategy"]


def test_the_default_source_is_posted_to_without_its_name(boss):
    made, _ = source(is_default=True)
    assert snippets(boss.get(url("change", made.pk)))["url"] == "http://testserver/webhook"


def test_pages_have_no_script_of_their_own(boss):
    made, _ = source()
    for response in (
        boss.post(url("add"), ADD),
        boss.get(url("rotate", made.pk)),
        boss.get(url("test", made.pk)),
    ):
        page = response.content.decode()
        content = page[page.index("oe-card") :]
        assert "/static/console/copy.js" in page
        assert not re.search(r"<section[^>]*>.*?(<script|\son\w+=|javascript:).*?</section>", content, re.DOTALL)


# --- a test alert -----------------------------------------------------------------------------------------------------

TRIAL = {"symbol": "SPY", "direction": "long"}


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        (SourceMode.TOKEN, {}),
        (SourceMode.HMAC, {}),
        (SourceMode.HMAC, {"requires_timestamp": True}),
        (SourceMode.STANDARD, {}),
        (SourceMode.TOKEN, {"allowed_networks": [*TRADINGVIEW_ADDRESSES]}),
        (SourceMode.HMAC, {"allowed_networks": ["10.0.0.0/24"]}),
        (SourceMode.TOKEN, {"ids_only": True, "is_default": True}),
    ],
)
def test_a_test_alert_goes_through_the_real_intake(boss, mode, options):
    made, secret = source(mode, **options)
    token = {"token": secret} if mode == SourceMode.TOKEN else {}
    with clock.frozen(AT):
        response = boss.post(url("test", made.pk), TRIAL | token)
    answer = response.context["trial"].answer
    assert (answer.http, answer.status) == (201, "ACCEPTED")
    signal = Signal.objects.get(pk=answer.extra["signal_id"])
    assert (signal.symbol, signal.side, signal.timeframe, signal.is_test) == ("SPY", "long", "5m", True)
    assert (signal.source_id, signal.created_at) == (made.pk, AT)
    event = signal.event
    assert (event.authenticated, event.user_agent) == (True, "optionsengine test alert")
    first = {"10.0.0.0/24": "10.0.0.0", TRADINGVIEW_ADDRESSES[0]: TRADINGVIEW_ADDRESSES[0]}
    assert event.source_ip == first.get(next(iter(options.get("allowed_networks", [])), ""), "127.0.0.1")
    page = response.content.decode()
    assert reverse("admin:signals_signal_change", args=(signal.pk,)) in page
    assert reverse("admin:signals_webhookevent_change", args=(event.pk,)) in page
    assert secret.encode() not in bytes(event.body)
    assert "Sent a test alert: 201 ACCEPTED" in LogEntry.objects.latest("pk").change_message
    assert "no-store" in response["Cache-Control"]


def test_a_second_click_is_told_to_be_a_duplicate(boss):
    made, token = source()
    form = TRIAL | {"token": token}
    with clock.frozen(AT):
        first = boss.post(url("test", made.pk), form).context["trial"].answer
    with clock.frozen(AT + timedelta(seconds=59)):
        second = boss.post(url("test", made.pk), form)
        other = boss.post(url("test", made.pk), form | {"direction": "short"})
    assert second.context["trial"].answer.status == "DUPLICATE"
    assert "less than 60 seconds before, and count once" in second.content.decode()
    assert reverse("admin:signals_signal_change", args=(first.extra["signal_id"],)) in second.content.decode()
    assert other.context["trial"].answer.status == "ACCEPTED"
    assert Signal.objects.count() == 2


@pytest.mark.parametrize(
    ("mode", "is_enabled", "is_ended", "said"),
    [
        (SourceMode.TOKEN, True, False, "This is not a token of this source"),
        (SourceMode.TOKEN, False, False, "This source is not enabled."),
        (SourceMode.HMAC, True, True, "No secret of this source holds now: rotate."),
        (SourceMode.STANDARD, True, True, "No secret of this source holds now: rotate."),
    ],
)
def test_a_refused_test_alert_says_what_to_do(boss, mode, is_enabled, is_ended, said):
    made, _ = source(mode, is_enabled=is_enabled)
    if is_ended:
        made.secrets.update(not_after=AT)
    token = {"token": "wrong-" + GOOD_TOKEN} if mode == SourceMode.TOKEN else {}
    with clock.frozen(AT + HOUR):
        response = boss.post(url("test", made.pk), TRIAL | token)
    assert response.context["trial"].answer.http == 401
    assert "UNAUTHORIZED" in response.content.decode()
    assert said in response.content.decode()
    assert not Signal.objects.exists()


def test_a_test_alert_for_no_symbol_is_answered_as_a_sender_would_be(boss):
    made, token = source()
    response = boss.post(url("test", made.pk), {"symbol": "BTC-USD", "direction": "long", "token": token})
    assert response.context["trial"].answer.http == 400
    assert "INVALID_SYMBOL" in response.content.decode()
    assert WebhookEvent.objects.get().source_id == made.pk


def test_nothing_is_sent_until_the_form_is_whole(boss):
    made, _ = source()
    for form in ({}, {"symbol": "SPY", "direction": "long"}, {"symbol": "SPY", "direction": "up", "token": "x"}):
        assert boss.post(url("test", made.pk), form).context["trial"] is None
    assert boss.get(url("test", made.pk)).context["trial"] is None
    assert not WebhookEvent.objects.exists()


# --- who may ----------------------------------------------------------------------------------------------------------

PEOPLE = {
    "nobody": (None, {"see": 302, "add": 302, "change": 302, "rotate": 302, "end": 302, "test": 302}),
    "no role": ("", {"see": 403, "add": 403, "change": 403, "rotate": 403, "end": 403, "test": 403}),
    "viewer": ("viewer", {"see": 200, "add": 403, "change": 403, "rotate": 403, "end": 403, "test": 403}),
    "operator": ("operator", {"see": 200, "add": 403, "change": 403, "rotate": 403, "end": 403, "test": 200}),
    "admin": ("admin", {"see": 200, "add": 200, "change": 302, "rotate": 200, "end": 302, "test": 200}),
}


@pytest.mark.parametrize("person", PEOPLE)
def test_each_role_may_what_it_may(client, person):
    role, expected = PEOPLE[person]
    if role is not None:
        client.force_login(factories.person(role))
    made, token = source()
    secret = made.secrets.get()
    got = {
        "see": client.get(url("change", made.pk)).status_code,
        "test": client.post(url("test", made.pk), TRIAL | {"token": token}).status_code,
        "add": client.post(url("add"), ADD).status_code,
        "change": client.post(url("change", made.pk), {"name": "Changed"}).status_code,
        "end": client.post(url("end", made.pk, secret.pk)).status_code,
        "rotate": client.post(url("rotate", made.pk), {"overlap": "24", "newest": newest(made)}).status_code,
    }
    assert got == expected
    secret.refresh_from_db()
    assert WebhookSource.objects.filter(slug="tv").exists() == (person == "admin")
    assert (secret.not_after is not None) == (person == "admin")
    assert made.secrets.count() == (2 if person == "admin" else 1)
    assert Signal.objects.count() == (1 if person in ("operator", "admin") else 0)


@pytest.mark.parametrize(("role", "offers"), [("viewer", []), ("operator", ["test"]), ("admin", ["test", "rotate"])])
def test_the_page_offers_what_the_person_may(client, role, offers):
    client.force_login(factories.person(role))
    made, _ = source()
    response = client.get(url("change", made.pk))
    assert [link["url"] for link in response.context["act_links"]] == [url(name, made.pk) for name in offers]
    assert ("End now" in response.content.decode()) == (role == "admin")
    assert "<your token>" in snippets(response)["strategy"]


@pytest.mark.parametrize("name", ["strategy", "indicator"])
def test_the_readme_shows_the_same_message(shown, name):
    text = (settings.BASE_DIR / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"<!-- example: {name} -->\s*```json\n(.*?)\n```", text, re.DOTALL)[1]
    assert block == shown[name].replace(json.loads(shown[name].replace("{{close}}", "1"))["secret"], PASTE)
