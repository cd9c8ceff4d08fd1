"""The one rule of what a person may set as a secret."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.secret_rule import PLACEHOLDERS, secret_fault

RANDOM = "7fK2q9Zr4mXw1Vb8Tn6Yc3Hd5Jg0Ls7P"
SIXTEEN, THIRTY_TWO = RANDOM[:16], RANDOM


@pytest.mark.parametrize(
    ("secret", "minimum", "fault"),
    [
        ("", 16, "is empty"),
        ("abc", 16, "has 3"),
        (SIXTEEN[:15], 16, "has 15"),
        (SIXTEEN, 16, ""),
        (SIXTEEN, 17, "has 16"),
        (THIRTY_TWO, 32, ""),
        # different characters: six up to 31 characters, eight from 32 on
        ("aabbccddeeaecbdbceadb", 16, "is a placeholder"),
        ("aabbccddeeffeeddccbbaabcdefffff", 16, ""),
        ("aabbccddeeffeeddccbbaabcdeffffff", 16, "is a placeholder"),
        # a short text over and over, whole times or not
        ("0123456789abcde" * 3, 16, "is a placeholder"),
        ("0123456789abcde" * 2 + "0123", 16, "is a placeholder"),
        ("0123456789abcdef" * 2, 32, ""),
    ],
)
def test_the_bounds(secret, minimum, fault):
    assert secret_fault(secret, minimum=minimum) == fault


@pytest.mark.parametrize("word", PLACEHOLDERS)
@pytest.mark.parametrize("wrap", ["{}" + RANDOM, RANDOM + "{}", RANDOM[:9] + "{}" + RANDOM[9:]])
def test_a_placeholder_s_word_anywhere_in_any_case(word, wrap):
    assert secret_fault(wrap.format(word.upper()), minimum=16) == "is a placeholder"


@given(st.binary(min_size=32, max_size=32).filter(lambda raw: len(set(raw)) > 24))
@settings(max_examples=50)
def test_hex_digits_of_random_bytes_pass(raw):
    assert secret_fault(raw.hex(), minimum=32) == ""
