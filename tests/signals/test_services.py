from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from optionsengine.core import ids
from optionsengine.core.enums import Intent
from signals.adapters.plain import PlainAdapter
from signals.authentication import token_hash
from signals.data import Arrival
from signals.enums import SIGNAL_TRANSITIONS, EventStatus, SignalStatus, SourceMode
from signals.models import Signal, SignalEvent, WebhookSecret, WebhookSource
from signals.selectors import signals_claimable
from signals.services import (
    TransitionError,
    signal_defer,
    signal_receive,
    signal_transition,
    webhook_event_finish,
    webhook_secret_end,
    webhook_secret_rotate,
    webhook_source_create,
)
from tests import factories

pytestmark = pytest.mark.django_db

AT = datetime(2026, 2, 5, 15, 0, 2, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)


def event():
    return factories.webhook_event(created_at=AT, status="received", family="", symbol="", body=b"{}", size=2)


def signal(**changes):
    body = {"symbol": "SPY", "direction": "long", "timeframe": "5m", **changes}
    draft = PlainAdapter().read(body, Arrival(AT, False, 1800))
    with transaction.atomic():
        made, is_created = signal_receive(draft=draft, event=event(), payload=body, at=AT)
    assert is_created
    return made


def in_status(status):
    made = signal()
    Signal.objects.filter(pk=made.pk).update(status=status)
    made.refresh_from_db()
    return made


def stored(row):
    return type(row).objects.filter(pk=row.pk).values().get()


PAIRS = [(before, to) for before in SignalStatus for to in SignalStatus]


@pytest.mark.parametrize(("before", "to"), [pair for pair in PAIRS if pair[1] in SIGNAL_TRANSITIONS[pair[0]]])
def test_an_allowed_change_is_made_with_its_event_row(before, to):
    made = in_status(before)
    signal_transition(signal=made, to=to, reason="WHY", message="because", at=LATER, actor="anna")
    row = stored(made)
    assert (row["status"], row["reason"], row["updated_at"], row["created_at"]) == (to, "WHY", LATER, AT)
    change = SignalEvent.objects.latest("created_at")
    assert (change.signal_id, change.from_status, change.to_status) == (made.pk, before, to)
    assert (change.reason, change.message, change.actor, change.created_at) == ("WHY", "because", "anna", LATER)


@pytest.mark.parametrize(("before", "to"), [pair for pair in PAIRS if pair[1] not in SIGNAL_TRANSITIONS[pair[0]]])
def test_any_other_change_is_refused_and_changes_nothing(before, to):
    made = in_status(before)
    row = stored(made)
    with pytest.raises(TransitionError, match=f"is {before.value} and cannot become {to.value}"):
        signal_transition(signal=made, to=to, reason="WHY", message="", at=LATER)
    assert stored(made) == row
    assert SignalEvent.objects.count() == 1


def test_nothing_leads_out_of_executed():
    assert SIGNAL_TRANSITIONS[SignalStatus.EXECUTED] == frozenset()
    assert set(SIGNAL_TRANSITIONS) == set(SignalStatus)


def test_a_deferral_releases_the_lease_and_is_recorded():
    made = signal()
    Signal.objects.filter(pk=made.pk).update(claimed_by=ids.new_id(), claimed_until=LATER, attempts=3)
    made.refresh_from_db()
    until = LATER + timedelta(minutes=1)
    signal_defer(signal=made, until=until, reason="WAIT", message="not yet", at=LATER)
    row = stored(made)
    assert (row["status"], row["reason"], row["next_attempt_at"]) == ("pending", "WAIT", until)
    assert (row["claimed_by"], row["claimed_until"], row["attempts"]) == (None, None, 0)
    change = SignalEvent.objects.latest("created_at")
    assert (change.from_status, change.to_status, change.reason) == ("pending", "pending", "WAIT")


@pytest.mark.parametrize("status", [status for status in SignalStatus if status != SignalStatus.PENDING])
def test_only_a_pending_signal_can_be_put_off(status):
    made = in_status(status)
    row = stored(made)
    with pytest.raises(TransitionError, match="only a pending one"):
        signal_defer(signal=made, until=LATER, reason="WAIT", message="", at=AT)
    assert stored(made) == row


def test_entries_and_exits_are_claimed_apart():
    entry, closing = signal(), signal(action="CLOSE")
    in_status_rows = [signals_claimable(intent).get().pk for intent in (Intent.ENTRY, Intent.EXIT)]
    assert in_status_rows == [entry.pk, closing.pk]
    Signal.objects.update(status=SignalStatus.APPROVED)
    assert not signals_claimable(Intent.ENTRY).exists()


def test_an_event_has_one_end():
    made = event()
    webhook_event_finish(event=made, status=EventStatus.IGNORED, answer={"http": 200}, at=LATER)
    row = stored(made)
    with pytest.raises(TransitionError, match="is ignored already"):
        webhook_event_finish(event=made, status=EventStatus.FAILED, answer={}, at=LATER)
    assert stored(made) == row


@pytest.mark.django_db(transaction=True)
def test_changes_need_a_transaction():
    made = signal()
    row = stored(made)
    with pytest.raises(RuntimeError, match="one transaction"):
        signal_transition(signal=made, to=SignalStatus.REJECTED, reason="WHY", message="", at=LATER)
    with pytest.raises(RuntimeError, match="one transaction"):
        signal_defer(signal=made, until=LATER, reason="WAIT", message="", at=AT)
    with pytest.raises(RuntimeError, match="one transaction"):
        webhook_event_finish(event=made.event, status=EventStatus.IGNORED, answer={}, at=LATER)
    assert stored(made) == row


def test_a_source_keeps_a_token_as_its_hash_only():
    source, token = webhook_source_create(slug="tv", name="TradingView", mode=SourceMode.TOKEN, at=AT)
    assert len(token) >= 43
    assert source.secrets.values_list("secret", "token_hash").get() == ("", token_hash(token))
    other, secret = webhook_source_create(slug="desk", name="Desk", mode=SourceMode.HMAC, at=AT, is_default=True)
    assert (other.secrets.values_list("secret", "token_hash").get(), other.is_default) == ((secret, ""), True)


def test_the_database_holds_one_default_and_one_credential_each():
    webhook_source_create(slug="one", name="One", mode=SourceMode.HMAC, at=AT, is_default=True)
    with pytest.raises(IntegrityError, match="webhook_sources_one_default"), transaction.atomic():
        webhook_source_create(slug="two", name="Two", mode=SourceMode.HMAC, at=AT, is_default=True)
    one = WebhookSource.objects.get()
    with pytest.raises(IntegrityError, match="webhook_secrets_one_credential"), transaction.atomic():
        WebhookSecret.objects.create(source=one, secret="plain", token_hash="0" * 64, not_before=AT, created_at=AT)
    with pytest.raises(IntegrityError, match="webhook_secrets_in_order"), transaction.atomic():
        WebhookSecret.objects.create(source=one, secret="plain", not_before=LATER, not_after=AT, created_at=AT)


# --- rotation ---------------------------------------------------------------------------------------------------------

HOUR = timedelta(hours=1)


def windows(source):
    held = source.secrets.values_list("not_before", "not_after")
    return sorted(held, key=lambda window: (window[0], window[1] is None, window[1]))


@pytest.mark.parametrize("mode", SourceMode)
@pytest.mark.parametrize("overlap", [timedelta(0), HOUR, timedelta(hours=24)])
def test_a_rotation_starts_the_new_secret_and_ends_the_old_after_the_overlap(mode, overlap):
    source, first = webhook_source_create(slug="desk", name="Desk", mode=mode, at=AT)
    other, _ = webhook_source_create(slug="other", name="Other", mode=mode, at=AT)
    at = AT + 5 * HOUR
    second = webhook_secret_rotate(source=source, at=at, overlap=overlap)
    assert second != first
    assert windows(source) == [(AT, at + overlap), (at, None)]
    assert windows(other) == [(AT, None)]
    source.refresh_from_db()
    assert source.updated_at == at
    newest = source.secrets.get(not_after=None)
    assert second == newest.secret if mode != SourceMode.TOKEN else token_hash(second) == newest.token_hash


def test_the_overlap_is_a_day_unless_it_is_given():
    source, _ = webhook_source_create(slug="desk", name="Desk", mode=SourceMode.HMAC, at=AT)
    webhook_secret_rotate(source=source, at=AT + HOUR)
    assert windows(source) == [(AT, AT + 25 * HOUR), (AT + HOUR, None)]


def test_a_rotation_never_lengthens_what_ends_sooner():
    source, _ = webhook_source_create(slug="desk", name="Desk", mode=SourceMode.HMAC, at=AT)
    webhook_secret_rotate(source=source, at=AT, overlap=2 * HOUR)
    webhook_secret_rotate(source=source, at=AT + HOUR, overlap=24 * HOUR)
    assert windows(source) == [(AT, AT + 2 * HOUR), (AT, AT + 25 * HOUR), (AT + HOUR, None)]
    webhook_secret_rotate(source=source, at=AT + HOUR, overlap=timedelta(0))
    assert windows(source) == [(AT, AT + HOUR), (AT, AT + HOUR), (AT + HOUR, AT + HOUR), (AT + HOUR, None)]


def test_a_clock_that_stepped_back_ends_a_secret_no_sooner_than_it_begins():
    source, _ = webhook_source_create(slug="desk", name="Desk", mode=SourceMode.HMAC, at=AT)
    webhook_secret_rotate(source=source, at=AT - HOUR, overlap=timedelta(0))
    assert windows(source) == [(AT - HOUR, None), (AT, AT)]


def test_a_dictated_secret_is_taken_as_it_is():
    source, given = webhook_source_create(slug="desk", name="Desk", mode=SourceMode.HMAC, at=AT, secret="dictated-1")
    assert given == "dictated-1"
    assert webhook_secret_rotate(source=source, at=AT, secret="dictated-2") == "dictated-2"


def test_a_secret_is_ended_once():
    source, _ = webhook_source_create(slug="desk", name="Desk", mode=SourceMode.TOKEN, at=AT)
    row = source.secrets.get()
    assert webhook_secret_end(secret=row, at=AT + HOUR) is True
    assert windows(source) == [(AT, AT + HOUR)]
    assert webhook_secret_end(secret=row, at=AT + 2 * HOUR) is False
    assert windows(source) == [(AT, AT + HOUR)]
    assert webhook_secret_end(secret=row, at=AT) is True
    assert windows(source) == [(AT, AT)]
