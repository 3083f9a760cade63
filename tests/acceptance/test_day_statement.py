"""A day's statement as its reader gets it: from the running daemon, from the venue alone, and with foreign hands."""

import json
from decimal import Decimal
from pathlib import Path

from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.markets import from_the_open
from tests.acceptance.running import Program, run_command


def test_a_day_of_trading_is_stated_by_the_daemon_and_without_it(tmp_path: Path, write_config: WriteConfig) -> None:
    config = write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 200),
        RESTLESS.format(id="restless", symbol="IBM", every=5, quantity=10),
    )
    with Program("run", "-c", str(config), log=tmp_path / "log") as daemon:
        daemon.wait_event("order.filled", count=20, timeout_s=60)
        asked = run_command("statement", "-c", str(config), "--format", "json")
        assert asked.returncode in (0, 1), asked.stdout + asked.stderr
        assert json.loads(asked.stdout)["executions"] >= 20
        assert daemon.stop() == 0
    alone = run_command("statement", "-c", str(config), "--format", "json")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    stated = json.loads(alone.stdout)
    assert stated["standing"] == "clean"
    assert Decimal(stated["cash"]["ours"]) == Decimal(stated["cash"]["venue"])
    text = run_command("statement", "-c", str(config), "-o", str(tmp_path / "day.txt"))
    assert (text.returncode, text.stdout) == (0, "")
    assert "CLEAN" in (tmp_path / "day.txt").read_text()
    wrong = run_command("statement", "-c", str(config), "--date", "24.11.2026")
    assert wrong.returncode == 2
    assert "write YYYY-MM-DD" in wrong.stderr
