"""An end that cannot be believed: cut or changed at any byte, a start recovers to the last good entry or refuses."""

from pathlib import Path

import pytest
from tests.core.making import order
from tests.journal.story import Written, encoded, fold, story
from tradingd.core.entries import JournalEntry, OrderIntended, RunEnd, RunStarted, RunStopped
from tradingd.core.market import DAY_NS
from tradingd.errors import JournalError
from tradingd.journal.codec import GENESIS, encode
from tradingd.journal.manifest import run_manifest
from tradingd.journal.segments import load, read_records, segment_paths
from tradingd.journal.verify import verify


def written_bytes(folder: Path, entries: list[JournalEntry]) -> tuple[str, bytes]:
    written = Written(folder)
    written.append(*entries)
    written.writer.close()
    path = segment_paths(folder)[0]
    return path.name, path.read_bytes()


def as_journal(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    (folder / name).write_bytes(content)
    return folder


ENTRIES = story()
STATES = [encoded(fold(ENTRIES[:count])) for count in range(len(ENTRIES) + 1)]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    return written_bytes(tmp_path_factory.mktemp("original"), ENTRIES)


def test_cut_at_every_byte_of_the_last_lines_it_recovers(tmp_path: Path, original: tuple[str, bytes]) -> None:
    name, content = original
    ends = [0, *(at + 1 for at, byte in enumerate(content) if byte == ord("\n"))]
    for cut in range(ends[-4], len(content)):
        folder = as_journal(tmp_path / "cut", name, content[:cut])
        good = max(number for number, end in enumerate(ends) if end <= cut)
        books, tail = load(folder)
        assert (encoded(books), tail.seq, tail.lost) == (STATES[good], good, int(cut not in ends))


@pytest.mark.parametrize("difference", [0x01, 0xFF])
def test_changed_at_every_byte_it_recovers_or_refuses_and_verify_finds_it(
    tmp_path: Path, original: tuple[str, bytes], difference: int
) -> None:
    """Only a change of the very last line is a bad tail: before it, lines that follow prove what is missing."""
    name, content = original
    last_line = content.rindex(b"\n", 0, -1) + 1
    recovered = 0
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= difference
        folder = as_journal(tmp_path / "changed", name, bytes(changed))
        proof = verify(folder)
        assert not proof.whole, at
        if at >= last_line:
            books, tail = load(folder)
            assert (encoded(books), tail.seq) == (STATES[-2], len(ENTRIES) - 1), at
            assert tail.bad is not None
            assert tail.bad.content == bytes(changed[last_line:])
            recovered += 1
        else:
            with pytest.raises(JournalError, match=rf"{name}:\d+: .*the journal is left as it is \(restore"):
                load(folder)
            assert (folder / name).read_bytes() == changed
    assert recovered == len(content) - last_line


def test_several_lines_of_rubbish_are_one_tail_kept_byte_for_byte(tmp_path: Path) -> None:
    name, content = written_bytes(tmp_path, ENTRIES)
    rubbish = b"\0" * 700 + b'\n{"seq":99}\n{"half'
    (tmp_path / name).write_bytes(content + rubbish)
    with pytest.raises(JournalError, match=f"{name}:{len(ENTRIES) + 1}: .*a start of the daemon sets"):
        list(read_records(tmp_path, whole=True))
    written = Written(tmp_path)
    assert written.tail.lost == 3
    (aside,) = tmp_path.glob("quarantine-*.bin")
    assert aside.name == f"quarantine-00000001-{len(content)}.bin"
    assert aside.read_bytes() == rubbish
    assert (tmp_path / name).read_bytes() == content
    started = run_manifest(written.books, written.tail, version="1", config_hash="c", broker="paper")
    assert (started.run, started.previous, started.recovered_from_ts) == (5, RunEnd.QUARANTINED, 1_000)
    written.append(started)
    assert written.books.recovered_from_ts == 1_000
    assert verify(tmp_path).whole


def test_a_start_that_died_before_it_could_say_so_is_made_up_for(tmp_path: Path) -> None:
    name, content = written_bytes(tmp_path, ENTRIES)
    (tmp_path / name).write_bytes(content + b"rubbish\n")
    Written(tmp_path).writer.close()
    assert load(tmp_path)[1].lost == 1
    again = Written(tmp_path)
    again.append(run_manifest(again.books, again.tail, version="1", config_hash="c", broker="paper"))
    again.writer.close()
    assert load(tmp_path)[1].lost == 0


def test_what_was_set_aside_at_the_same_place_before_is_kept(tmp_path: Path) -> None:
    name, content = written_bytes(tmp_path, ENTRIES)
    for rubbish in (b"one", b"two", b"two"):
        (tmp_path / name).write_bytes(content + rubbish)
        Written(tmp_path).writer.close()
    assert sorted(path.read_bytes() for path in tmp_path.glob("quarantine-*.bin")) == [b"one", b"two"]


def test_until_a_run_has_ended_in_order_the_loss_is_remembered(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(*ENTRIES)
    for number, ts in ((2, 900), (3, 500), (4, 0), (5, 700)):
        written.append(
            RunStarted(run=number, version="", config_hash="", previous=RunEnd.QUARANTINED, recovered_from_ts=ts)
        )
    assert written.books.recovered_from_ts == 500
    written.append(OrderIntended(order=order("s1-77")), ts=DAY_NS)
    written.reopen()
    assert written.books.recovered_from_ts == 500
    written.append(RunStopped(run=5, reason="stopped"), ts=DAY_NS)
    assert written.books.recovered_from_ts == 0


def test_the_line_that_a_segment_opens_with_is_never_set_aside(tmp_path: Path) -> None:
    written = Written(tmp_path)
    written.append(*ENTRIES)
    written.append(ENTRIES[-1], ts=DAY_NS)
    written.writer.close()
    path = segment_paths(tmp_path)[-1]
    snapshot = path.read_bytes().splitlines(keepends=True)[0]
    for content in (b"", snapshot[:-5], snapshot.replace(b"1", b"2", 1)):
        path.write_bytes(content)
        with pytest.raises(JournalError, match=path.name):
            load(tmp_path)
        assert path.read_bytes() == content
        assert not verify(tmp_path).whole


def test_a_line_of_a_later_version_is_no_damage_and_is_refused(tmp_path: Path) -> None:
    name, content = written_bytes(tmp_path, ENTRIES)
    last = content.splitlines()[-1][-26:-2]
    line, _ = encode(len(ENTRIES) + 1, 5, ENTRIES[-1], last)
    body = line.replace(b'"type":"equity"', b'"type":"eqxity"')[:-36]
    from tradingd.journal.codec import digest_of

    (tmp_path / name).write_bytes(content + body + b',"hash":"' + digest_of(last, body) + b'"}\n')
    with pytest.raises(JournalError, match="by another version of tradingd"):
        load(tmp_path)


def test_a_journal_of_an_earlier_version_is_read_and_proved(tmp_path: Path) -> None:
    """Lines without cause and trace, a manifest without the later members."""
    from hashlib import blake2b

    import msgspec

    digest = GENESIS
    lines = []
    for seq, entry in enumerate(ENTRIES, start=1):
        encoded_entry = msgspec.json.encode(entry)
        if seq == 1:
            encoded_entry = b'{"type":"run_started","run":1,"version":"0","config_hash":"c","previous":"none"}'
        body = b'{"seq":%d,"ts":7,"entry":%b' % (seq, encoded_entry)
        digest = blake2b(digest + body, digest_size=12).hexdigest().encode()
        lines.append(b'%b,"hash":"%b"}\n' % (body, digest))
    as_journal(tmp_path / "old", "00000001-1970-01-01.jsonl", b"".join(lines))
    written = Written(tmp_path / "old")
    assert encoded(written.books) == STATES[-1]
    written.append(RunStopped(run=1, reason="stopped"))
    written.writer.close()
    assert verify(tmp_path / "old").whole
    records = list(read_records(tmp_path / "old", whole=True))
    assert {(record.cause, record.trace) for record in records} == {(0, "")}
