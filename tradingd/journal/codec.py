"""One journal entry as one line of JSON, chained to the line before it by a hash.

    {"seq":7,"ts":1700000000000000000,"cause":5,"trace":"s1/1/1","entry":{"type":"filled",...},"hash":"<24 hex digits>"}

`cause` is the number of the entry that this one follows from, 0 where it came from outside (the market, the clock, an
operator, a comparison with the venue); `trace` is the trace id of the order that it is about, or empty. Lines of
earlier versions have neither and mean 0 and empty. `hash` is BLAKE2b (12 bytes) over the hash of the line before and
the line up to, and without, its own hash member. A changed, lost or repeated line breaks the chain at that line.
"""

from hashlib import blake2b

import msgspec

from tradingd.core.entries import JournalEntry

HASH_HEX = 24
GENESIS = b"0" * HASH_HEX
LINE_START = b'{"seq":'
_TAIL = b',"hash":"'
_TAIL_LENGTH = len(_TAIL) + HASH_HEX + len(b'"}\n')

_encode = msgspec.json.Encoder(decimal_format="string").encode


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line, decoded."""

    seq: int
    ts: int
    cause: int = 0
    trace: str = ""
    entry: JournalEntry
    hash: str


class _Body(msgspec.Struct, frozen=True, gc=False):
    """What the hash is over; the members in the order in which they stand on the line."""

    seq: int
    ts: int
    cause: int
    trace: str
    entry: JournalEntry


_decoder = msgspec.json.Decoder(Record)


class LineDefect(msgspec.Struct, frozen=True):
    """Why a line is not the successor of the line before it."""

    reason: str
    is_genuine: bool = False
    """True when the hash proves that the line was written so: this program cannot read it, but nothing damaged it."""


def encode(  # noqa: PLR0917 - keywords cost a tenth of what the line does
    seq: int, ts: int, entry: JournalEntry, previous_hash: bytes, cause: int = 0, trace: str = ""
) -> tuple[bytes, bytes]:
    """Return the line with its newline, and its hash."""
    body = _encode(_Body(seq, ts, cause, trace, entry))[:-1]
    # Spelled out here, not called: this is between a decision and its order.
    digest = blake2b(previous_hash + body, digest_size=HASH_HEX // 2).hexdigest().encode()
    return b"".join((body, _TAIL, digest, b'"}\n')), digest


def digest_of(previous_hash: bytes, body: bytes) -> bytes:
    """The hash of a line whose part before its own hash member is `body`."""
    return blake2b(previous_hash + body, digest_size=HASH_HEX // 2).hexdigest().encode()


def body_of(line: bytes) -> bytes:
    """What the hash of a whole line is over, its newline included in `line`."""
    return line[:-_TAIL_LENGTH]


def decode(line: bytes, previous_seq: int | None, previous_hash: bytes | None) -> Record | LineDefect:
    """Decode a line and prove that it follows; None skips the comparison with a line that is not at hand."""
    if not line.endswith(b'"}\n') or len(line) <= _TAIL_LENGTH:
        return LineDefect("the line is incomplete")
    body, tail = line[:-_TAIL_LENGTH], line[-_TAIL_LENGTH:]
    if not tail.startswith(_TAIL):
        return LineDefect("the line does not end in its hash")
    digest = tail[len(_TAIL) : len(_TAIL) + HASH_HEX]
    if previous_hash is not None and digest_of(previous_hash, body) != digest:
        return LineDefect("the hash does not match: this line or the one before it was changed")
    try:
        record = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        return LineDefect(f"the line cannot be decoded: {error}", is_genuine=previous_hash is not None)
    if previous_seq is not None and record.seq != previous_seq + 1:
        return LineDefect(f"sequence number {record.seq} follows {previous_seq}", is_genuine=previous_hash is not None)
    return record
