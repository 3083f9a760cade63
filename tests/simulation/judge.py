"""The judge of a simulated run: it knows the venue's truth and the journal's files, and believes nothing else.

It follows the journal as it grows, line by line, and holds every line against what is true at that instant.
"""

import os
from collections import Counter, deque
from decimal import Decimal
from pathlib import Path

import msgspec
from tests.simulation.editing import TIGHT_POSITION
from tests.simulation.plans import SYMBOLS
from tests.simulation.truth import Truth
from tradingd.core.books import Books
from tradingd.core.entries import HaltEngaged, HaltReleased, JournalEntry, OrderIntended, Snapshot
from tradingd.core.identifiers import EXTERNAL, ClientOrderId, ExecutionId, StrategyId, Symbol
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.order_state import NOT_AT_VENUE, OrderState, OrderStatus
from tradingd.core.orders import (
    ZERO,
    DenialCode,
    Order,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFilled,
    OrderModification,
    OrderRejected,
    Side,
)
from tradingd.core.plans.records import CLOSING, EXITS, Leg, TargetPosition
from tradingd.core.risk import reduces
from tradingd.core.venue_view import VenueFill, VenueOrderStatus
from tradingd.errors import TradingdError
from tradingd.journal.codec import GENESIS, LineDefect, decode
from tradingd.journal.segments import load

PACE_WINDOW_NS = 10 * NS_PER_SECOND
MAX_QUESTIONS = 100
PASSED_BY_REDUCTIONS = frozenset(
    {
        DenialCode.HALTED,
        DenialCode.SYMBOL_HALTED,
        DenialCode.ORDER_QUANTITY,
        DenialCode.ORDER_VALUE,
        DenialCode.POSITION_LIMIT,
        DenialCode.POSITION_VALUE,
        DenialCode.GROSS_EXPOSURE,
        DenialCode.BUYING_POWER,
        DenialCode.PRICE_MISSING,
        DenialCode.PRICE_STALE,
        DenialCode.PRICE_COLLAR,
        DenialCode.ORDER_IN_DOUBT,
    }
)
DOUBTFUL = (
    OrderStatus.PENDING_SUBMIT,
    OrderStatus.UNKNOWN,
    OrderStatus.PENDING_CANCEL,
    OrderStatus.PENDING_REPLACE,
)


class Breach(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, message: str) -> None:
        super().__init__(f"{invariant}: {message}")
        self.invariant = invariant


class JournalReader:
    """Follows a journal's files as they grow, and proves the chain."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segment = 0
        self._path: Path | None = None
        self._offset = 0
        self.seq = 0
        self._hash = GENESIS

    def new_entries(self) -> list[JournalEntry]:
        """Every whole line that came since the last call."""
        entries: list[JournalEntry] = []
        while True:
            if self._path is not None:
                entries += self._rest(self._path)
            found = next(self._folder.glob(f"{self._segment + 1:08d}-*.jsonl"), None)
            if found is None:
                return entries
            self._segment += 1
            self._path, self._offset = found, 0

    def _rest(self, path: Path) -> list[JournalEntry]:
        with path.open("rb", buffering=0) as file:
            data = os.pread(file.fileno(), 1 << 24, self._offset)
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        entries = []
        for line in whole.splitlines(keepends=True):
            record = decode(line, self.seq, self._hash)
            if isinstance(record, LineDefect):
                raise Breach("I10", f"{path.name}: {record.reason}")
            self.seq, self._hash = record.seq, record.hash.encode()
            entries.append(record.entry)
        return entries


class Judge:
    """Holds the journal against the truth."""

    def __init__(self, folder: Path, truth: Truth, *, tight: bool, outside_hands: bool) -> None:
        self._folder = folder
        self._truth = truth
        self._tight = tight
        self._outside_hands = outside_hands
        self._journal = JournalReader(folder)
        self.books = Books()
        self._booked: dict[ExecutionId, OrderFilled] = {}
        self._halted = False
        self._confirmed_seq = 0
        """The last durable entry by the time at which an operator's latest confirmed command was carried out."""
        self._submitted: dict[ClientOrderId, Order] = {}
        self._largest: dict[ClientOrderId, Decimal] = {}
        self._fills_read = 0
        self._true_fills: dict[ExecutionId, VenueFill] = {}
        self.entries: Counter[str] = Counter()
        self._named: dict[StrategyId, bool] = {}
        self._limit = TIGHT_POSITION
        self._asked: deque[int] = deque()

    # -- while it runs ------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Judge what the journal has gained."""
        for entry in self._journal.new_entries():
            self.entries[type(entry).__name__] += 1
            self._judge_entry(entry)

    def _judge_entry(self, entry: JournalEntry) -> None:
        if isinstance(entry, Snapshot):
            mine = msgspec.json.encode(self.books.snapshot())
            if mine != msgspec.json.encode(entry):
                raise Breach("I13", "a segment opens with a snapshot that is not the fold of what came before it")
        before = None
        name = getattr(entry, "client_order_id", None)
        if isinstance(name, str):
            before = self.books.orders.get(ClientOrderId(name))
        try:
            self.books.apply(entry)
        except TradingdError as error:
            raise Breach("I3", f"the journal does not fold: {error}") from error
        match entry:
            case HaltEngaged():
                self._halted = True
            case HaltReleased():
                self._halted = False
            case OrderFilled():
                self._judge_fill(entry)
            case OrderDenied():
                self._judge_denial(entry)
            case OrderRejected() | OrderCanceled() | OrderExpired():
                self._judge_end(entry)
            case _:
                pass
        if before is not None:
            after = self.books.orders.get(before.client_order_id)
            if after is not None:
                self._judge_progress(before, after)

    def _judge_denial(self, denial: OrderDenied) -> None:
        """A halt and a limit never hold back what can only bring the position nearer to zero."""
        order, portfolio = denial.order, self.books.portfolio
        held_back = [breach.code for breach in denial.breaches if breach.code in PASSED_BY_REDUCTIONS]
        if held_back and reduces(order, portfolio):
            raise Breach("I14", f"{order.client_order_id} can only reduce, and is denied by {', '.join(held_back)}")

    def _judge_fill(self, fill: OrderFilled) -> None:
        self._read_true_fills()
        true = self._true_fills.get(fill.execution_id)
        if true is None:
            raise Breach("I2", f"execution {fill.execution_id} of {fill.client_order_id} never happened")
        if fill.execution_id in self._booked:
            raise Breach("I8", f"execution {fill.execution_id} of {fill.client_order_id} is in the journal twice")
        self._booked[fill.execution_id] = fill
        leg = self._truth.leg(true.venue_order_id)
        assert leg is not None
        owner = self.books.orders.by_venue_id(true.venue_order_id)
        if leg.client_order_id != fill.client_order_id and (
            owner is None or owner.client_order_id != fill.client_order_id
        ):
            raise Breach("I8", f"execution {fill.execution_id} is booked on {fill.client_order_id}, not its order")
        if (fill.quantity, fill.price, fill.fee) != (true.quantity, true.price, true.fee):
            raise Breach("I2", f"execution {fill.execution_id} is booked with other figures than the venue's")

    def _read_true_fills(self) -> None:
        for fill in self._truth.fills[self._fills_read :]:
            self._true_fills[fill.execution_id] = fill
        self._fills_read = len(self._truth.fills)

    def _judge_end(self, end: OrderRejected | OrderCanceled | OrderExpired) -> None:
        true = self._truth.order(end.client_order_id)
        if true is None:
            return
        if true.status is VenueOrderStatus.WORKING or isinstance(end, OrderRejected):
            raise Breach(
                "I7", f"{type(end).__name__} for {end.client_order_id}, which at the venue is {true.status.value}"
            )

    def _judge_progress(self, before: OrderState, after: OrderState) -> None:
        # Two ends are this program's own conclusion, and evidence may undo them: see `order_state._proves_alive`.
        concluded = before.reject_code == NOT_AT_VENUE or (
            before.status is OrderStatus.FILLED and after.quantity > before.quantity
        )
        if before.is_terminal and after.status is not before.status and not concluded:
            raise Breach("I5", f"{before.client_order_id} went from {before.status} to {after.status}")
        if after.filled_quantity < before.filled_quantity:
            raise Breach("I5", f"{before.client_order_id} has less filled than before")
        over = after.filled_quantity - max(after.quantity, after.requested_quantity)
        true = self._truth.order(before.client_order_id)
        if over > 0 and not self._outside_hands and (true is None or true.filled_quantity <= true.quantity):
            raise Breach("I4", f"{before.client_order_id} is booked {over} above its quantity")

    def on_start(self, named: dict[StrategyId, bool], limit: int) -> None:
        """Take note of the file that a process has read: its strategies, and whether each is retired."""
        self._named, self._limit = named, limit

    def _judge_owner(self, order: Order) -> None:
        """No order of a strategy that the file does not name, and nothing opened by one that is retired."""
        owner, name = order.strategy_id, order.client_order_id
        if owner == EXTERNAL:
            return  # what nobody here has sent is closed by a flattening too
        if owner not in self._named:
            raise Breach("I16", f"{name} leaves for {owner}, which the file does not name")
        if self._named[owner] and not self._reduces_own(order):
            held = self.books.portfolio.quantity_of(owner, order.symbol)
            raise Breach("I16", f"{name} leaves for {owner}, which is retired and holds {held}: it could open")

    def on_submit(self, order: Order) -> None:
        """Judge an order at the instant at which its bytes leave."""
        self.follow()
        name = order.client_order_id
        if name in self._submitted:
            raise Breach("I1", f"{name} is sent twice")
        self._submitted[name] = order
        self._largest[name] = order.quantity
        state = self.books.orders.get(name)
        if state is None or not self.entries[OrderIntended.__name__]:
            raise Breach("I1", f"{name} leaves, and the journal holds no intent of it")
        if state.order != order:
            raise Breach("I6", f"{name} leaves with other terms than the journal's")
        self._judge_owner(order)
        self._judge_plan(order)
        if self._halted and not self._closes(order) and not self._reduces(order):
            raise Breach("I9", f"{name} leaves while trading is halted")
        if order.symbol in self.books.halted_symbols and not self._closes(order) and not self._reduces(order):
            raise Breach("I9", f"{name} leaves while {order.symbol} is halted, and does not reduce its position")
        self._judge_halted_parts(order)
        # A flattening closes each strategy's position by itself: where two are opposed the account passes its limit.
        if not self._closes(order) and not self._reduces(order):
            self._judge_exposure(order.symbol, order.side)

    def _judge_halted_parts(self, order: Order) -> None:
        """Of a halted part only reductions leave: of the strategy's position where a strategy is named."""
        if self._closes(order):
            return
        for scope in self.books.halted_scopes:
            if not scope.covers(order.strategy_id, order.symbol):
                continue
            passes = self._reduces(order) if scope.strategy_id is None else self._reduces_own(order)
            if not passes:
                raise Breach("I9", f"{order.client_order_id} leaves while {scope} is halted")

    def _reduces_own(self, order: Order) -> bool:
        """True when not even all open orders of its side take its strategy's position past zero."""
        held = self.books.portfolio.quantity_of(order.strategy_id, order.symbol)
        working = self.books.portfolio.open_exposure_of(order.strategy_id, order.symbol)
        promised = working.buy_quantity if order.side is Side.BUY else working.sell_quantity
        return promised <= -held * order.side.sign

    def on_question(self, now_ns: int) -> None:
        """Judge the pace of questions: a venue that is asked without pause answers none, nor takes a cancel."""
        self._asked.append(now_ns)
        while self._asked[0] < now_ns - PACE_WINDOW_NS:
            self._asked.popleft()
        if len(self._asked) > MAX_QUESTIONS:
            raise Breach("pace", f"{len(self._asked)} questions within {PACE_WINDOW_NS // NS_PER_SECOND} s")

    def _closes(self, order: Order) -> bool:
        """True for an order of a flattening, which passes a halt because all it does is close a position."""
        held = self.books.portfolio.quantity_of(order.strategy_id, order.symbol)
        return order.trace_id.startswith("flatten/") and order.side.sign * order.quantity == -held

    def _judge_plan(self, order: Order) -> None:
        """One exit of a plan works at a time, and no more is entered than the plan says."""
        name, states = order.client_order_id, self.books.orders.of_plan(order.plan_id)
        if order.leg in EXITS:
            for state in states:
                if state.order.leg in EXITS and not state.is_terminal and state.client_order_id != name:
                    raise Breach("I6", f"{name} leaves beside {state.client_order_id}, another exit of its plan")
            return
        plan = self.books.plans.get(order.plan_id)
        if plan is None or order.leg in CLOSING or order.leg == Leg.THEN:
            return
        if isinstance(plan.plan.method, TargetPosition):
            self._judge_target(order, plan.plan.method.goal)
            return
        entries = [state for state in states if state.order.leg not in CLOSING | {Leg.THEN}]
        sent = sum((state.filled_quantity + state.open_quantity for state in entries), ZERO)
        if sent > plan.plan.quantity and not self._outside_hands:
            raise Breach("I4", f"{name} leaves, and its plan is to enter {plan.plan.quantity} in all")

    def _judge_target(self, order: Order, goal: Decimal) -> None:
        """A target is never overshot: not even with all that works beside its order filled as well."""
        held = self.books.portfolio.quantity_of(order.strategy_id, order.symbol)
        mine = [
            state
            for state in self.books.orders.open
            if (state.order.strategy_id, state.order.symbol) == (order.strategy_id, order.symbol)
            and state.order.side is order.side
        ]
        entries = sum((state.open_quantity for state in mine if state.order.leg not in CLOSING), ZERO)
        everything = sum((state.open_quantity for state in mine), ZERO)
        sign, name = order.side.sign, order.client_order_id
        stretch = ZERO if held * goal < 0 else goal
        if (held + entries * sign - stretch) * sign > 0:
            raise Breach("I15", f"{name} leaves for a target of {goal}: {held} and {entries} more would pass it")
        if held * sign < 0 and everything > abs(held):
            raise Breach("I15", f"{name} leaves for a target of {goal}: with every exit it would turn {held} round")

    def _reduces(self, order: Order) -> bool:
        """True when not even all open orders of its side together take the position past zero."""
        held = self.books.portfolio.quantity(order.symbol)
        reserved = self.books.portfolio.open_exposure(order.symbol)
        if order.side is Side.BUY:
            return reserved.buy_quantity <= -held
        return reserved.sell_quantity <= held

    def on_modify(self, order: Order, details: OrderModification) -> None:
        """Judge new terms at the instant at which they leave."""
        self.follow()
        name = order.client_order_id
        state = self.books.orders.get(name)
        grows = details.quantity is not None and (state is None or details.quantity > state.quantity)
        if self._halted and not self._reduces(order) and (grows or order.leg not in CLOSING):
            raise Breach("I9", f"new terms of {name} leave while trading is halted")
        if name in self._largest and details.quantity is not None:
            self._largest[name] = max(self._largest[name], details.quantity)
        self._judge_exposure(order.symbol, order.side)

    def _judge_exposure(self, symbol: Symbol, side: Side) -> None:
        """The worst that an order could add to, by the venue's truth, is inside the limit: on its own side."""
        if not self._tight:
            return
        longest = shortest = self._truth.quantity(symbol)
        for name, order in self._submitted.items():
            if order.symbol != symbol:
                continue
            open_quantity = self._could_fill(name)
            if order.side is Side.BUY:
                longest += open_quantity
            else:
                shortest -= open_quantity
        if (longest if side is Side.BUY else -shortest) > self._limit:
            raise Breach("I12", f"{symbol} could come to {longest} or {shortest}; the limit is {self._limit}")

    def _could_fill(self, name: ClientOrderId) -> Decimal:
        true = self._truth.order(name)
        state = self.books.orders.get(name)
        if true is None:
            gone = state is None or state.is_terminal
            return ZERO if gone else self._largest[name]
        if true.status is not VenueOrderStatus.WORKING:
            return ZERO
        return true.quantity - true.filled_quantity

    def on_confirmed(self, seq: int) -> None:
        """An operator hears that a command is done; `seq` is the last durable entry when it was carried out."""
        self._confirmed_seq = seq

    def rewind(self) -> None:
        """Read the journal anew after a power cut: of its last lines only those are left that had to be."""
        self._journal = JournalReader(self._folder)
        self.books, self._halted = Books(), False
        self._booked.clear()
        self.follow()
        lost = [name for name in self._submitted if name not in self.books.orders]
        if lost:
            raise Breach("I1", f"{', '.join(lost)} had left, and the power cut took the intent")
        if self._journal.seq < self._confirmed_seq:
            raise Breach("I9", "the power cut took what an operator had been told is done")

    # -- at crashes and at the end ------------------------------------------------------------------------------------

    def compare_books(self, live: Books) -> None:
        """The live books are the fold of the journal."""
        self.follow()
        folded, _ = load(self._folder)
        if msgspec.json.encode(folded.snapshot()) != msgspec.json.encode(live.snapshot()):
            raise Breach("I13", f"the live books are not the fold of the journal: {_difference(folded, live)}")
        if folded.portfolio.reserved_value() != live.portfolio.reserved_value():
            raise Breach("I13", "live reservations are not those of the fold")

    def settled(self) -> str | None:
        """Why the journal does not say what the venue says, None when it does."""
        self.follow()
        books, truth = self.books, self._truth
        doubtful = [f"{s.client_order_id} {s.status}" for s in books.orders.open if s.status in DOUBTFUL]
        if doubtful:
            return f"in doubt: {', '.join(doubtful)}"
        journaled = {
            str(state.venue_order_id): (
                state.quantity,
                state.filled_quantity,
                state.terms.limit_price,
                state.order.side,
                state.order.symbol,
            )
            for state in books.orders.open
        }
        working = {
            str(order.venue_order_id): (
                order.quantity,
                order.filled_quantity,
                order.terms.limit_price,
                order.side,
                order.symbol,
            )
            for order in truth.working()
        }
        if journaled != working:
            return f"open in the journal {journaled}, at the venue {working}"
        for symbol in SYMBOLS:
            if books.portfolio.quantity(symbol) != truth.quantity(symbol):
                return f"{symbol}: {books.portfolio.quantity(symbol)} booked, {truth.quantity(symbol)} at the venue"
        if books.portfolio.cash != truth.cash:
            return f"cash: {books.portfolio.cash} booked, {truth.cash} at the venue"
        return None

    def judge_end(self) -> None:
        """Every execution of ours is booked once, on the strategy that it belongs to."""
        self._read_true_fills()
        own: dict[tuple[StrategyId, Symbol], Decimal] = {}
        for fill in self._true_fills.values():
            leg = self._truth.leg(fill.venue_order_id)
            assert leg is not None
            order = self._submitted.get(leg.client_order_id)
            if order is None:
                continue
            if fill.execution_id not in self._booked:
                raise Breach("I8", f"execution {fill.execution_id} of {leg.client_order_id} is not in the journal")
            state = self.books.orders.get(order.client_order_id)
            assert state is not None
            key = (state.order.strategy_id, order.symbol)  # it may have been handed over since
            own[key] = own.get(key, ZERO) + fill.quantity * fill.side.sign
        owners = {owner for owner, _ in [*own, *self.books.portfolio.lines]} - {EXTERNAL}
        for strategy_id in sorted(owners):
            for symbol in SYMBOLS:
                booked = self.books.portfolio.quantity_of(strategy_id, symbol)
                true = own.get((strategy_id, symbol), ZERO)
                if booked != true:
                    raise Breach("I2", f"{strategy_id} holds {true} {symbol} by its executions, {booked} by the books")
        if not self._outside_hands:
            for (strategy_id, symbol), position in self.books.portfolio.lines.items():
                if strategy_id == EXTERNAL and position.quantity:
                    raise Breach("I2", f"{position.quantity} {symbol} is booked as somebody else's")
            if self.books.portfolio.totals.adjustments:
                raise Breach("I3", f"{self.books.portfolio.totals.adjustments} was adjusted though nobody moved money")
        try:
            self.books.portfolio.check()
        except TradingdError as error:
            raise Breach("I3", str(error)) from error


def _difference(folded: Books, live: Books) -> str:
    """The parts of two snapshots that differ, for a person."""
    ours, theirs = folded.snapshot(), live.snapshot()
    for name in ours.__struct_fields__:
        left, right = getattr(ours, name), getattr(theirs, name)
        if left != right:
            if name == "orders":
                for one, other in zip(left, right, strict=False):
                    if one != other:
                        return f"folded {one}, live {other}"
            return f"{name}: folded {left}, live {right}"
    return "the order of something"
