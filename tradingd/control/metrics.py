"""What monitoring can scrape of a daemon: its status as Prometheus metrics.

Served at `/metrics` of the control socket. Owns: the names of the metrics. Never: tells what `status` does not.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tradingd.control.views import DaemonStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _StatusCollector(Collector):
    """One status, told once."""

    def __init__(self, status: DaemonStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Give every metric of the status."""
        status = self._status
        state = GaugeMetricFamily("tradingd_state", "1 for the state that the daemon is in.", labels=["state"])
        state.add_metric([status.state], 1)
        yield state
        yield GaugeMetricFamily("tradingd_equity", "Cash and positions at the last good prices.", float(status.equity))
        yield GaugeMetricFamily("tradingd_cash", "Cash as the venue counts it.", float(status.cash))
        yield GaugeMetricFamily("tradingd_open_orders", "Orders that may still do something.", status.open_orders)
        yield GaugeMetricFamily(
            "tradingd_orders_in_doubt", "Orders of which nobody knows what became.", len(status.orders_in_doubt)
        )
        backlog = GaugeMetricFamily(
            "tradingd_outbound_backlog", "Messages that wait for the venue's limit, by class.", labels=["priority"]
        )
        for priority, count in status.outbound_backlog.items():
            backlog.add_metric([priority], count)
        yield backlog
        yield GaugeMetricFamily(
            "tradingd_order_stream_up", "1 while fills stream in.", int(status.order_stream == "up")
        )
        feeds = GaugeMetricFamily("tradingd_feed_up", "1 while a feed delivers.", labels=["feed"])
        for feed in status.feeds:
            feeds.add_metric([feed.name], int(feed.state == "up"))
        yield feeds
        yield CounterMetricFamily("tradingd_market_events", "Market data taken in.", status.events_accepted)
        kept_out = CounterMetricFamily("tradingd_market_events_kept_out", "Market data kept out.", labels=["kind"])
        for kind, count in status.events_kept_out.items():
            kept_out.add_metric([kind], count)
        yield kept_out
        yield CounterMetricFamily(
            "tradingd_ticks_conflated", "Ticks that a later one took the place of.", status.ticks_conflated
        )
        yield CounterMetricFamily("tradingd_journal_entries", "Number of the journal's last entry.", status.journal_seq)
        yield CounterMetricFamily(
            "tradingd_messages_unreadable", "Messages of the venue that could not be read.", status.messages_unreadable
        )
        yield GaugeMetricFamily(
            "tradingd_symbols_halted", "Symbols that take reducing orders alone.", len(status.halted_symbols)
        )
        yield GaugeMetricFamily(
            "tradingd_scopes_halted",
            "Strategies and symbols that an operator lets reduce alone.",
            len(status.halted_scopes),
        )
        yield GaugeMetricFamily(
            "tradingd_symbols_without_fresh_price",
            "Symbols that are held and have no fresh price.",
            len(status.without_fresh_price),
        )
        yield GaugeMetricFamily(
            "tradingd_strategies_quarantined", "Strategies that are stopped.", len(status.quarantined)
        )
        yield GaugeMetricFamily(
            "tradingd_disk_short", "1 while the journal's disk is short.", int(status.disk_shortage is not None)
        )
        yield GaugeMetricFamily("tradingd_uptime_seconds", "Since the start of this run.", status.uptime_s)


def exposition(status: DaemonStatus) -> bytes:
    """A status in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_StatusCollector(status))
    return generate_latest(registry)
