"""The whole examination, in the order in which one answer helps to ask the next question.

Never: waits without a bound, or stops at a finding: whatever can still be asked is asked.
"""

import os
from collections.abc import Callable
from functools import partial

from tradingd.brokers.ib.windows import Region, Restart, expected_away, restart_at
from tradingd.core.market import DAY_NS, MINUTE_NS
from tradingd.settings.ib import IbBrokerSettings
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.root import Settings
from tradingd.tools.doctor.account import AccountView, ask_venue
from tradingd.tools.doctor.bounded import bounded
from tradingd.tools.doctor.clocks import check_synchronised, offset_ms
from tradingd.tools.doctor.data import check_feeds
from tradingd.tools.doctor.files import check_files
from tradingd.tools.doctor.findings import Examination, Finding, Interruption, Part, failed, unchecked
from tradingd.tools.doctor.journal import check_journal, compare_with_books
from tradingd.tools.doctor.limits import judge_limits, limit_rows

_LOOK_EVERY_NS = 5 * MINUTE_NS
_OFFLINE = {
    "venue": Part.ACCOUNT,
    "symbols": Part.SYMBOLS,
    "feeds": Part.DATA,
    "clocks": Part.CLOCK,
}


async def examine(loaded: LoadedSettings, *, offline: bool, within_s: float, clock: Callable[[], int]) -> Examination:
    """Ask everything; `within_s` bounds each part that waits: files, journal, account, data."""
    settings = loaded.settings
    paths = StatePaths(settings.daemon.state_dir)
    findings: list[Finding] = []
    try:
        findings += await bounded(partial(check_files, loaded, os.geteuid()), within_s)
    except (TimeoutError, OSError) as error:
        text = f"the disk does not answer: {error.strerror or f'nothing within {within_s:g} s'}"
        findings.append(failed(Part.FILES, "disk", text, "look at the disks of configuration and state"))
    journal = await check_journal(paths, within_s)
    findings += journal.findings
    if journal.books is not None:
        findings += compare_with_books(loaded, journal.books)
    view = AccountView()
    refused = False
    if offline:
        remedy = "run the doctor without --offline"
        findings += [unchecked(part, check, "--offline asks nobody", remedy) for check, part in _OFFLINE.items()]
    else:
        view = await ask_venue(
            settings, paths, journal.books, is_running=journal.is_running, within_s=within_s, clock=clock
        )
        findings += view.findings
        fed, refused = await check_feeds(
            settings, view.instruments, is_running=journal.is_running, within_s=within_s, clock=clock
        )
        findings += [*fed, check_synchronised()]
    account = view.account
    equity = None if account is None else account.equity
    judged, day = judge_limits(loaded, equity, None if account is None else account.multiplier)
    findings += judged
    order = list(Part)
    return Examination(
        ts=clock(),
        config=str(loaded.path),
        broker=settings.broker.kind,
        account_kind=settings.account_kind,
        findings=tuple(sorted(findings, key=lambda finding: order.index(finding.part))),
        account=account,
        clock_offset_ms=None if view.clock_offset_ns is None else offset_ms(view.clock_offset_ns),
        symbols=tuple(view.symbols),
        limits=limit_rows(settings, equity),
        worst_day=day,
        interruptions=interruptions(settings, clock()),
        credentials_refused=view.credentials_refused or refused,
    )


def interruptions(settings: Settings, now: int) -> tuple[Interruption, ...]:
    """When the venue is away as a matter of course within the next day; empty where nothing of the kind is known."""
    if not isinstance(settings.broker, IbBrokerSettings):
        return ()
    broker = settings.broker
    return away_within(now, now + DAY_NS, Region(broker.region), restart_at(broker.restart_at))


def away_within(begin: int, end: int, region: Region, restart: Restart | None = None) -> tuple[Interruption, ...]:
    """Every expected interruption of Interactive Brokers that begins or goes on in a span, to five minutes."""
    found: list[Interruption] = []
    at = begin - begin % _LOOK_EVERY_NS
    while at < end:
        away = expected_away(at, region, restart)
        if away is None:
            at += _LOOK_EVERY_NS
            continue
        found.append(Interruption(reason=away.reason, ts_begin=max(at, begin), ts_end=away.until_ns))
        at = away.until_ns
    return tuple(found)
