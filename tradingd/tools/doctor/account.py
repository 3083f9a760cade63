"""What the doctor asks of the venue: the account, the symbols and the time. No order can leave from here.

Owns: a connection of its own, and for `[broker] kind = "paper"` a venue of its own on a temporary database. Never:
opens the order stream, or the state folder's own venue database.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tradingd.assembly.adapters import check_account
from tradingd.assembly.lone_adapter import OnProblem, lone_connection
from tradingd.brokers.base import BrokerAdapter, ReportsVenueTime
from tradingd.core.books import Books
from tradingd.core.identifiers import Symbol
from tradingd.core.instruments import Instrument
from tradingd.core.venue_view import AccountInfo
from tradingd.errors import CredentialsRefused, UsageError, VenueUnavailable
from tradingd.service.account_lock import is_traded
from tradingd.settings.ib import IbBrokerSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.root import Settings
from tradingd.settings.to_core import traded_symbols
from tradingd.tools.doctor.clocks import judge_offset
from tradingd.tools.doctor.findings import Finding, Part, SymbolTerms, failed, ok, unchecked
from tradingd.tools.doctor.judging import judge_account, judge_shorting, judge_symbol, strategies_of, terms_of

_CLOSE_WITHIN_S = 3.0


class AccountView(msgspec.Struct, kw_only=True):
    """What the venue said, as far as it came."""

    findings: list[Finding] = []
    account: AccountInfo | None = None
    instruments: dict[Symbol, Instrument] = {}
    symbols: list[SymbolTerms] = []
    clock_offset_ns: int | None = None
    credentials_refused: bool = False


async def ask_venue(
    settings: Settings,
    paths: StatePaths,
    books: Books | None,
    *,
    is_running: bool,
    within_s: float,
    clock: Callable[[], int],
) -> AccountView:
    """Connect, and ask everything that can be asked without an order; never longer than the bound, and the closing."""
    view = AccountView()
    if isinstance(settings.broker, IbBrokerSettings) and is_running:
        text = "the running daemon holds the client id, and TWS serves an id once"
        view.findings.append(unchecked(Part.ACCOUNT, "venue", text, "ask the daemon itself with tradingd status"))
        return view
    problems: dict[str, str] = {}
    async with _connection(settings, problems.__setitem__, clock) as adapter:
        try:
            async with asyncio.timeout(within_s):
                await _ask(
                    view,
                    adapter,
                    problems=problems,
                    settings=settings,
                    paths=paths,
                    books=books,
                    is_running=is_running,
                    clock=clock,
                )
        except TimeoutError:
            answered = Part.ACCOUNT if view.account is None else Part.SYMBOLS
            text = f"the venue has not answered everything within {within_s:g} s"
            view.findings.append(failed(answered, "venue", text, "look at the network, or give more time by --within"))
        except CredentialsRefused as error:
            view.credentials_refused = True
            view.findings.append(
                failed(Part.ACCOUNT, "keys", str(error), "make new keys at the broker and load them as credentials")
            )
        except VenueUnavailable as error:
            view.findings.append(
                failed(Part.ACCOUNT, "venue", str(error), "look at the address, the network and the broker's status")
            )
        except UsageError as error:
            view.findings.append(tell_usage_error(Part.ACCOUNT, "account", error))
    return view


@asynccontextmanager
async def _connection(
    settings: Settings, on_problem: OnProblem, clock: Callable[[], int]
) -> AsyncIterator[BrokerAdapter]:
    """Give an adapter that is not yet connected, to a paper venue on a temporary database where that is the broker."""
    # The port of the configuration may be a running daemon's.
    apart = settings.venue.model_copy(update={"host": "127.0.0.1", "port": 0})
    settings = settings.model_copy(update={"venue": apart})
    with tempfile.TemporaryDirectory(prefix="tradingd-doctor-") as folder:
        database = Path(folder) / "venue.db"
        async with lone_connection(settings, database, clock=clock, on_problem=on_problem) as adapter:
            yield adapter


async def _ask(
    view: AccountView,
    adapter: BrokerAdapter,
    *,
    problems: Mapping[str, str],
    settings: Settings,
    paths: StatePaths,
    books: Books | None,
    is_running: bool,
    clock: Callable[[], int],
) -> None:
    view.account = account = await adapter.connect(())
    view.findings.append(ok(Part.ACCOUNT, "venue", f"{adapter.model.name} answers and takes the keys"))
    view.findings += judge_account(account, problems, settings)
    view.findings.append(_compare_with_journal(settings, paths, books, account))
    if settings.broker.kind != "paper" and not is_running:
        view.findings.append(_check_alone(settings.broker.kind, account))
    await _ask_symbols(view, adapter, traded_symbols(settings))
    view.instruments.update(adapter.instruments)
    view.findings.append(judge_shorting(account, settings, adapter.instruments.values()))
    for symbol, instrument in adapter.instruments.items():
        strategies = strategies_of(settings, symbol)
        view.symbols.append(terms_of(instrument, adapter.model, strategies))
        view.findings += judge_symbol(instrument, adapter.model, strategies)
    if settings.broker.kind == "paper":
        view.findings.append(ok(Part.CLOCK, "venue's clock", "the built-in venue goes by this machine's clock"))
    else:
        await _ask_time(view, adapter, clock)


async def _ask_symbols(view: AccountView, adapter: BrokerAdapter, symbols: tuple[Symbol, ...]) -> None:
    """Learn all at once, or one by one where the venue knows not all of them."""
    try:
        await adapter.connect(symbols)
    except UsageError:
        for symbol in symbols:
            try:
                await adapter.connect((symbol,))
            except UsageError as error:
                view.findings.append(tell_usage_error(Part.SYMBOLS, f"{symbol}", error))


async def _ask_time(view: AccountView, adapter: BrokerAdapter, clock: Callable[[], int]) -> None:
    if not isinstance(adapter, ReportsVenueTime):
        view.findings.append(judge_offset(None))
        return
    before = clock()
    there = await adapter.server_time()
    if there is not None:
        # The answer was made somewhere between the question and its arrival: half-way is the best guess.
        view.clock_offset_ns = there - (before + clock()) // 2
    view.findings.append(judge_offset(view.clock_offset_ns))


def _compare_with_journal(settings: Settings, paths: StatePaths, books: Books | None, account: AccountInfo) -> Finding:
    check = "journal's account"
    remedy = "give each account its own daemon.state_dir"
    opened = None if books is None else books.account
    if books is None or opened is None:
        return ok(Part.ACCOUNT, check, "no account has been traded with this journal yet")
    broker = settings.broker.kind
    if opened.broker != broker:
        text = f"{paths.journal} is the journal of an account at {opened.broker}, and the broker is {broker}"
        return failed(Part.ACCOUNT, check, text, remedy)
    if broker == "paper":
        # The account of the embedded venue is in the state folder, and a copy of its own was asked here.
        if not paths.venue_database.exists():
            text = f"the journal is that of {opened.account_id}, and the venue's {paths.venue_database} is gone"
            return failed(Part.ACCOUNT, check, text, "restore the file, or begin anew in another daemon.state_dir")
        return ok(Part.ACCOUNT, check, f"the journal is that of the built-in venue's account {opened.account_id}")
    try:
        check_account(books, account, paths.journal)
    except UsageError as error:
        return failed(Part.ACCOUNT, check, str(error).partition(" (")[0], remedy)
    return ok(Part.ACCOUNT, check, "the journal is this account's")


def _check_alone(broker: str, account: AccountInfo) -> Finding:
    """Whether another daemon of this machine trades the account, with a journal of its own."""
    check = "other daemons"
    try:
        taken = is_traded(broker, account.account_id)
    except OSError as error:
        text = f"the system does not show its sockets: {error.strerror}"
        return unchecked(Part.ACCOUNT, check, text, "see by hand that no other daemon trades the account")
    if taken:
        text = f"another daemon of this machine trades account {account.account_id}, with another journal"
        return failed(Part.ACCOUNT, check, text, "stop that daemon first, since one daemon trades an account")
    return ok(Part.ACCOUNT, check, "no other daemon of this machine trades the account")


def tell_usage_error(part: Part, check: str, error: UsageError) -> Finding:
    """Tell an error whose words are `what is wrong (what would be right)`, or `what is wrong: what would be right`."""
    text, _, remedy = str(error).removesuffix(")").partition(" (")
    if not remedy:
        text, _, remedy = str(error).rpartition(": ")
    return failed(part, check, text or str(error), remedy or "correct it in the configuration")
