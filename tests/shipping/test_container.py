"""The Dockerfile and the lock file, as far as they can be judged without building."""

import re
import tomllib

from tests.shipping.readme import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
INSTRUCTIONS = [
    tuple(line.split(maxsplit=1))
    for line in DOCKERFILE.replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]


def last(instruction: str) -> str:
    """The argument of the last instruction of a kind: the one of the image."""
    return [argument for name, argument in INSTRUCTIONS if name == instruction][-1]


def test_the_daemon_runs_as_nobody_in_particular_and_keeps_its_state_in_the_volume() -> None:
    assert last("USER") == "10001:10001"
    assert last("VOLUME") == "/var/lib/tradingd"
    assert "STATE_DIRECTORY=/var/lib/tradingd" in last("ENV")


def test_it_is_stopped_as_systemd_would_stop_it_and_asked_how_it_is() -> None:
    assert last("STOPSIGNAL") == "SIGTERM"
    assert last("ENTRYPOINT") == '["tradingd"]'
    assert '"tradingd", "status", "-c", "/etc/tradingd/config.toml", "--json"' in last("HEALTHCHECK")


def test_nothing_is_installed_that_the_lock_does_not_name() -> None:
    installs = [command for name, line in INSTRUCTIONS if name == "RUN" for command in re.split("&&|;", line)]
    for command in installs:
        if re.search(r"\bpip\b.* download ", command):
            assert "--require-hashes" in command
        if re.search(r"\bpip\b.* install ", command):
            assert "--no-index" in command


def test_what_the_image_copies_is_let_through_by_the_ignore_file() -> None:
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for name, argument in INSTRUCTIONS:
        if name == "COPY" and not argument.startswith("--from"):
            *sources, _ = argument.split()
            assert set(sources) <= set(let_through), argument
            assert all((ROOT / source).exists() for source in sources)


def test_every_dependency_is_locked_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[<>=!~;\[ ]", need)[0].lower().replace("_", "-") for need in needed}
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==\S+.*\\\n    --hash=(\w+):", LOCK, re.MULTILINE))
    assert names - set(pinned) == set()
    assert len(re.findall(r"^[a-z0-9.-]+==", LOCK, re.MULTILINE)) == len(
        re.findall(r"^[a-z0-9.-]+==.*\\\n    --hash=sha256:", LOCK, re.MULTILINE)
    )


def test_the_lock_names_no_index_and_no_path() -> None:
    body = [line for line in LOCK.splitlines() if not line.startswith("#")]
    assert [line for line in body if "://" in line or line.lstrip().startswith(("/", "--find", "--index", "-e"))] == []
