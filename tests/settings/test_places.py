"""Where the daemon has to write, and what is said when it may not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.another_user import NOBODY, as_nobody, folder_of_all
from tests.cli.command_line import CONFIG
from tradingd.settings import load_settings
from tradingd.settings.places import check_places


def written(folder: Path, daemon: str = "") -> Path:
    """A configuration whose state lies in `folder`/state."""
    path = folder / "c.toml"
    path.write_text(CONFIG.replace('state_dir = "state"', f'state_dir = "state"\n{daemon}'))
    path.chmod(0o644)
    return path


def test_a_folder_that_can_be_made_or_written_is_right_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    loaded = load_settings(written(tmp_path, 'log_file = "logs/d.log"'), {})
    assert check_places(loaded) == []
    assert [path.name for path in tmp_path.iterdir()] == ["c.toml"]
    (tmp_path / "state").mkdir()
    assert check_places(loaded) == []
    assert list((tmp_path / "state").iterdir()) == []


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    [problem] = check_places(load_settings(written(tmp_path), {}))
    assert f"{tmp_path}/c.toml:2:1: daemon.state_dir: {tmp_path}/state is no folder" in str(problem)


def test_a_folder_whose_socket_could_not_be_opened_is_told(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace('"state"', f'"{"deep/" * 30}state"'))
    [problem] = check_places(load_settings(path, {}))
    assert "daemon.state_dir: the path of the control socket in it has" in str(problem)
    assert "name a folder with a shorter path" in str(problem)


def test_a_folder_where_the_log_file_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "d.log").mkdir()
    [problem] = check_places(load_settings(written(tmp_path, 'log_file = "d.log"'), {}))
    assert "daemon.log_file" in str(problem)
    assert "is a folder" in str(problem)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, and only root may write."""
    with folder_of_all() as folder:
        yield folder


@pytest.mark.parametrize("command", ["check", "doctor", "run"])
def test_a_state_folder_that_cannot_be_made_is_refused_by_every_command_alike(command: str, open_folder: Path) -> None:
    config = written(open_folder)
    ended = as_nobody(command, "-c", str(config))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"{config}:2:1: daemon.state_dir: {open_folder}/state does not exist, and {open_folder} (mode 0755, of root) "
        f"cannot be written by nobody (make it: install -d -m 700 -o nobody {open_folder}/state; or run this as root)\n"
    )


@pytest.mark.parametrize("command", ["check", "doctor", "run"])
def test_of_a_state_folder_that_is_closed_to_this_user_nobody_says_that_it_does_not_exist(
    command: str, open_folder: Path
) -> None:
    config, closed = written(open_folder), open_folder / "closed"
    config.write_text(config.read_text().replace('"state"', '"closed/state"'))
    (closed / "state" / "journal").mkdir(parents=True)
    closed.chmod(0o700)
    ended = as_nobody(command, "-c", str(config))
    assert (ended.code, ended.out) == (2, "")
    assert "Errno" not in ended.err
    assert ended.err.endswith(
        f"{config}:2:1: daemon.state_dir: {closed}/state cannot be seen by nobody: {closed} (mode 0700, of root) "
        "is closed to it (run this as root, or name another place)\n"
    )


@pytest.mark.parametrize("command", ["check", "doctor", "run"])
@pytest.mark.parametrize("place", [".", "journal", "journal/LOCK", "tradingd.db", "venue.db"])
def test_what_another_user_has_left_in_the_state_folder_is_refused_by_every_command_alike(
    command: str, place: str, open_folder: Path
) -> None:
    """As after one start as root."""
    config, state = written(open_folder), open_folder / "state"
    (state / "journal").mkdir(parents=True)
    for name in ("journal/LOCK", "tradingd.db", "venue.db"):
        (state / name).touch()
    for path in (state, *state.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.chown(state / place, 0, 0)
    ended = as_nobody(command, "-c", str(config))
    assert (ended.code, ended.out) == (2, "")
    assert f"{state / place} (mode 0" in ended.err
    assert ", of root) cannot be written by nobody (run this as root, or give it to nobody: chown -R" in ended.err
