"""What the doctor makes of modes, owners and free space."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.settings.writing import write
from tests.tools.doctor.examining import FEED, STRATEGY, alpaca
from tradingd.journal.reserve import MEGABYTE, DiskReserve
from tradingd.settings import load_settings
from tradingd.settings.paths import StatePaths
from tradingd.tools.doctor.files import check_disk, check_files, check_state_folder
from tradingd.tools.doctor.findings import Finding, Verdict

ME = os.geteuid()
KEYS = alpaca("http://127.0.0.1:9")
NO_KEYS = "\n".join(line for line in KEYS.splitlines() if not line.startswith("api_")) + "\n"


def asked(folder: Path, text: str, mode: int, environ: Mapping[str, str] | None = None) -> dict[str, Finding]:
    path = write(folder, f'[daemon]\nstate_dir = "state"\n{text}')
    path.chmod(mode)
    return {found.check: found for found in check_files(load_settings(path, environ or {}), ME)}


MODES = {
    # text, mode -> verdict
    "keys for the owner alone": (KEYS, 0o600, Verdict.OK),
    "keys for a group": (KEYS, 0o640, Verdict.OK),
    "keys for all to read": (KEYS, 0o644, Verdict.FAILED),
    "no keys, for all to read": (NO_KEYS, 0o644, Verdict.OK),
    "no keys, for all to write": (NO_KEYS, 0o666, Verdict.FAILED),
    "the paper venue's password is no secret": (FEED + STRATEGY + '[venue]\napi_secret = "x"\n', 0o644, Verdict.OK),
}


@pytest.mark.parametrize("name", MODES)
def test_the_mode_of_the_configuration_is_judged_by_what_it_holds(name: str, tmp_path: Path) -> None:
    text, mode, verdict = MODES[name]
    told = asked(tmp_path, text, mode)["configuration file"]
    assert told.verdict is verdict
    assert bool(told.remedy) is (verdict is Verdict.FAILED)


def test_a_file_that_holds_keys_is_told_with_the_keys_that_it_holds(tmp_path: Path) -> None:
    told = asked(tmp_path, KEYS, 0o644)["configuration file"]
    assert "mode 0644 and holds broker.api_key, broker.api_secret" in told.text


def test_keys_from_credentials_and_environment_are_named_by_source(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "broker.api_key").write_text("a key")
    (credentials / "broker.api_key").chmod(0o444)  # as systemd and containers give them
    environ = {"CREDENTIALS_DIRECTORY": str(credentials), "TRADINGD_BROKER__API_SECRET": "a secret"}
    told = asked(tmp_path, NO_KEYS, 0o644, environ)
    assert told["secrets"].text == (
        "broker.api_key from credential broker.api_key, broker.api_secret from env TRADINGD_BROKER__API_SECRET"
    )
    assert {found.verdict for found in told.values()} == {Verdict.OK}


def test_keys_of_a_feed_count_too(tmp_path: Path) -> None:
    feed = '[[data.feeds]]\nkind = "alpaca"\nsymbols = ["AAPL"]\napi_key = "k"\napi_secret = "s"\n'
    told = asked(tmp_path, feed, 0o604)["configuration file"]
    assert (told.verdict, "data.feeds[0].api_secret" in told.text) == (Verdict.FAILED, True)


FOLDERS = {
    # mode, owner -> verdict
    "private": (0o700, ME, Verdict.OK),
    "others may look in": (0o755, ME, Verdict.WARNING),
    "a group may look in": (0o750, ME, Verdict.WARNING),
    "others may write": (0o777, ME, Verdict.FAILED),
    "somebody else's": (0o700, ME + 1, Verdict.WARNING),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_the_state_folder_is_to_be_private(name: str, tmp_path: Path) -> None:
    mode, euid, verdict = FOLDERS[name]
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    told = check_state_folder(folder, euid)
    assert told.verdict is verdict, told
    assert bool(told.remedy) is (verdict is not Verdict.OK)


def test_a_state_folder_that_can_be_made_passes(tmp_path: Path) -> None:
    told = check_state_folder(tmp_path / "a" / "b" / "state", ME)
    assert (told.verdict, told.text.endswith(f"makes it in {tmp_path}")) == (Verdict.OK, True)
    assert list(tmp_path.iterdir()) == []


def test_a_state_folder_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert check_state_folder(tmp_path / "file" / "state", ME).verdict is Verdict.FAILED
    assert check_state_folder(tmp_path / "file", ME).verdict is Verdict.FAILED


@pytest.mark.skipif(ME == 0, reason="root may write everywhere")
def test_a_state_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert check_state_folder(tmp_path, ME).verdict is Verdict.FAILED
        assert check_state_folder(tmp_path / "state", ME).verdict is Verdict.FAILED
    finally:
        tmp_path.chmod(0o700)


def test_the_disk_is_to_have_room_for_the_reserve_and_as_much_again(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path)
    found = os.statvfs(tmp_path)
    free = found.f_bavail * found.f_frsize
    assert check_disk(paths, MEGABYTE).verdict is Verdict.OK
    assert check_disk(paths, free * 2 // 3).verdict is Verdict.FAILED
    assert check_disk(paths, 0).verdict is Verdict.WARNING


def test_what_is_set_aside_already_is_not_wanted_twice(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path)
    paths.journal.mkdir()
    assert "2 MB are needed" in check_disk(paths, MEGABYTE).text
    DiskReserve(paths.journal, MEGABYTE).prepare()
    assert "1 MB are needed" in check_disk(paths, MEGABYTE).text
