"""`venue`: the paper venue alone, as a local Alpaca-compatible server."""

import os
from typing import TYPE_CHECKING, cast

from tradingd.cli.options import ConfigOption

if TYPE_CHECKING:
    from tradingd.feeds.base import Feed
    from tradingd.settings import LoadedSettings


def venue(config: ConfigOption) -> None:
    """Serve the paper venue to Alpaca clients.

    It stops at SIGTERM or SIGINT. Needs [[data.feeds]]; [venue] says where it listens and with which keys.
    Strategies and [broker] play no part.
    """
    from tradingd.cli.loading import load_checked
    from tradingd.settings import ConfigurationProblems

    loaded = load_checked(config, lambda problem: problem.key.startswith("data."))
    if not loaded.settings.data.feeds:
        raise ConfigurationProblems(
            [loaded.problem(("data", "feeds"), "is missing", "the venue needs prices: add a [[data.feeds]] table")]
        )

    import uvloop

    uvloop.run(_serve(loaded))


async def _serve(loaded: "LoadedSettings") -> None:
    """Serve until a signal or a fault; a fault is raised once everything is closed."""
    import asyncio
    import signal
    from contextlib import suppress

    from tradingd.assembly.feeds import build_feed
    from tradingd.assembly.startup import log_file
    from tradingd.core.log import Level, LogEntry, LogEvent
    from tradingd.runtime.clock import SystemClock
    from tradingd.service.structured_log import StructuredLog
    from tradingd.service.systemd import ServiceManager
    from tradingd.settings.paths import StatePaths
    from tradingd.settings.secrets import secret_values
    from tradingd.venue.standalone import serve

    settings, daemon = loaded.settings, loaded.settings.daemon
    service_manager = ServiceManager(os.environ)
    # A file feed's single symbol makes its tuple narrower than the protocol's.
    feeds = cast("list[Feed]", [build_feed(table, settings.broker) for table in settings.data.feeds])
    paths = StatePaths(daemon.state_dir)
    paths.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = StructuredLog(
        level=Level(daemon.log_level),
        style=daemon.log_format,
        file=log_file(daemon),
        secrets=secret_values(settings),
    )

    def log(level: str, event: str, message: str, details: dict[str, object]) -> None:
        is_up = event == LogEvent.VENUE_STARTED
        lines.write(
            LogEntry(
                ts=SystemClock.now_ns(),
                level=Level(level),
                event=LogEvent.VENUE_STARTED if is_up else LogEvent.VENUE_MESSAGE,
                module="venue",
                message=message,
                details=details if is_up else {"venue_event": event, **details},
            )
        )
        if is_up:
            service_manager.ready(message)

    serving = asyncio.create_task(
        serve(settings.venue, feeds, paths.venue_database, SystemClock.now_ns, log), name="venue"
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    loop.add_signal_handler(signal.SIGHUP, lines.reopen)  # a terminal that hangs up ends nothing
    try:
        with suppress(asyncio.CancelledError):
            await serving
    finally:
        service_manager.stopping("paper venue stopped")
