"""Execution cases: connecting, and what an account says of itself."""

from decimal import Decimal

from tradingd.core.broker_events import OrderStreamUp
from tradingd.core.broker_model import Figure
from tradingd.core.identifiers import Symbol
from tradingd.core.orders import OrderType
from tradingd.errors import CredentialsRefused, UsageError
from tradingd.runtime.kill_switch import KillSwitch
from tradingd.tools.conform.bench import Bench
from tradingd.tools.conform.capabilities import Capability
from tradingd.tools.conform.case import CaseList, Chapter
from tradingd.tools.conform.record import Failed, check, same

NOWHERE = Symbol("ZZQQX")
"""Spelt as a share and traded nowhere."""

C = Capability

case: CaseList[Bench] = CaseList(Chapter.CONNECT)


@case("E01", "connect names the account, and whether real money is at stake")
async def account_is_named(bench: Bench) -> None:
    account = bench.account
    check(bool(account.account_id), "the account has no id")
    same(account.account_kind, bench.harness.account_kind, "the kind of account")
    check(len(account.currency) == 3 and account.currency.isupper(), f"{account.currency!r} is no currency")
    await bench.restart()
    same(bench.account.account_id, account.account_id, "the account id at the second connect")


@case("E02", "the account's figures are finite, and its buying power is no less than nothing")
async def figures_are_finite(bench: Bench) -> None:
    for account in (bench.account, bench.before.account):
        for name in ("cash", "equity", "buying_power", "multiplier"):
            value = getattr(account, name)
            check(isinstance(value, Decimal) and value.is_finite(), f"{name} is {value!r}, no finite Decimal")
        check(account.buying_power >= 0, f"the buying power is {account.buying_power}")
        check(account.multiplier >= 1, f"the multiplier is {account.multiplier}")


@case("E03", "connect learns the steps of every symbol that it was asked for")
async def instruments_are_learnt(bench: Bench) -> None:
    for symbol in bench.harness.symbols:
        instrument = bench.adapter.instruments.get(symbol)
        if instrument is None:
            raise Failed(f"nothing was learnt of {symbol}")
        same(instrument.symbol, symbol, "the instrument's symbol")
        check(instrument.tradable, f"{symbol} is not tradable")
        check(instrument.tick(bench.prices.mid) > 0, f"{symbol} has no tick")
        check(instrument.quantity_increment > 0, f"{symbol} has no lot")
        check(instrument.min_quantity >= 0, f"{symbol} has the least quantity {instrument.min_quantity}")


@case("E04", "the order stream says once that it is up, before anything else is reported")
async def stream_is_up(bench: Bench) -> None:
    await bench.settle()
    check(isinstance(bench.events.all[0], OrderStreamUp), f"the first event is {bench.events.all[0]}")
    same(bench.count(OrderStreamUp), 1, "the number of times that the stream came up")


@case("E05", "the broker's model takes limit and market orders of what it trades, and says what of them can change")
async def model_fits(bench: Bench) -> None:
    model = bench.adapter.model
    check(bool(model.name), "the model has no name")
    for symbol in bench.harness.symbols:
        rules = model.by_class.get(bench.adapter.instruments[symbol].asset_class)
        if rules is None:
            raise Failed(f"the model says nothing of the asset class of {symbol}")
        kinds = {kind for kind, _ in rules.pairs}
        check({OrderType.MARKET, OrderType.LIMIT} <= kinds, f"the model takes only {sorted(kinds)} of {symbol}")
        check(rules.replaceable <= set(Figure), f"the model changes {rules.replaceable}")
        check(rules.extended_hours <= rules.pairs, "the model takes in extended hours what it does not take otherwise")
        check(rules.fractional <= rules.pairs, "the model takes in fractions what it does not take otherwise")


@case(
    "E06",
    "connecting with a symbol that the venue does not know is refused, and the refusal names it",
    C.SYMBOL_DIRECTORY,
)
async def unknown_symbol_is_refused(bench: Bench) -> None:
    await bench.leave()
    adapter = bench.harness.make_adapter(
        lambda event: None,
        lambda name: False,
        KillSwitch(),
        on_problem=lambda _, text: None,
        failure=bench.note_failure,
    )
    try:
        await adapter.connect([bench.symbol, NOWHERE])
    except UsageError as error:
        check(NOWHERE in str(error), f"the refusal does not name {NOWHERE}: {error}")
    else:
        raise Failed(f"connect took {NOWHERE}")
    finally:
        await adapter.close()


@case("E07", "wrong keys are refused as such at connect, and their text is not repeated", C.STRANGER)
async def wrong_keys_are_refused(bench: Bench) -> None:
    stranger = bench.harness.make_stranger(lambda event: None)
    try:
        await stranger.connect(bench.harness.symbols)
    except CredentialsRefused as error:
        check("not-the-secret" not in str(error), f"the refusal repeats the secret: {error}")
    else:
        raise Failed("connect went through with wrong keys")
    finally:
        await stranger.close()


@case("E08", "an adapter that was never used closes without a word")
async def unused_adapter_closes(bench: Bench) -> None:
    heard: list[object] = []
    await bench.leave()
    adapter = bench.harness.make_adapter(
        heard.append,
        lambda name: False,
        KillSwitch(),
        on_problem=lambda _, text: heard.append(text),
        failure=bench.note_failure,
    )
    await adapter.close()
    same(heard, [], "what it reported")
