"""What the orchestrator connects the modules to.

The embedded paper venue and the broker adapter, made from settings.
"""

import random
import secrets
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from tradingd.assembly.modules import IsOurs
from tradingd.brokers.alpaca.adapter import AlpacaBroker
from tradingd.brokers.alpaca.model import ALPACA, paper_venue_model
from tradingd.brokers.base import BrokerAdapter, BrokerSink
from tradingd.core.books import Books
from tradingd.core.identifiers import Symbol
from tradingd.core.log import Level, LogEvent
from tradingd.core.venue_view import AccountInfo
from tradingd.errors import UsageError
from tradingd.journal.neighbours import held_elsewhere
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.runtime.ports import EventLog
from tradingd.settings.broker import AlpacaBrokerSettings
from tradingd.settings.ib import IbBrokerSettings
from tradingd.settings.root import Settings
from tradingd.settings.venue import VenueSession
from tradingd.venue.server import PaperVenue


def build_venue(
    settings: Settings, *, database: Path, symbols: tuple[Symbol, ...], clock: Callable[[], int], log: EventLog
) -> tuple[PaperVenue, Settings]:
    """Make the embedded venue, and the settings under which its only client, this process, is admitted.

    Its keys are made anew for each run and it has no rate limit: nobody else is meant to talk to it.
    """

    def venue_log(level: str, event: str, message: str, details: dict[str, object]) -> None:
        log.log_event(
            Level(level), message, {"venue_event": event, **details}, event=LogEvent.VENUE_MESSAGE, module="venue"
        )

    admitted = settings.venue.model_copy(
        update={
            "api_key": f"embedded-{secrets.token_hex(8)}",
            "api_secret": SecretStr(secrets.token_hex(24)),
            "rate_limit_per_minute": 0,
        }
    )
    venue = PaperVenue(admitted, database=database, symbols=symbols, clock=clock, log=venue_log)
    return venue, settings.model_copy(update={"venue": admitted})


_UNREADABLE = frozenset({"broker.frame_undecodable", "broker.fill_incomplete", "broker.execution_revised"})
"""Problems after which the order stream alone no longer tells the whole truth."""


def build_adapter(
    settings: Settings,
    venue: PaperVenue | None,
    *,
    clock: Callable[[], int],
    log: EventLog,
    failure: Callable[[BaseException], None],
    resync: Callable[[], None],
    keep: Callable[[str, str], None],
    kill_switch: KillSwitch,
    rng: random.Random,
    sent_before: int = 0,
) -> Callable[[BrokerSink, IsOurs], BrokerAdapter]:
    """Return what makes the adapter once its sink is known; the embedded venue and Alpaca differ only in addresses.

    `resync` is called when the order stream said something that could not be read in full: the venue is asked instead.
    `keep` gets what the venue said and nobody could read, with the name of the problem. `sent_before` is more than the
    number of orders that the journal has ever seen leave.
    """

    def on_problem(event: str, message: str, details: dict[str, object]) -> None:
        if (raw := details.pop("raw", None)) is not None:
            keep(event, str(raw))
        log.log_event(
            Level.ERROR if raw is not None else Level.INFO if details.get("expected") else Level.WARNING,
            message,
            {"problem": event, **details},
            event=LogEvent.BROKER_PROBLEM,
            module="broker_interface",
        )
        if event in _UNREADABLE:
            resync()

    broker = settings.broker
    if isinstance(broker, IbBrokerSettings):
        # The library and what it needs are loaded only where they are used.
        from tradingd.brokers.ib.broker import IbBroker
        from tradingd.brokers.ib.instruments import read_contracts
        from tradingd.brokers.ib.windows import Region, restart_at

        return lambda sink, is_ours: IbBroker(
            host=broker.host,
            port=broker.port,
            client_id=broker.client_id,
            account=broker.account,
            account_kind=broker.account_kind,
            contracts=read_contracts(broker.contract_tables),
            base_currency=settings.portfolio.base_currency,
            sink=sink,
            clock=clock,
            is_ours=is_ours,
            refusal=kill_switch.refusal,
            on_problem=on_problem,
            failure=failure,
            rng=rng,
            timeout_s=broker.timeout_s,
            region=Region(broker.region),
            order_id_floor=sent_before,
            check_margin=broker.check_margin,
            restart=restart_at(broker.restart_at),
        )
    if isinstance(broker, AlpacaBrokerSettings):
        if broker.api_key is None or broker.api_secret is None:
            raise UsageError("broker.api_key and broker.api_secret are needed (environment or credential)")
        base_url, stream_url, data_url = broker.base_url, broker.stream_url, broker.data_url
        key, secret = broker.api_key.get_secret_value(), broker.api_secret.get_secret_value()
        timeout_s = broker.timeout_s
        requests_per_minute = broker.requests_per_minute
        model = ALPACA
    else:
        assert venue is not None
        base_url = data_url = venue.base_url
        stream_url = venue.stream_url
        key, secret = settings.venue.api_key, settings.venue.api_secret.get_secret_value()
        timeout_s = 10.0
        requests_per_minute = 0
        model = paper_venue_model(always_open=settings.venue.session is VenueSession.ALWAYS_OPEN)
    return lambda sink, is_ours: AlpacaBroker(
        base_url=base_url,
        stream_url=stream_url,
        data_url=data_url,
        api_key=key,
        api_secret=secret,
        account_kind=broker.account_kind,
        sink=sink,
        clock=clock,
        is_ours=is_ours,
        refusal=kill_switch.refusal,
        on_problem=on_problem,
        failure=failure,
        rng=rng,
        timeout_s=timeout_s,
        requests_per_minute=requests_per_minute,
        model=model,
        on_coin_fill=resync if isinstance(broker, AlpacaBrokerSettings) else lambda: None,
    )


def require_no_other_journal(journal: Path, broker: str, account_id: str) -> None:
    """Refuse to begin a journal for an account of which another one beside it holds something. Raises `UsageError`."""
    if (held := held_elsewhere(journal, broker, account_id)) is not None:
        raise UsageError(
            f"{journal} is new, and another journal of account {account_id} holds something that its strategies would "
            f"buy again: {held} (set daemon.state_dir back, or start once with tradingd run --accept-changes)"
        )


def check_account(books: Books, account: AccountInfo, journal: Path) -> None:
    """Refuse to trade an account with the journal of another one. Raises `UsageError`."""
    opened = books.account
    if opened is None:
        return
    if opened.account_kind != account.account_kind:
        raise UsageError(
            f"{journal} is the journal of a {opened.account_kind} account and the configuration names a "
            f"{account.account_kind} one (give each account its own daemon.state_dir)"
        )
    if opened.account_id != account.account_id:
        raise UsageError(
            f"{journal} is the journal of account {opened.account_id} and the venue answers as {account.account_id} "
            "(give each account its own daemon.state_dir)"
        )
