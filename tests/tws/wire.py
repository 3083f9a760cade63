"""The framing of the TWS socket protocol, without a socket.

Owns the bytes of a connection that are not a whole frame yet, and how a value reads as text. A frame is a 4-byte
big-endian length and a payload; the payload of every message after the greeting is fields that each end in a NUL.
"""

import struct
from collections.abc import Sequence
from decimal import Decimal

GREETING = b"API\0"
UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
MAX_FRAME = 0xFFFFFF

Value = str | int | float | Decimal | bool | None


class BadFrame(Exception):
    """The peer does not speak the protocol."""


def text(value: Value) -> str:
    """Write a value as the protocol does: flags as 1 and 0, nothing as an empty field, decimals without exponent."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def frame(*fields: Value) -> bytes:
    """Make the frame of one message."""
    payload = "".join(f"{text(field)}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


class FrameReader:
    """Cuts a stream of bytes into payloads; a greeting may come before the first frame."""

    def __init__(self, *, expects_greeting: bool = False) -> None:
        self._bytes = bytearray()
        self._expects_greeting = expects_greeting

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they arrived; return the payloads that are whole now."""
        self._bytes += data
        if self._expects_greeting:
            if len(self._bytes) < len(GREETING):
                return []
            if not self._bytes.startswith(GREETING):
                raise BadFrame(f"the greeting is {bytes(self._bytes[:4])!r}, not {GREETING!r}")
            del self._bytes[: len(GREETING)]
            self._expects_greeting = False
        payloads: list[bytes] = []
        while len(self._bytes) >= 4:
            (length,) = struct.unpack_from(">I", self._bytes)
            if length > MAX_FRAME:
                raise BadFrame(f"a frame of {length} bytes")
            if len(self._bytes) < 4 + length:
                break
            payloads.append(bytes(self._bytes[4 : 4 + length]))
            del self._bytes[: 4 + length]
        return payloads


def split(payload: bytes) -> list[str]:
    """The fields of a payload."""
    fields = payload.decode(errors="backslashreplace").split("\0")
    if fields and not fields[-1]:
        fields.pop()
    return fields


def read_version_range(payload: bytes) -> tuple[int, int]:
    """Read `v157..176` (connect options may follow after a blank) from the first frame of a client."""
    versions, _, _ = payload.decode(errors="replace").partition(" ")
    lowest, dots, highest = versions.removeprefix("v").partition("..")
    if not versions.startswith("v") or not lowest.isdigit() or (dots and not highest.isdigit()):
        raise BadFrame(f"a version range of {payload[:40]!r}")
    return int(lowest), int(highest or lowest)


class Fields:
    """Reads the fields of one message in order; a field that is missing at the end reads as empty."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._next = 0

    def text(self) -> str:
        """The next field as it stands."""
        at = self._next
        self._next += 1
        return self._fields[at] if at < len(self._fields) else ""

    def skip(self, count: int) -> None:
        """Leave out so many fields."""
        self._next += count

    def integer(self, unset: int = 0) -> int:
        """The next field as a whole number; empty or the sign for unset reads as `unset`."""
        field = self.text()
        return unset if field in ("", UNSET_INTEGER) else int(float(field))

    def flag(self) -> bool:
        """The next field as a flag."""
        return self.text() not in ("", "0", "false", "False")

    def decimal(self) -> Decimal | None:
        """The next field as a decimal; None for empty or unset."""
        field = self.text()
        if not field:
            return None
        value = Decimal(field)
        return None if value.is_nan() or value > Decimal("1e300") else value

    def amount(self) -> Decimal:
        """The next field as a decimal, 0 where there is none."""
        return self.decimal() or Decimal(0)
