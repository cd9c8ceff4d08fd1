"""The lines of a spool file: what was written is read, what was cut off is torn, what rotted spoils no neighbour."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.spool_frames import LineState, frame_encode, frames_read

KEYS = st.from_regex(r"[0-9A-Za-z_.:-]{1,64}", fullmatch=True)
RECORDS = st.binary(max_size=200).filter(lambda record: b"\n" not in record)
A, B, C = (frame_encode(key, record) for key, record in (("a", b'{"n":1}'), ("b", b"two two"), ("c", b"")))


def told(data):
    return [(line.state.value, line.key, line.record) for line in frames_read(data)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(KEYS, RECORDS), max_size=5))
def test_what_was_written_is_read(pairs):
    data = b"".join(frame_encode(key, record) for key, record in pairs)
    assert told(data) == [("waiting", key, record) for key, record in pairs]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_covered_once_and_raise_nothing(data):
    lines = list(frames_read(data))
    assert b"".join(data[line.start : line.end] for line in lines) == data
    assert not any(line.state == LineState.WAITING for line in lines)


def test_a_line_can_be_read_by_a_person():
    assert A.startswith(b"await ")
    assert A.endswith(b' 7 a {"n":1}\n')


@pytest.mark.parametrize("key", ["", "a b", "a\n", "ä", "x" * 65])
def test_a_key_is_short_and_plain(key):
    with pytest.raises(ValueError, match="a spool key is 1 to 64 letters"):
        frame_encode(key, b"x")


def test_a_record_is_one_line():
    with pytest.raises(ValueError, match="one line"):
        frame_encode("a", b"one\ntwo")


@pytest.mark.parametrize("cut", range(1, len(B)))
def test_a_cut_off_append_is_torn_wherever_it_was_cut(cut):
    assert told(A + B[:cut]) == [("waiting", "a", b'{"n":1}'), ("torn", "", b"")]


@pytest.mark.parametrize("cut", range(1, len(B), 7))
def test_zeros_that_a_power_cut_leaves_behind_are_torn_too(cut):
    assert [state for state, *_ in told(A + B[:cut] + bytes(40))] == ["waiting", "torn"]


@pytest.mark.parametrize("at", range(len(B)))
def test_one_rotten_byte_is_never_read_as_a_record_and_spoils_no_other(at):
    """A rotten state word or line break leaves the record whole; anything else makes it bad."""
    rotten = bytearray(B)
    rotten[at] ^= 0x04
    lines = told(A + bytes(rotten) + C)
    survives = at < 5 or at == len(B) - 1
    assert lines[0] == ("waiting", "a", b'{"n":1}')
    assert lines[-1] == ("waiting", "c", b"")
    assert lines[1] == (("waiting", "b", b"two two") if survives else ("bad", "", b""))
    assert len(lines) == 3


def test_a_rotten_last_line_is_bad_and_not_torn():
    assert [state for state, *_ in told(A + B[:70] + b"?" + B[71:-1])] == ["waiting", "bad"]


def test_only_the_exact_word_means_taken():
    assert told(b"taken" + A[5:]) == [("done", "", b"")]
    assert told(b"takem" + A[5:]) == [("waiting", "a", b'{"n":1}')]


def test_what_was_set_aside_is_passed_over():
    assert [state for state, *_ in told(b"#rotten\n" + b"\n" + A)] == ["done", "done", "waiting"]
