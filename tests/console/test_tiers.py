"""What each rule of the entry tiers saw, on the page of the signal."""

import pytest
from django.db import transaction
from django.urls import reverse

from experiments.decide import decide
from experiments.services import decision_record
from optionsengine.core.enums import Side
from tests import factories
from tests.experiments.worlds import AT, bias, world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("side", Side)
def test_the_review_page_tells_every_rule_and_what_an_adjustment_does(client, side):
    client.force_login(factories.viewer())
    inputs = world(side, bias=bias(side, trend_phase="LATE"))
    entry = factories.signal(side=side)
    assigned = factories.experiment(signal=entry, variant=inputs.variant)
    with transaction.atomic():
        decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=AT)

    page = client.get(reverse("admin:signals_signal_change", args=(entry.pk,))).content.decode()

    assert "<td>1</td><td>LOW_SIGNAL_CONFIDENCE</td><td>pass</td><td>82</td><td>65</td>" in page
    assert "<td>2</td><td>GEX_RESISTANCE</td><td>abstain</td>" in page
    assert "the trend that the trade goes with is late: size × 0.75, urgency down by 1" in page
    assert '<span class="oe-badge oe-warn">LATE_TREND_PHASE</span>' in page
