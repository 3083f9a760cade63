"""Framing and fields of the protocol."""

from decimal import Decimal

import pytest

from tests.tws.wire import BadFrame, Fields, FrameReader, frame, read_version_range, split, text


def test_a_frame_is_its_length_and_fields_that_end_in_nul() -> None:
    assert frame(15, 1, "DU1,DU2") == b"\x00\x00\x00\x0d15\x001\x00DU1,DU2\x00"


def test_values_read_as_the_protocol_writes_them() -> None:
    values = (None, True, False, 7, 1.5, Decimal("1E+2"), "x")
    assert [text(value) for value in values] == ["", "1", "0", "7", "1.5", "100", "x"]


@pytest.mark.parametrize("step", [1, 3, 4, 7, 1000])
def test_frames_come_out_whole_however_the_bytes_arrive(step: int) -> None:
    stream = b"API\0" + frame("a") + frame("b", "") + frame(*range(50))
    reader = FrameReader(expects_greeting=True)
    payloads = [p for at in range(0, len(stream), step) for p in reader.feed(stream[at : at + step])]
    assert [split(payload) for payload in payloads] == [["a"], ["b", ""], [str(n) for n in range(50)]]


def test_a_wrong_greeting_is_not_the_protocol() -> None:
    with pytest.raises(BadFrame):
        FrameReader(expects_greeting=True).feed(b"GET / HTTP/1.1\r\n")


def test_an_absurd_length_is_not_the_protocol() -> None:
    with pytest.raises(BadFrame):
        FrameReader().feed(b"\x7f\xff\xff\xff....")


@pytest.mark.parametrize(
    ("payload", "versions"),
    [(b"v157..176", (157, 176)), (b"v100..157 +PACEAPI", (100, 157)), (b"v176", (176, 176))],
)
def test_the_range_of_versions_is_read(payload: bytes, versions: tuple[int, int]) -> None:
    assert read_version_range(payload) == versions


@pytest.mark.parametrize("payload", [b"157..176", b"vx..y", b""])
def test_what_is_no_range_of_versions_is_refused(payload: bytes) -> None:
    with pytest.raises(BadFrame):
        read_version_range(payload)


def test_unset_fields_read_as_nothing() -> None:
    fields = Fields(["", "1.7976931348623157E308", "1.7976931348623157e+308", "2147483647", "0", "1", "12.50"])
    assert [fields.decimal() for _ in range(3)] == [None, None, None]
    assert fields.integer(unset=-1) == -1
    assert (fields.flag(), fields.flag(), fields.decimal()) == (False, True, Decimal("12.50"))
    assert (fields.text(), fields.integer(), fields.flag()) == ("", 0, False), "fields that are missing read as empty"
