"""Running the program as a user who owns nothing, where the tests run as root."""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.command_line import Ended, environment

NOBODY = 65534


@functools.cache
def obstacle() -> str:
    """Why the program cannot be run as nobody on this machine; empty when it can."""
    if os.geteuid() != 0:
        return "needs root, to be somebody else"
    if shutil.which("setpriv") is None:
        return "needs setpriv"
    return "" if not run_as_nobody("-c", "import tradingd").code else "nobody may not run this interpreter"


def run_as_nobody(*arguments: str) -> Ended:
    """Run the interpreter as nobody."""
    ended = subprocess.run(
        ["setpriv", "--reuid", str(NOBODY), "--clear-groups", sys.executable, *arguments],
        cwd="/",
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def as_nobody(*arguments: str) -> Ended:
    """Run one command as nobody; skip where that is not possible."""
    if obstacle():
        pytest.skip(obstacle())
    return run_as_nobody("-m", "tradingd", *arguments)


@contextmanager
def folder_of_all() -> Iterator[Path]:
    """A folder that other users may enter: pytest's own are closed to them, again at every other run's start."""
    with tempfile.TemporaryDirectory(prefix="tradingd-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def let_others_read(folder: Path) -> None:
    """Open what stands in a folder of this test to other users."""
    for file in folder.iterdir():
        file.chmod(file.stat().st_mode | 0o044)
