"""One line of the journal: what it keeps, and that no byte of it can change unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import D, filled, order
from tests.journal.story import story
from tradingd.core.entries import JournalEntry, OrderIntended
from tradingd.journal.codec import GENESIS, LineDefect, Record, decode, encode


def lines_of(entries: list[JournalEntry]) -> list[bytes]:
    lines, digest = [], GENESIS
    for seq, entry in enumerate(entries, start=1):
        line, digest = encode(seq, 1_700_000_000_000_000_000, entry, digest)
        lines.append(line)
    return lines


def read(lines: list[bytes]) -> list[Record] | LineDefect:
    records, seq, digest = [], 0, GENESIS
    for line in lines:
        record = decode(line, seq, digest)
        if isinstance(record, LineDefect):
            return record
        records.append(record)
        seq, digest = record.seq, record.hash.encode()
    return records


LINES = lines_of(story())


def test_what_was_written_is_read_back() -> None:
    records = read(LINES)
    assert isinstance(records, list)
    assert [record.entry for record in records] == story()
    assert [record.seq for record in records] == list(range(1, len(LINES) + 1))


@pytest.mark.parametrize("figure", ["0.000000001", "1E+2", "100.10", "-0", "123456789012345678901234567890.123456789"])
def test_a_decimal_keeps_every_digit(figure: str) -> None:
    line, _ = encode(1, 1, filled(figure), GENESIS)
    record = decode(line, 0, GENESIS)
    assert isinstance(record, Record)
    assert record.entry == filled(figure)
    assert str(getattr(record.entry, "quantity", None)) == str(D(figure))


def test_text_of_any_kind_stays_on_its_line() -> None:
    name = 'a "quoted" \n\\ line\r\u2028 ü 😀'
    line, _ = encode(1, 1, OrderIntended(order=order(name)), GENESIS)
    assert line.count(b"\n") == 1
    record = decode(line, 0, GENESIS)
    assert isinstance(record, Record)
    assert record.entry == OrderIntended(order=order(name))


@given(st.integers(0, sum(map(len, LINES)) - 1), st.integers(1, 255))
def test_a_byte_that_is_changed_anywhere_is_found(position: int, difference: int) -> None:
    whole = bytearray(b"".join(LINES))
    whole[position] ^= difference
    assert isinstance(read(bytes(whole).splitlines(keepends=True)), LineDefect)


@given(st.integers(0, len(LINES) - 2))
def test_a_lost_a_repeated_or_a_moved_line_is_found(at: int) -> None:
    assert isinstance(read(LINES[:at] + LINES[at + 1 :]), LineDefect)
    assert isinstance(read([*LINES[: at + 1], *LINES[at:]]), LineDefect)
    assert isinstance(read([*LINES[:at], LINES[at + 1], LINES[at], *LINES[at + 2 :]]), LineDefect)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_line_are_a_defect_and_no_error(line: bytes) -> None:
    assert isinstance(decode(line, 0, GENESIS), LineDefect)
    assert isinstance(decode(line + b'"}\n', None, None), LineDefect)


def test_a_line_that_skips_a_number_is_found_although_its_hash_holds() -> None:
    line, _ = encode(3, 1, story()[0], GENESIS)
    defect = decode(line, 1, GENESIS)
    assert isinstance(defect, LineDefect)
    assert "3 follows 1" in defect.reason
