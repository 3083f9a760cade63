"""`journal verify`, `export` and `backup`, with the daemon down and with its lock held."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.command_line import Ended, write_config, write_journal
from tradingd.journal.segments import JournalLock, segment_paths
from tradingd.settings.paths import StatePaths

Called = Callable[..., Ended]
SPAN = ("--from", "2026-03-02T12:00:00Z", "--to", "2026-03-02T12:00:01Z")


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    return write_config(tmp_path)


@pytest.fixture(params=["down", "running"])
def written(paths: StatePaths, request: pytest.FixtureRequest) -> Iterator[StatePaths]:
    """A journal that nobody, or some process, writes."""
    write_journal(paths)
    lock = JournalLock(paths.journal) if request.param == "running" else None
    yield paths
    if lock is not None:
        lock.release()


def test_a_whole_journal_is_called_whole(written: StatePaths, called: Called) -> None:
    ended = called("journal", "verify", "-c", "c.toml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1].startswith("whole: 11 entries, state ")
    proof = json.loads(called("journal", "verify", "-c", "c.toml", "--json").out)
    assert (proof["whole"], proof["entries"], proof["damage"]) == (True, 11, [])
    assert proof["segments"][0]["state"] == proof["state"]
    assert proof["state"] in ended.out


def test_damage_is_named_by_file_and_line(written: StatePaths, called: Called) -> None:
    (segment,) = segment_paths(written.journal)
    segment.write_bytes(segment.read_bytes().replace(b'"cash":"100000"', b'"cash":"900000"', 1))
    ended = called("journal", "verify", "-c", "c.toml")
    assert ended.code == 1
    assert f"{segment}:2: the hash does not match" in ended.out
    assert "DAMAGED" in ended.out
    as_json = called("journal", "verify", "-c", "c.toml", "--json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["damage"][0]["line"] == 2


def test_entries_go_to_stdout_or_a_file(written: StatePaths, called: Called, tmp_path: Path) -> None:
    ended = called("journal", "export", "-c", "c.toml", "--order", "trend-abc-1")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["type"] for row in rows] == ["order_intended", "accepted", "filled", "filled"]
    assert {row["trace"] for row in rows} == {"t1"}
    assert rows[0]["ts"] == "2026-03-02T12:00:00.000000000Z"
    assert called("journal", "export", "-c", "c.toml", "--trace", "t1").out == ended.out
    assert called("journal", "export", "-c", "c.toml", "--order", "abc-1").out == ended.out
    to_file = called("journal", "export", "-c", "c.toml", *SPAN, "--format", "csv", "-o", "entries.csv")
    assert (to_file.code, to_file.out) == (0, "")
    assert len((tmp_path / "entries.csv").read_text().splitlines()) == 9
    assert called("journal", "export", "-c", "c.toml", "-o", "nowhere/x").code == 2


@pytest.mark.parametrize("name", ["copy", "copy.tar.gz"])
def test_a_backup_is_made_once(written: StatePaths, called: Called, tmp_path: Path, name: str) -> None:
    ended = called("journal", "backup", "-c", "c.toml", name)
    assert (ended.code, ended.err) == (0, "")
    assert f"{name}: 11 entries in 1 segments, state " in ended.out
    again = called("journal", "backup", "-c", "c.toml", name)
    assert (again.code, again.out) == (2, "")
    assert f"{tmp_path / name} exists" in again.err


@pytest.mark.parametrize("asked", [("--from", "2026-03-03"), ("--order", "nosuch"), ("--trace", "t9")])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_of_nothing_says_so_beside_what_programs_read(
    asked: tuple[str, str], form: str, written: StatePaths, called: Called
) -> None:
    ended = called("journal", "export", "-c", "c.toml", *asked, "--format", form)
    assert ended.code == 0
    assert len(ended.out.splitlines()) == (form == "csv")
    assert ended.err == "note: no entry of the journal is of what was asked for\n"


@pytest.mark.parametrize("command", [("verify",), ("export",), ("backup", "copy")])
def test_where_there_is_no_journal_that_is_said(paths: StatePaths, called: Called, command: tuple[str, ...]) -> None:
    ended = called("journal", command[0], "-c", "c.toml", *command[1:])
    assert (ended.code, ended.out) == (2, "")
    assert "there is no journal yet" in ended.err
