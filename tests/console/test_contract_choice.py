"""Why a contract was chosen, where a person and a program look: the review page and the timeline."""

from decimal import Decimal

import pytest
from django.db import transaction
from django.urls import reverse

from experiments.decide import decide
from experiments.services import decision_record
from optionsengine.core.enums import Side
from tests import factories
from tests.experiments.worlds import AT, LATER, bias, chain, market, option, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client):
    client.force_login(factories.viewer())
    return client


def recorded(inputs):
    entry = factories.signal(side=inputs.signal.side)
    assigned = factories.experiment(signal=entry, variant=inputs.variant)
    with transaction.atomic():
        decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=AT)
    return entry


def page_of(reader, inputs):
    answer = reader.get(reverse("admin:signals_signal_change", args=(recorded(inputs).pk,)))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("side", Side)
def test_the_review_page_tells_why_and_shows_the_five_best(reader, side):
    page = page_of(reader, world(side, bias=bias(side, confidence=0.6)))

    assert "Why this contract: the best score of those that fit where the fair hint of the bias points" in page
    assert "Of 12 listed at spot 500, 5 fit; dte removed 6; greeks removed 1." in page
    assert "gives a fair hint: delta 0.45 to 0.55, 7.0 to 14.0 days; 2 of those that fit lie there." in page
    strikes = ("503", "505", "502", "501", "500") if side == Side.LONG else ("497", "495", "498", "499", "500")
    rows = [page.index(f"<td>2026-02-27 {strike}</td>") for strike in strikes]
    assert rows == sorted(rows)
    assert "outside policy" not in page


def test_the_review_page_tells_what_the_alerts_own_contract_breaks(reader):
    own = option(beyond=20, expiration=LATER, delta=0.1)
    wish = {"strike": own.contract.strike, "expiration": LATER}
    page = page_of(reader, world(signal=wish, market=market(chain=chain(quotes=(own,)))))

    assert "outside policy</span> dte: 31.1667 days to expiry, not 3 to 14" in page
    assert "outside policy</span> greeks: delta 0.1 outside ±0.45 to 0.65" in page


def test_the_review_page_tells_why_there_is_none(reader):
    page = page_of(reader, world(market=market(chain=chain(quotes=(option(beyond=-5, volume=1),)))))

    assert "Why no contract: no listed strike lies at or beyond the spot price" in page
    assert "1 listed at spot 500, 0 fit; liquidity removed 1." in page


def test_without_a_chain_nothing_is_told(reader):
    page = page_of(reader, world(market=market(chain=None, problem="no_data: nothing today")))

    assert "oe-choice" not in page


def test_the_timeline_carries_the_whole_explanation(reader):
    entry = recorded(world())
    answer = reader.get(reverse("signal-timeline", args=(entry.pk,)))

    assert answer.status_code == 200, answer.content
    told = answer.json()["rounds"][0]["engines"][0]["recommendation"]["explanation"]["contract"]
    assert [Decimal(each["strike"]) for each in told["best"]] == [500, 502, 503, 501, 505]
    assert sum(told["removed"].values()) + told["passed"] == told["listed"] == 12
    assert told["hint"]["strength"] == "strong"
