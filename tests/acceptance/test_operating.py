"""Operating the daemon: start, stop, halt, kill, restart, and everything that it must refuse in one clear line."""

import json
import signal
import socket
from pathlib import Path

import pytest
from tests.acceptance.conftest import RESTLESS, WriteConfig, file_feed
from tests.acceptance.markets import from_the_open, ibm_quotes, spy_bars
from tests.acceptance.running import ROOT, Program, ask_json, run_command, wait_until
from tradingd.core.entries import OrderIntended
from tradingd.core.orders import Side
from tradingd.journal.segments import read_records

RAISER = """
[[strategies]]
id = "broken"
class = "tests.acceptance.restless:Raiser"
symbols = ["SPY"]
"""

HOLDER = """
[[strategies]]
id = "holder"
class = "tradingd.strategies.buy_and_hold:BuyAndHold"
symbols = ["SPY"]
params = { quantity = 5 }
"""


@pytest.fixture
def restless(tmp_path: Path, write_config: WriteConfig) -> Path:
    """A daemon that trades share quotes without rest."""
    return write_config(
        file_feed(ibm_quotes(tmp_path), "IBM", "quotes", "max"),
        RESTLESS.format(id="restless", symbol="IBM", every=50, quantity=10),
    )


@pytest.fixture
def paced(tmp_path: Path, write_config: WriteConfig) -> Path:
    """The same at two hundred times real time, which takes minutes."""
    return write_config(
        file_feed(from_the_open(tmp_path), "IBM", "quotes", 200),
        RESTLESS.format(id="restless", symbol="IBM", every=5, quantity=10),
    )


def purchases(journal: Path) -> int:
    """How many orders that open something were ever let out, of a strategy that sells no more than it holds."""
    entries = (record.entry for record in read_records(journal, whole=True))
    return sum(isinstance(entry, OrderIntended) and entry.order.side is Side.BUY for entry in entries)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_the_shipped_paper_configuration_starts_and_stops(tmp_path: Path, number: int) -> None:
    """Ready within seconds, says what it trades, invents its market openly, and stops with exit code 0."""
    env = {"TRADINGD_DAEMON__STATE_DIR": str(tmp_path / "state")}
    with Program("run", "-c", str(ROOT / "config" / "paper.toml"), log=tmp_path / "log", env=env) as daemon:
        daemon.wait_event("daemon.ready")
        daemon.wait_event("feed.state")
        assert daemon.stop(number) == 0
    lines = daemon.lines()
    assert "AAPL MSFT" in daemon.events("daemon.starting")[0]["message"]
    assert "SYNTHETIC" in daemon.events("feed.state")[0]["message"]
    assert lines[-1]["event"] == "daemon.stopped"
    assert all({"ts", "level", "event", "module", "message"} <= line.keys() for line in lines)
    socket_mode = (tmp_path / "state").stat().st_mode & 0o077
    assert socket_mode == 0


def test_a_halt_survives_kill_9_until_an_operator_resumes(paced: Path, tmp_path: Path) -> None:
    """Halted means: not one intent more that opens, before and after the kill; resume lets them leave again."""
    log, journal = tmp_path / "daemon.log", tmp_path / "state-daemon" / "journal"
    with Program("run", "-c", str(paced), log=log) as daemon:
        daemon.wait_event("order.filled", count=5)
        assert run_command("halt", "-c", str(paced), "--reason", "drill").returncode == 0
        sent = purchases(journal)
        daemon.kill()
    with Program("run", "-c", str(paced), log=log) as daemon:
        daemon.wait_event("order.denied", count=2)  # the first one, and the tenth
        status = ask_json("status", "-c", str(paced))
        assert status["state"] == "halted"
        assert status["halt_reason"] == "drill"
        assert purchases(journal) == sent
        assert run_command("resume", "-c", str(paced)).returncode == 0
        wait_until(lambda: purchases(journal) > sent, timeout_s=20, what="an order that opens, after the resume")
        assert daemon.stop() == 0


def test_flatten_leaves_nothing(restless: Path, tmp_path: Path) -> None:
    """Every order cancelled, every position closed, trading halted."""
    with Program("run", "-c", str(restless), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("order.filled", count=5)
        assert run_command("flatten", "-c", str(restless), "--yes").returncode == 0

        def flat() -> bool:
            held = [line for line in ask_json("positions", "-c", str(restless)) if line["quantity"] != "0"]
            return not held and not ask_json("orders", "-c", str(restless))

        wait_until(flat, timeout_s=20, what="no orders and no positions")
        assert ask_json("status", "-c", str(restless))["state"] == "halted"
        assert daemon.stop() == 0


def test_a_strategy_that_raises_is_quarantined_alone(tmp_path: Path, write_config: WriteConfig) -> None:
    """Its order is cancelled, the other strategy trades on, and the quarantine outlives a restart."""
    config = write_config(file_feed(spy_bars(tmp_path), "SPY", "bars", "max"), RAISER, HOLDER)
    with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("strategy.quarantined")
        wait_until(lambda: "end of" in daemon.text(), timeout_s=60, what="the end of the file")
        assert daemon.events("order.canceled")
        assert daemon.stop() == 0
    assert "broken on purpose" in daemon.events("strategy.quarantined")[0]["message"]
    held = {line["strategy_id"]: line["quantity"] for line in ask_json("positions", "-c", str(config))}
    assert held["holder"] == "5"
    with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("daemon.ready")
        started = [line for line in daemon.events("strategy.started") if line["strategy_id"] == "broken"]
        assert "quarantined" in started[0]["message"]
        assert daemon.stop() == 0


def test_a_second_daemon_names_the_first(restless: Path, tmp_path: Path) -> None:
    """One daemon for a journal: the second refuses and says who holds it."""
    with Program("run", "-c", str(restless), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("daemon.ready")
        second = run_command("run", "-c", str(restless))
        assert second.returncode == 2
        assert f"process {daemon.process.pid}" in second.stderr
        assert daemon.stop() == 0


def test_a_torn_last_line_is_set_aside_and_trading_goes_on(restless: Path, tmp_path: Path) -> None:
    """Half a line at the end of the journal, as a power cut leaves it."""
    log, journal = tmp_path / "daemon.log", tmp_path / "state-daemon" / "journal"
    with Program("run", "-c", str(restless), log=log) as daemon:
        daemon.wait_event("order.filled", count=3)
        daemon.kill()
    segment = sorted(journal.glob("*.jsonl"))[-1]
    whole = segment.read_bytes()
    segment.write_bytes(whole + b'{"seq":99999,"ts":1,"entry":{"type":"filled","cli')
    with Program("run", "-c", str(restless), log=log) as daemon:
        daemon.wait_event("journal.quarantined")
        daemon.wait_event("order.filled")
        assert daemon.stop() == 0
    assert segment.read_bytes().startswith(whole)
    assert [path.read_bytes()[:12] for path in journal.glob("quarantine-*.bin")] == [b'{"seq":99999']
    assert ask_json("trades", "-c", str(restless))


def test_a_damaged_journal_is_refused_by_file_and_line(restless: Path, tmp_path: Path) -> None:
    """A flipped byte in the middle: one line, exit code 3, and the file is left as it is."""
    log, journal = tmp_path / "daemon.log", tmp_path / "state-daemon" / "journal"
    with Program("run", "-c", str(restless), log=log) as daemon:
        daemon.wait_event("order.filled", count=3)
        assert daemon.stop() == 0
    segment = sorted(journal.glob("*.jsonl"))[-1]
    damaged = bytearray(segment.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    segment.write_bytes(damaged)
    refused = run_command("run", "-c", str(restless))
    assert refused.returncode == 3
    assert f"{segment}:" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert segment.read_bytes() == damaged


def test_the_database_is_only_a_projection(restless: Path, tmp_path: Path) -> None:
    """Deleted or full of rubbish, it is made again from the journal, and trades are what they were."""
    database = tmp_path / "state-daemon" / "tradingd.db"
    with Program("run", "-c", str(restless), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("order.filled", count=3)
        assert daemon.stop() == 0
    trades = ask_json("trades", "-c", str(restless))
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    database.write_bytes(b"this is no database" * 100)
    rebuilt = run_command("journal", "rebuild", "-c", str(restless))
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert ask_json("trades", "-c", str(restless)) == trades


def test_the_journal_of_one_account_is_not_opened_for_another(
    tmp_path: Path, write_config: WriteConfig, unused_tcp_port: int
) -> None:
    """The paper journal meets an account of another kind: refused before anything is traded."""
    feed = file_feed(spy_bars(tmp_path), "SPY", "bars", "max")
    config = write_config(feed, HOLDER)
    with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
        daemon.wait_event("daemon.ready")
        assert daemon.stop() == 0
    venue = write_config(
        feed, f'[venue]\nport = {unused_tcp_port}\napi_key = "k"\napi_secret = "correct horse"\n', name="venue", risk=""
    )
    url = f"127.0.0.1:{unused_tcp_port}"
    broker = (
        f'[broker]\nkind = "alpaca"\naccount_kind = "live"\nbase_url = "http://{url}"\n'
        f'stream_url = "ws://{url}/stream"\ndata_url = "http://{url}"\napi_key = "k"\napi_secret = "{{secret}}"\n'
    )
    with Program("venue", "-c", str(venue), log=tmp_path / "venue.log") as other:
        other.wait_event("venue.started")
        live = write_config(feed, HOLDER, broker.format(secret="correct horse"))
        with Program("run", "-c", str(live), log=tmp_path / "live.log") as daemon:
            assert daemon.process.wait(20) == 2
        assert 'the journal is of an account at "paper", the file names "alpaca"' in daemon.text()
        wrong = write_config(feed, HOLDER, broker.format(secret="battery staple"), name="wrong")
        with Program("run", "-c", str(wrong), log=tmp_path / "wrong.log") as daemon:
            assert daemon.process.wait(20) == 4
        assert "battery staple" not in daemon.text()


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ('[[data.feeds]]\nkind = "file"\npath = "nowhere.csv"\nsymbol = "SPY"\nschema = "bars"\n', "nowhere.csv"),
        ("[risk]\nmax_order_valu = 5\n", "max_order_value"),
        ("[risk]\nmax_order_value = -5\n", "risk.max_order_value"),
        ("[risk]\nmax_order_value = nan\n", "risk.max_order_value"),
        ('[daemon]\nlog_level = "LOUD"\n', "daemon.log_level"),
        ('[[strategies]]\nid = "x"\nclass = "tradingd.strategies.sma_cross:SmaCros"\nsymbols = ["SPY"]\n', "SmaCross"),
        (
            '[[strategies]]\nid = "x"\nclass = "tradingd.strategies.sma_cross:SmaCross"\nsymbols = ["SPYY"]\n',
            "SPYY",
        ),
    ],
    ids=[
        "missing file",
        "unknown key",
        "negative limit",
        "NaN",
        "bad word",
        "missing class",
        "no such symbol",
    ],
)
def test_a_configuration_that_is_not_understood_does_not_start(tmp_path: Path, tables: str, expected: str) -> None:
    """Check and run refuse it alike: FILE:LINE:COL, the key, the remedy; exit code 2; nothing is created."""
    config = tmp_path / "bad.toml"
    config.write_text(tables)
    for command in ("check", "run"):
        refused = run_command(command, "-c", str(config))
        assert refused.returncode == 2
        assert f"{config}:" in refused.stderr
        assert expected in refused.stderr
        assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == [config]


def test_a_venue_port_in_use_is_one_clear_line(tmp_path: Path, write_config: WriteConfig) -> None:
    """The embedded venue cannot listen: exit code 2, and the journal says how the run ended."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = write_config(file_feed(spy_bars(tmp_path), "SPY", "bars", "max"), HOLDER, f"[venue]\nport = {port}\n")
        with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
            assert daemon.process.wait(20) == 2
    assert f"{port}" in daemon.events("daemon.failed")[0]["message"]


def test_bad_rows_are_counted_and_the_run_goes_on(tmp_path: Path, write_config: WriteConfig) -> None:
    """Malformed, NaN, zero, negative, crossed, back in time: said once each with the row, kept from the strategies."""
    rows = ["timestamp_ns,bid,ask,bid_size,ask_size"]
    start = 1_381_152_600_000_000_000
    for number in range(400):
        rows.append(f"{start + number * 1_000_000_000},100.00,100.02,500,500")
    bad = {
        10: "not,a,row",
        20: f"{start + 19_500_000_000},nan,100.02,1,1",
        30: f"{start + 29_500_000_000},0,0,1,1",
        40: f"{start + 39_500_000_000},-1,100.02,1,1",
        50: f"{start + 49_500_000_000},100.05,100.01,1,1",
        60: f"{start},100.00,100.02,1,1",
        70: f"{start + 69_500_000_000},100.05,100.01,1,1",
        80: f"{start + 79_500_000_000},900,900.1,1,1",
    }
    for row, text in bad.items():
        rows[row] = text
    (tmp_path / "bad.csv").write_text("\n".join(rows) + "\n")
    config = write_config(
        file_feed(tmp_path / "bad.csv", "IBM", "quotes", "max"),
        RESTLESS.format(id="restless", symbol="IBM", every=10, quantity=1),
    )
    with Program("run", "-c", str(config), log=tmp_path / "daemon.log") as daemon:
        wait_until(lambda: "end of" in daemon.text(), timeout_s=30, what="the end of the file")
        status = ask_json("status", "-c", str(config))
        assert daemon.stop() == 0
    assert status["events_kept_out"] == {
        "IBM:crossed": 2,
        "IBM:malformed": 1,
        "IBM:not_finite": 1,
        "IBM:not_positive": 2,
        "IBM:out_of_order": 1,
        "IBM:outlier": 1,
    }
    said = {line["details"]["defect"]: line["details"]["row"] for line in daemon.events("data.defect")}
    assert said == {
        "malformed": 10,
        "not_finite": 20,
        "not_positive": 30,
        "crossed": 50,
        "out_of_order": 60,
        "outlier": 80,
    }
    prices = {json.dumps(trade["price"]) for trade in ask_json("trades", "-c", str(config))}
    assert prices <= {'"100.0"', '"100.02"', '"100"', '"100.00"'}
