"""The bias configuration: every default documented, every bound kept, one query, its history, its page."""

import math

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bias.config import BiasConfig, GatingConfig, RiskConfig, StaleBehavior, StalenessConfig
from bias.config_reading import ConfigInvalid, keys_of, section_plain, section_read
from bias.enums import ConfigSection, MacroClass
from bias.models import BiasConfigSection
from bias.selectors import bias_config_get
from bias.services import bias_config_set
from tests import factories
from tests.factories.clock import AT

GATING, RISK, STALENESS = ConfigSection
NUMBERS = [
    (section, name, key.metadata["minimum"], key.metadata["maximum"])
    for section in ConfigSection
    for name, key in keys_of(section).items()
    if "minimum" in key.metadata
]


def test_the_documented_defaults():
    assert GatingConfig() == GatingConfig(
        macro_suppress_long=(MacroClass.BREAKDOWN_CONFIRMED, MacroClass.TREND_DOWN),
        macro_suppress_short=(MacroClass.TREND_UP,),
        macro_multiplier=0.6,
        low_space_penalty=0.25,
        reclaim_bonus=0.08,
        transition_bonus=0.05,
        chop_limit=75.0,
        chop_multiplier=0.7,
    )
    assert RiskConfig() == RiskConfig(
        macro_breakdown_long=0.5,
        macro_aligned=1.15,
        macro_against=0.5,
        range_breakout=0.7,
        trend_alignment=1.1,
        alignment_limit=75.0,
        strength_up=1.1,
        strength_up_delta=15.0,
        strength_down=0.8,
        strength_down_delta=-20.0,
        macro_drift=0.85,
        drift_limit=0.15,
        late_phase=0.75,
    )
    assert StalenessConfig() == StalenessConfig(
        behavior=StaleBehavior.BLOCK, risk_multiplier=0.7, bars=1.5, session_minutes=10.0, outside_minutes=60.0
    )


@pytest.mark.parametrize("section", ConfigSection)
def test_nothing_stored_is_every_default(section):
    made = section_read(section, {})
    assert section_plain(made) == {}
    assert all(key.metadata["meaning"] for key in keys_of(section).values())


@pytest.mark.parametrize(("section", "name", "minimum", "maximum"), NUMBERS, ids=lambda one: str(one))
def test_a_number_is_taken_within_its_bounds_only(section, name, minimum, maximum):
    for taken in (minimum, maximum, int(maximum)):
        assert getattr(section_read(section, {name: taken}), name) == taken
    for refused in (minimum - 0.01, maximum + 0.01, math.nan, math.inf, "1", None, True, [1]):
        with pytest.raises(ConfigInvalid) as caught:
            section_read(section, {name: refused})
        assert caught.value.faults[name].startswith(f"give a number from {minimum:g} to {maximum:g} instead of ")
        assert "leave it out for the default" in caught.value.faults[name]


@pytest.mark.parametrize(
    "refused", ["MACRO_TREND_UP", ["MACRO_TREND_UP", "UP"], [1], None, ["MACRO_RANGE", "MACRO_RANGE"], [["x"]]]
)
def test_a_list_of_macro_classes_is_one(refused):
    with pytest.raises(ConfigInvalid, match=r"gating\.macro_suppress_long: give a list of MACRO_BREAKDOWN_CONFIRMED, "):
        section_read(GATING, {"macro_suppress_long": refused})


def test_a_list_may_be_empty_and_its_order_says_nothing():
    made = section_read(
        GATING, {"macro_suppress_short": [], "macro_suppress_long": ["MACRO_TREND_DOWN", "MACRO_BREAKDOWN_CONFIRMED"]}
    )
    assert made == GatingConfig(macro_suppress_short=())
    assert section_plain(made) == {"macro_suppress_short": []}


def test_every_fault_is_named_at_once():
    with pytest.raises(ConfigInvalid) as caught:
        section_read(STALENESS, {"behavior": "ignore", "bars": 0, "minutes": 3})
    assert caught.value.faults == {
        "behavior": "give block or reduce_risk instead of 'ignore'; leave it out for the default, block",
        "bars": "give a number from 0.1 to 100 instead of 0; leave it out for the default, 1.5",
        "minutes": "there is no such key; staleness has behavior, risk_multiplier, bars, session_minutes, "
        "outside_minutes",
    }


# --- stored -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_stored_replaces_single_keys_in_one_query():
    bias_config_set(section=GATING, values={"chop_limit": 80, "macro_suppress_short": []}, at=AT)
    bias_config_set(section=STALENESS, values={"behavior": "reduce_risk"}, at=AT)
    with CaptureQueriesContext(connection) as caught:
        config = bias_config_get()
    assert len(caught) == 1
    assert config == BiasConfig(
        gating=GatingConfig(chop_limit=80.0, macro_suppress_short=()),
        staleness=StalenessConfig(behavior=StaleBehavior.REDUCE_RISK),
    )


@pytest.mark.django_db
def test_without_rows_all_is_default():
    BiasConfigSection.objects.all().delete()
    assert bias_config_get() == BiasConfig()
    assert bias_config_set(section=RISK, values={"late_phase": 1}, at=AT) == RiskConfig(late_phase=1.0)
    assert bias_config_get().risk.late_phase == 1.0


@pytest.mark.django_db
def test_a_refused_change_changes_nothing():
    bias_config_set(section=RISK, values={"late_phase": 0.9}, at=AT)
    with pytest.raises(ConfigInvalid):
        bias_config_set(section=RISK, values={"late_phase": 0.8, "macro_aligned": 4}, at=AT)
    assert bias_config_get().risk == RiskConfig(late_phase=0.9)


@pytest.mark.django_db
def test_what_a_person_wrote_past_the_service_is_refused_and_not_guessed():
    BiasConfigSection.objects.update_or_create(name="gating", defaults={"values": {"chop": 1}, "updated_at": AT})
    with pytest.raises(ConfigInvalid, match=r"gating\.chop: there is no such key"):
        bias_config_get()


@pytest.mark.django_db
def test_every_change_is_kept():
    for limit in (80, 70):
        bias_config_set(section=GATING, values={"chop_limit": limit}, at=AT)
    events = BiasConfigSection.objects.get(name="gating").events.order_by("pgh_id")
    assert [event.values for event in events][-2:] == [{"chop_limit": 80.0}, {"chop_limit": 70.0}]


# --- its page ---------------------------------------------------------------------------------------------------------


def page(section):
    return reverse("admin:bias_biasconfigsection_change", args=[section])


def posted(client, section, **changes):
    """Post the page as it was shown, with `changes`; None leaves a field out, as an empty box is."""
    form = client.get(page(section)).context["adminform"].form
    shown = {name: form.initial[name] for name in form.fields}
    sent = {name: value for name, value in (shown | changes).items() if value not in (None, False)}
    return client.post(page(section), {name: "on" if value is True else value for name, value in sent.items()})


@pytest.fixture
def boss(client):
    client.force_login(factories.superuser())
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("section", ConfigSection)
def test_a_page_saved_as_it_is_changes_nothing(boss, section):
    assert posted(boss, section).status_code == 302
    assert BiasConfigSection.objects.get(name=section).values == {}


@pytest.mark.django_db
def test_a_page_has_a_field_a_key_with_its_default(boss):
    text = boss.get(page("risk")).content.decode()
    assert "Risk of a trade with the macro trend. From 0 to 3; empty: the default, 1.15." in text
    assert 'name="values"' not in text
    gating = boss.get(page("gating")).context["adminform"].form
    assert gating.initial["macro_suppress_long__trend_down"] is True
    assert gating.initial["macro_suppress_long__trend_up"] is False
    assert set(gating.fields) == {name for name in keys_of(GATING) if not name.startswith("macro_suppress")} | {
        f"macro_suppress_{side}__{one.name.lower()}" for side in ("long", "short") for one in MacroClass
    }


@pytest.mark.django_db
def test_a_page_changes_its_section(boss):
    changes = {"macro_suppress_long__range": True, "macro_suppress_short__trend_up": False, "chop_limit": "60"}
    assert posted(boss, "gating", **changes).status_code == 302
    assert bias_config_get() == BiasConfig(
        gating=GatingConfig(
            macro_suppress_long=(MacroClass.BREAKDOWN_CONFIRMED, MacroClass.TREND_DOWN, MacroClass.RANGE),
            macro_suppress_short=(),
            chop_limit=60.0,
        )
    )
    assert posted(boss, "gating", chop_limit="").status_code == 302
    assert bias_config_get().gating.chop_limit == 75.0
    assert posted(boss, "staleness", behavior="reduce_risk").status_code == 302
    assert bias_config_get().staleness.behavior == StaleBehavior.REDUCE_RISK


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("value", "said"),
    [("4", "give a number from 0 to 3 instead of 4.0"), ("-1", "give a number from 0 to 3"), ("x", "Enter a number")],
)
def test_a_page_refuses_what_cannot_be(boss, value, said):
    response = posted(boss, "risk", macro_aligned=value, late_phase="1")
    assert response.status_code == 200
    assert said in response.context["adminform"].form.errors["macro_aligned"][0]
    assert BiasConfigSection.objects.get(name="risk").values == {}


@pytest.mark.django_db
def test_a_section_is_neither_added_nor_deleted_and_a_viewer_only_reads(client, boss):
    assert boss.get(reverse("admin:bias_biasconfigsection_add")).status_code == 403
    assert boss.post(reverse("admin:bias_biasconfigsection_delete", args=["risk"])).status_code == 403
    client.force_login(factories.viewer())
    assert client.get(page("risk")).status_code == 200
    assert client.post(page("risk"), {"late_phase": "1"}).status_code == 403
    client.force_login(factories.operator())
    assert posted(client, "risk", late_phase="1").status_code == 302
    assert bias_config_get().risk.late_phase == 1.0


@pytest.mark.django_db
def test_the_page_of_a_state_shows_what_it_means_under_the_configuration_of_now(boss):
    row = factories.bias_current()
    address = reverse("admin:bias_biasstatecurrent_change", args=[row.pk])
    bias_config_set(section=GATING, values={"chop_limit": 30}, at=AT)
    shown = boss.get(address).content.decode()
    assert "What it means now" in shown
    assert "chop 30 at or above 30" in shown
    assert "chop 30 at or above 30" not in str(row.state)
