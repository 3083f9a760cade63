"""What monitoring scrapes: the status, by names that stay."""

from pathlib import Path

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from tests.cli.far_side import OneOrderDaemon
from tradingd.control.metrics import exposition
from tradingd.control.server import ControlServer


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_control_socket_serves_the_status_to_prometheus(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / "control.sock", OneOrderDaemon())
    await server.start()
    try:
        connector = aiohttp.UnixConnector(path=str(tmp_path / "control.sock"))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get("http://daemon/metrics") as answer,
        ):
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            told = values(await answer.text())
    finally:
        await server.stop()
    assert told["tradingd_state", "trading"] == 1
    assert told["tradingd_open_orders",] == 1
    assert told["tradingd_market_events_total",] == 100
    assert told["tradingd_market_events_kept_out_total", "crossed"] == 2
    assert told["tradingd_feed_up", "synthetic:1"] == 1
    assert told["tradingd_equity",] == 100000.25


def test_what_waits_for_the_venue_is_told_by_class() -> None:
    status = msgspec.structs.replace(OneOrderDaemon().status(), outbound_backlog={"cancel": 0, "order": 3})
    told = values(exposition(status).decode())
    assert (told["tradingd_outbound_backlog", "order"], told["tradingd_outbound_backlog", "cancel"]) == (3, 0)
