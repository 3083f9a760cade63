"""The command line called in this process, for the many cases that need no process of their own."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command_line import Ended
from tradingd.cli.app import build_app


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run one command in `tmp_path` and tell how it ended."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TRADINGD_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as end:
            build_app()(arguments, prog_name="tradingd")
        out, err = capfd.readouterr()
        return Ended(int(end.value.code or 0), out, err)

    return call
