"""Many rows in one statement: the same rows as the ordinary way, and all of them or none."""

import pytest
from django.db import IntegrityError, transaction

from experiments.models import AgentDecision, DecisionRound, GateResult, Recommendation
from optionsengine.core.bulk import rows_insert
from tests import factories

pytestmark = pytest.mark.django_db


def _columns(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize(
    ("model", "make"),
    [
        (DecisionRound, factories.decision_round),
        (GateResult, factories.gate_result),
        (AgentDecision, factories.agent_decision),
        (Recommendation, factories.recommendation),
    ],
)
def test_the_rows_are_those_of_the_ordinary_way(model, make):
    row = make()
    row.refresh_from_db()
    before = _columns(row)
    model.objects.filter(pk=row.pk).delete()

    rows_insert(model, [before])

    assert _columns(model.objects.get(pk=row.pk)) == before


def test_where_one_row_is_refused_none_is_there():
    vote = factories.agent_decision(agent="technical")
    others = [_columns(vote) | {"id": factories.signal().pk, "agent": name} for name in ("context", "technical")]

    with pytest.raises(IntegrityError, match="agent_decisions_once"), transaction.atomic():
        rows_insert(AgentDecision, others)

    assert list(AgentDecision.objects.values_list("agent", flat=True)) == ["technical"]


def test_no_row_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        rows_insert(AgentDecision, [])
