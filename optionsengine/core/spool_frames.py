"""How a record lies in a spool file: one line of state, SHA-256, length, ordering key and the record itself."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

AWAIT = b"await"
TAKEN = b"taken"
BLANK = b"#"  # overwrites the first byte of a line that was set aside
_KEY = r"[0-9A-Za-z_.:-]{1,64}"
_HEADER = re.compile(rb"(.{5}) ([0-9a-f]{64}) ([0-9]{1,9}) (" + _KEY.encode() + rb") ", re.DOTALL)
_PART_OF_HEADER = re.compile(
    rb"await (?:[0-9a-f]{0,64}|[0-9a-f]{64} [0-9]{0,9}|[0-9a-f]{64} [0-9]{1,9} [0-9A-Za-z_.:-]{0,64})"
)


class LineState(StrEnum):
    """`torn` is the beginning of an append that never ended; `bad` was whole once and is not what was written."""

    WAITING = "waiting"
    DONE = "done"
    BAD = "bad"
    TORN = "torn"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a spool file, from `start` up to, not including, `end` (byte offsets)."""

    state: LineState
    start: int
    end: int
    key: str = ""
    record: bytes = b""


def frame_encode(key: str, record: bytes) -> bytes:
    """Return the line of one record.

    :raises ValueError: if the record holds a line break, or the key anything but letters, digits and `_.:-`.
    """
    if b"\n" in record:
        raise ValueError("a spooled record is one line; encode its line breaks")
    if re.fullmatch(_KEY, key, re.ASCII) is None:
        raise ValueError(f"a spool key is 1 to 64 letters, digits or _.:-, not {key!r}")
    name = key.encode()
    return b"%b %b %d %b %b\n" % (AWAIT, _digest(name, record), len(record), name, record)


def frames_read(data: bytes) -> Iterator[Line]:
    """Read a spool file line by line; together the lines cover all of `data`.

    A line whose checksum does not fit spoils no other: reading goes on behind the next line break.
    """
    at = 0
    while at < len(data):
        line = _whole(data, at) or _broken(data, at)
        yield line
        at = line.end


def _digest(key: bytes, record: bytes) -> bytes:
    return hashlib.sha256(key + b" " + record).hexdigest().encode()


def _whole(data: bytes, at: int) -> Line | None:
    header = _HEADER.match(data, at)
    if header is None:
        return None
    end = header.end() + int(header[3])
    if end >= len(data):
        return None
    if header[1] == TAKEN and data[end : end + 1] == b"\n":
        return Line(LineState.DONE, at, end + 1)
    record = data[header.end() : end]
    if _digest(header[4], record) != header[2]:
        return None
    # only the exact word means taken: whatever else became of it, taking a record again is harmless, losing it is not
    state = LineState.DONE if header[1] == TAKEN else LineState.WAITING
    return Line(state, at, end + 1, header[4].decode(), record)


def _broken(data: bytes, at: int) -> Line:
    newline = data.find(b"\n", at)
    if newline < 0:
        tail = data[at:]
        return Line(LineState.TORN if _is_beginning(tail) else LineState.BAD, at, len(data))
    is_done = newline == at or data.startswith((BLANK, TAKEN + b" "), at)
    return Line(LineState.DONE if is_done else LineState.BAD, at, newline + 1)


def _is_beginning(tail: bytes) -> bool:
    """Tell whether an append that was cut off can have left this. A power cut may leave zeros behind it."""
    tail = tail.rstrip(b"\0")
    header = _HEADER.match(tail)
    if header is None or header[1] != AWAIT:
        return AWAIT.startswith(tail) or _PART_OF_HEADER.fullmatch(tail) is not None
    record = tail[header.end() :]
    missing = int(header[3]) - len(record)
    return missing > 0 or (missing == 0 and _digest(header[4], record) == header[2])
