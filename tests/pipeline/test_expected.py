"""Every row of the shared table of expected answers, through the real URL."""

import csv
from datetime import datetime
from pathlib import Path

import pytest

from signals.models import Signal, WebhookEvent
from tests.pipeline.intake_client import SECRET, post

PAYLOADS = Path(__file__).resolve().parents[3] / "shared" / "payloads"


def _rows():
    table = PAYLOADS / "expected.csv"
    if not table.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the shared payloads are not beside this checkout"))]
    with table.open(newline="") as file:
        return [pytest.param(row, id=row["file"]) for row in csv.DictReader(file)]


@pytest.mark.django_db
@pytest.mark.usefixtures("either_door")
@pytest.mark.parametrize("row", _rows())
def test_the_answer_is_the_expected_one(row, settings):
    settings.HMAC_SECRET = SECRET
    at = datetime.fromisoformat(row["at"])
    if row["after"]:
        first = post((PAYLOADS / row["after"]).read_bytes(), at=at, path=row["route"])
        assert first.status_code in (200, 201)
    raw = (PAYLOADS / row["file"]).read_bytes()
    response = post(raw, at=at, path=row["route"], content_type=row["content_type"])
    answer = response.json()
    event = WebhookEvent.objects.get(pk=answer["webhook_event_id"])
    code = answer.get("code", answer.get("reason", ""))
    assert (response.status_code, answer["status"], code) == (int(row["http"]), row["status"], row["code"])
    assert event.family == row["family"]
    assert event.symbol == row["symbol"]
    if row["side"]:
        signal = Signal.objects.get(pk=answer["signal_id"])
        assert (signal.side, signal.intent, signal.timeframe) == (row["side"], row["intent"], row["timeframe"])
    else:
        assert not Signal.objects.exists()
