"""The A/B assignment: which engine, and only once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from experiments.models import Experiment
from experiments.services import bucket_for, experiment_assign, variant_for
from optionsengine.core.enums import Engine
from tests.factories import AT, later, signal


def test_the_bucket_is_the_first_sixteen_digits_of_the_hash():
    # SHA-256 of "abc" begins ba7816bf8f01cfea
    assert bucket_for("abc") == 0xBA7816BF8F01CFEA % 10000


@pytest.mark.parametrize(
    ("bucket", "split", "engine"),
    [
        (0, 0, Engine.A),
        (9999, 0, Engine.A),
        (0, 100, Engine.B),
        (9999, 100, Engine.B),
        (4999, 50, Engine.A),
        (5000, 50, Engine.B),
        (6999, 30, Engine.A),
        (7000, 30, Engine.B),
    ],
)
def test_the_split_is_bs_share_in_percent(bucket, split, engine):
    assert variant_for(bucket, split) == engine


@given(text=st.text(max_size=64))
def test_every_hash_has_a_bucket(text):
    assert 0 <= bucket_for(text) < 10000


@pytest.mark.django_db
def test_a_signal_is_assigned_once_and_never_again(settings):
    settings.AB_SPLIT_PERCENTAGE = 0
    entry = signal()

    first = experiment_assign(signal=entry, at=AT)
    settings.AB_SPLIT_PERCENTAGE = 100
    again = experiment_assign(signal=entry, at=later(hours=1))

    assert (first.variant, first.split_percentage, first.created_at) == ("A", 0, AT)
    assert first.bucket == bucket_for(entry.signal_hash)
    assert (again.pk, again.variant, again.split_percentage) == (first.pk, "A", 0)
    assert Experiment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_d10_eight_at_once_make_one_experiment():
    entry = signal()

    def assign(_):
        try:
            return experiment_assign(signal=entry, at=AT).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(assign, range(8)))

    assert keys == {Experiment.objects.get().pk}
