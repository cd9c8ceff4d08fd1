"""The pricing bench measures right answers only. No speed is judged here."""

from dataclasses import replace

import numpy as np

from tests.bench.pricing import KEYS, Book, disagreement, lost
from tests.bench.registry import parts_named


def test_both_sides_of_the_bench_price_the_same_options_alike():
    book = Book.make(200)
    assert disagreement(book) == ""
    assert len(book.value_by_quantlib()) == 200


def test_a_wrong_volatility_is_noticed():
    book = Book.make(200)
    found = book.implied(book.value().price)
    assert lost(book, found) == ""
    for wrong in (1e-6, np.nan):
        spoiled = found.copy()
        spoiled[np.argmax(book.value().vega)] += wrong
        assert lost(book, spoiled) == "1 implied volatilities are not what the price was made with"


def test_a_price_that_differs_is_noticed():
    class Later(Book):
        def value_by_quantlib(self):
            return Book.value_by_quantlib(replace(self, days=self.days + 1))

    book = Book.make(50)
    other = Later(**{name: getattr(book, name) for name in ("spot", "strike", "days", "volatility", "is_call")})
    assert disagreement(other).startswith("our price is ")


def test_each_figure_can_be_measured_by_itself():
    assert [part.name for key in KEYS for part in parts_named(key)] == ["pricing"] * 3
