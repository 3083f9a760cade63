"""The account and its strategies over a span: what adds up, over any journal."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import ABC, S1, S2, XYZ, account_opened, filled, order
from tradingd.core.account_history import AccountFold, AccountHistory, utc_day
from tradingd.core.coin_fees import COIN_FEE_CAUSE, SALE_FEE_CAUSE
from tradingd.core.entries import (
    CashAdjusted,
    EquitySampled,
    JournalEntry,
    OrderIntended,
    PositionAdjusted,
    StrategyTransferred,
)
from tradingd.core.identifiers import ClientOrderId, ExecutionId, StrategyId, Symbol
from tradingd.core.orders import FeeReported, Side
from tradingd.core.performance import PerformanceReportData, measure

D = Decimal
CENT = D("0.01")
Journal: TypeAlias = list[tuple[int, JournalEntry]]


def fill(
    number: int,
    side: Side,
    quantity: str,
    price: str,
    fee: str = "0",
    *,
    strategy: StrategyId = S1,
    symbol: Symbol = ABC,
    pending: bool = False,
) -> list[JournalEntry]:
    """One order and the one execution of it."""
    name = f"{strategy}-{number}"
    report = filled(quantity, price, order_id=name, execution=f"e{number}", fee=fee, ts=number)
    return [
        OrderIntended(order=order(name, side, quantity, symbol=symbol, strategy=strategy)),
        msgspec.structs.replace(report, fee_pending=pending),
    ]


def sample(fold: AccountFold, ts: int, marks: dict[Symbol, float]) -> EquitySampled:
    """What a daemon would write of the account at these prices."""
    portfolio = fold.books.portfolio
    portfolio.marks.update(marks)
    gross, net = portfolio.exposure()
    held = {symbol: mark for symbol, mark in marks.items() if portfolio.quantity(symbol)}
    return EquitySampled(ts=ts, equity=portfolio.equity(), cash=portfolio.cash, gross=gross, net=net, marks=held)


def folded(journal: Journal, start: int = 0, end: int = 1 << 62) -> AccountHistory:
    fold = AccountFold(start, end)
    for ts, entry in journal:
        fold.take(ts, entry)
    return fold.finish()


def measured(history: AccountHistory) -> PerformanceReportData:
    return measure(history, day_of=utc_day)


def timed(*groups: list[JournalEntry]) -> Journal:
    """Each group one nanosecond after the one before."""
    return [(number, entry) for number, group in enumerate(groups) for entry in group]


def test_a_position_that_was_opened_before_the_span_is_closed_at_its_real_entry() -> None:
    journal = timed([account_opened()], fill(1, Side.BUY, "10", "100", "1"), fill(2, Side.SELL, "10", "103", "1"))
    history = folded(journal, start=2)
    (trip,) = history.account.round_trips
    assert (trip.side, trip.entry_price, trip.exit_price, trip.net) == (Side.BUY, D(100), D(103), D(28))
    assert len(history.account.trades) == 1
    report = measured(history)
    assert (report.account.profit, report.account.realised, report.account.fees) == (D(29), D(30), D(1))
    assert report.account.unrealised == 0


def test_a_strategys_curve_has_what_its_open_position_is_worth() -> None:
    fold = AccountFold(0, 1 << 62)
    for ts, entry in timed([account_opened()], fill(1, Side.BUY, "10", "100", "1")):
        fold.take(ts, entry)
    fold.take(5, sample(fold, 5, {ABC: 104.5}))
    report = measured(fold.finish())
    (section,) = report.strategies
    assert (section.profit, section.realised, section.unrealised, section.fees) == (D(44), D(0), D(45), D(1))
    assert report.account.profit == D(44)


def test_the_account_is_valued_at_each_fill() -> None:
    journal = timed([account_opened()], fill(1, Side.BUY, "10", "100"), fill(2, Side.BUY, "1", "90"))
    assert measured(folded(journal)).account.profit == D(-100)


def test_what_is_found_at_the_opening_was_there_before() -> None:
    found = PositionAdjusted(strategy_id=S1, symbol=ABC, quantity=D(10), price=D(100), cause="x")
    account = measured(folded(timed([account_opened()], [found], fill(2, Side.BUY, "1", "100")))).account
    assert (account.flows, account.profit) == (D(0), D(0))


def test_a_flow_is_no_profit_and_a_fee_in_coin_is_a_fee_of_who_paid_it() -> None:
    taken = PositionAdjusted(strategy_id=S1, symbol=ABC, quantity=D("-0.1"), price=D(100), cause=COIN_FEE_CAUSE)
    journal = timed(
        [account_opened()],
        fill(1, Side.BUY, "10", "100"),
        [CashAdjusted(amount=D(-500), cause="x")],
        [taken],
        [CashAdjusted(amount=D(-3), cause=SALE_FEE_CAUSE)],
    )
    report = measured(folded(journal))
    assert (report.account.flows, report.account.profit, report.account.fees) == (D(-500), D(-13), D(13))
    (section,) = report.strategies
    assert (section.profit, section.fees) == (D(-10), D(10))


def test_a_fee_that_is_told_later_is_a_fee_of_its_trade() -> None:
    late = FeeReported(
        client_order_id=ClientOrderId("s1-1"), execution_id=ExecutionId("e1"), fee=D("0.35"), ts_event=2, ts_recv=2
    )
    history = folded(timed([account_opened()], fill(1, Side.BUY, "10", "100", pending=True), [late]))
    assert [trade.fee for trade in history.account.trades] == [D("0.35")]
    assert measured(history).account.profit == D("-0.35")


def test_what_was_handed_over_is_the_other_strategys_from_its_beginning() -> None:
    journal = timed(
        [account_opened()],
        fill(1, Side.BUY, "10", "100", "1"),
        [StrategyTransferred(source=S1, target=S2, operator="me")],
        fill(3, Side.SELL, "10", "103", "1", strategy=S2),
    )
    report = measured(folded(journal))
    (section,) = report.strategies
    assert (section.name, section.profit, section.statistics.round_trips) == (S2, D(28), 1)
    assert report.account.profit == D(28)


amounts = st.decimals("0.001", "50", places=3)
prices = st.decimals("0.5", "500", places=4)
fees = st.decimals(0, 3, places=4)
sides, names, symbols = st.sampled_from(list(Side)), st.sampled_from([S1, S2]), st.sampled_from([ABC, XYZ])
acts = st.one_of(
    st.tuples(st.just("fill"), sides, names, symbols, amounts, prices, fees),
    st.tuples(st.just("cash"), st.decimals(-5000, 5000, places=2), st.sampled_from(["x", SALE_FEE_CAUSE])),
    st.tuples(st.just("position"), names, symbols, st.decimals(-20, 20, places=3), prices),
    st.tuples(st.just("coin"), names, symbols, st.decimals("0.001", "0.5", places=3), prices),
    st.tuples(st.just("sample"), prices, prices),
    st.tuples(st.just("transfer"), names),
)


def build(steps: list[tuple[object, ...]]) -> Journal:
    """A journal of what happened, with samples that a daemon would have taken."""
    journal: Journal = [(0, account_opened())]
    shadow = AccountFold(0, 1 << 62)
    shadow.take(*journal[0])
    for number, step in enumerate(steps, start=1):
        entries: list[JournalEntry]
        match step:
            case ("fill", Side() as side, name, symbol, Decimal() as quantity, Decimal() as price, Decimal() as fee):
                entries = fill(
                    number,
                    side,
                    str(quantity),
                    str(price),
                    str(fee),
                    strategy=StrategyId(str(name)),
                    symbol=Symbol(str(symbol)),
                )
            case ("cash", Decimal() as amount, str() as cause):
                entries = [CashAdjusted(amount=amount, cause=cause)]
            case ("position", name, symbol, Decimal() as quantity, Decimal() as price):
                owner, what = StrategyId(str(name)), Symbol(str(symbol))
                moved = PositionAdjusted(strategy_id=owner, symbol=what, quantity=quantity, price=price, cause="x")
                entries = [moved] if quantity else []
            case ("coin", name, symbol, Decimal() as quantity, Decimal() as price):
                entries = [
                    PositionAdjusted(
                        strategy_id=StrategyId(str(name)),
                        symbol=Symbol(str(symbol)),
                        quantity=-quantity,
                        price=price,
                        cause=COIN_FEE_CAUSE,
                    )
                ]
            case ("sample", Decimal() as one, Decimal() as other):
                entries = [sample(shadow, number, {ABC: float(one), XYZ: float(other)})]
            case (_, source):
                other_one = S2 if source == S1 else S1
                entries = [StrategyTransferred(source=StrategyId(str(source)), target=other_one, operator="me")]
        for entry in entries:
            shadow.take(number, entry)
            journal.append((number, entry))
    return journal


@given(st.lists(acts, min_size=1, max_size=25), st.integers(0, 12), st.integers(8, 40))
def test_over_any_journal_every_column_adds_up_to_the_cent(
    steps: list[tuple[object, ...]], start: int, end: int
) -> None:
    report = measured(folded(build(steps), start, max(end, start + 1)))
    for section in (report.account, *report.strategies):
        if section.profit is None:
            continue
        assert section.starting_equity is not None
        assert section.unrealised is not None
        assert section.profit == section.realised + section.unrealised - section.fees
        assert section.ending_equity == section.starting_equity + section.flows + section.profit
        for value in (section.profit, section.realised, section.unrealised, section.fees, section.flows):
            assert value == value.quantize(CENT)


@given(st.lists(acts, min_size=1, max_size=25))
def test_the_strategies_add_up_to_the_account(steps: list[tuple[object, ...]]) -> None:
    # Each symbol has traded: without any price a position counts at its cost, which handing it over may change.
    priced: list[tuple[object, ...]] = [("fill", Side.BUY, S1, symbol, D(1), D(100), D(0)) for symbol in (ABC, XYZ)]
    report = measured(folded(build([*priced, *steps])))
    if report.account.profit is None:
        return
    unowned = report.account.fees - sum((section.fees for section in report.strategies), D(0))
    parts = sum((section.profit or D(0) for section in report.strategies), D(0)) - unowned
    assert abs(parts - report.account.profit) <= CENT * (len(report.strategies) + 2)


class Ledger:
    """The books as a person would keep them: average cost, in fractions, and the last price that was seen."""

    def __init__(self) -> None:
        self.held: defaultdict[tuple[object, object], Fraction] = defaultdict(Fraction)
        self.cost: defaultdict[tuple[object, object], Fraction] = defaultdict(Fraction)
        self.realised: defaultdict[object, Fraction] = defaultdict(Fraction)
        self.fees: defaultdict[object, Fraction] = defaultdict(Fraction)
        self.last: dict[object, Fraction] = {}

    def trade(self, name: object, symbol: object, signed: Fraction, price: Fraction) -> None:
        key = name, symbol
        held = self.held[key]
        closes = min(abs(held), abs(signed)) if held * signed < 0 else Fraction(0)
        if closes:
            sign = 1 if held > 0 else -1
            average = self.cost[key] / held
            self.realised[name] += sign * closes * (price - average)
            self.cost[key] -= sign * closes * average
        opens = abs(signed) - closes
        self.cost[key] += opens * price * (1 if signed > 0 else -1)
        self.held[key] += signed

    def take(self, step: tuple[object, ...]) -> None:
        match step:
            case ("fill", Side() as side, name, symbol, Decimal() as quantity, Decimal() as price, Decimal() as fee):
                sign = 1 if side is Side.BUY else -1
                self.trade(name, symbol, sign * Fraction(quantity), Fraction(price))
                self.fees[name] += Fraction(fee)
                self.last[symbol] = Fraction(price)
            case ("cash", Decimal() as amount, cause):
                self.fees["nobody"] -= Fraction(amount) if cause == SALE_FEE_CAUSE else 0
            case ("position", name, symbol, Decimal() as quantity, Decimal() as price):
                self.trade(name, symbol, Fraction(quantity), Fraction(price))
            case ("sample", Decimal() as one, Decimal() as other):
                for symbol, price in ((ABC, one), (XYZ, other)):
                    if sum(held for (_, what), held in self.held.items() if what == symbol):
                        self.last[symbol] = Fraction(price)

    def figures(self) -> dict[object, tuple[Fraction, Fraction, Fraction]]:
        """Realised, unrealised and fees of each strategy, and of the account."""
        unrealised: defaultdict[object, Fraction] = defaultdict(Fraction)
        for (name, symbol), held in self.held.items():
            unrealised[name] += held * self.last.get(symbol, Fraction(0)) - self.cost[name, symbol]
        names = (S1, S2, "nobody")
        found: dict[object, tuple[Fraction, Fraction, Fraction]] = {
            name: (self.realised[name], unrealised[name], self.fees[name]) for name in names
        }
        one, two, three = (sum((found[name][index] for name in names), Fraction(0)) for index in range(3))
        return {**found, "account": (one, two, three)}


owned = st.one_of(
    st.tuples(st.just("fill"), sides, names, symbols, amounts, prices, fees),
    st.tuples(st.just("cash"), st.decimals(-5000, 5000, places=2), st.sampled_from(["x", SALE_FEE_CAUSE])),
    st.tuples(st.just("position"), names, symbols, st.decimals(-20, 20, places=3), prices),
    st.tuples(st.just("sample"), prices, prices),
)


@given(st.lists(owned, min_size=1, max_size=20), st.integers(0, 12), st.integers(8, 40))
def test_each_figure_of_each_column_is_what_a_second_ledger_comes_to(
    steps: list[tuple[object, ...]], start: int, end: int
) -> None:
    # Realised, unrealised and fees are worked out here from the entries alone, so that their sum says something.
    first: list[tuple[object, ...]] = [("fill", Side.BUY, S1, symbol, D(1), D(100), D(0)) for symbol in (ABC, XYZ)]
    everything = [*first, *steps]
    report = measured(folded(build(everything), start, max(end, start + 1)))
    ledger = Ledger()
    before = ledger.figures()
    for number, step in enumerate(everything, start=1):
        if number == start:
            before = ledger.figures()
        if number < max(end, start + 1):
            ledger.take(step)
    if report.account.profit is None:
        return
    after = ledger.figures()
    for section in (report.account, *report.strategies):
        assert section.profit is not None
        assert section.unrealised is not None
        realised, unrealised, paid = (
            now - then for now, then in zip(after[section.name], before[section.name], strict=True)
        )
        assert abs(Fraction(section.realised) - realised) <= Fraction("0.0051")
        assert abs(Fraction(section.fees) - paid) <= Fraction("0.0051")
        assert abs(Fraction(section.profit) - (realised + unrealised - paid)) <= Fraction("0.021")
        assert abs(Fraction(section.unrealised) - unrealised) <= Fraction("0.031")
