"""One journal entry as one line of JSON, chained to the line before it by a hash.

    {"seq":7,"ts":1700000000000000000,"entry":{"type":"filled",...},"hash":"<24 hex digits>"}

`hash` is BLAKE2b (12 bytes) over the hash of the line before and the line up to, and without, its own hash member. A
changed, lost or repeated line breaks the chain at that line.
"""

from hashlib import blake2b

import msgspec

from tradingd.core.entries import JournalEntry

HASH_HEX = 24
GENESIS = b"0" * HASH_HEX
_TAIL = b',"hash":"'
_TAIL_LENGTH = len(_TAIL) + HASH_HEX + len(b'"}\n')

_encoder = msgspec.json.Encoder(decimal_format="string")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line, decoded."""

    seq: int
    ts: int
    entry: JournalEntry
    hash: str


_decoder = msgspec.json.Decoder(Record)


class LineDefect(msgspec.Struct, frozen=True):
    """Why a line is not the successor of the line before it."""

    reason: str


def encode(seq: int, ts: int, entry: JournalEntry, previous_hash: bytes) -> tuple[bytes, bytes]:
    """Return the line with its newline, and its hash."""
    body = b'{"seq":%d,"ts":%d,"entry":%b' % (seq, ts, _encoder.encode(entry))
    digest = blake2b(previous_hash + body, digest_size=HASH_HEX // 2).hexdigest().encode()
    return b'%b%b%b"}\n' % (body, _TAIL, digest), digest


def decode(line: bytes, previous_seq: int | None, previous_hash: bytes | None) -> Record | LineDefect:
    """Decode a line and prove that it follows; None skips the comparison with a line that is not at hand."""
    if not line.endswith(b'"}\n') or len(line) <= _TAIL_LENGTH:
        return LineDefect("the line is incomplete")
    body, tail = line[:-_TAIL_LENGTH], line[-_TAIL_LENGTH:]
    if not tail.startswith(_TAIL):
        return LineDefect("the line does not end in its hash")
    digest = tail[len(_TAIL) : len(_TAIL) + HASH_HEX]
    if previous_hash is not None:
        expected = blake2b(previous_hash + body, digest_size=HASH_HEX // 2).hexdigest().encode()
        if expected != digest:
            return LineDefect("the hash does not match: this line or the one before it was changed")
    try:
        record = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        return LineDefect(f"the line cannot be decoded: {error}")
    if previous_seq is not None and record.seq != previous_seq + 1:
        return LineDefect(f"sequence number {record.seq} follows {previous_seq}")
    return record
