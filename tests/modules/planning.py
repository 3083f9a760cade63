"""A desk for tests of plans: restarted after each step if need be, its orders told by their legs."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tests.modules.acting import Acting
from tests.modules.desk import ABC, ONE, Desk
from tradingd.brokers.alpaca.model import paper_venue_model
from tradingd.core.broker_model import BrokerModel
from tradingd.core.market import QuoteTick, TradeTick
from tradingd.core.order_state import OrderState, OrderStatus
from tradingd.core.orders import DenialCode, OrderDenied

D = Decimal
S = OrderStatus
RISK = "[risk]\nprice_collar_pct = 50\nmax_position_value = 100000\nmax_order_value = 100000\n"
ALPACA = paper_venue_model(always_open=True)

Action = Callable[[Acting], None]


class Trading:
    """A desk that may be restarted after each step, and what its orders are."""

    def __init__(
        self, folder: Path, *, restarts: bool = False, model: BrokerModel = ALPACA, config: str = RISK
    ) -> None:
        self.desk = Desk(folder, config)
        self.desk.broker.model = model
        self.desk.open()
        self.restarts = restarts
        self.market: list[QuoteTick | TradeTick] = []
        """The last quote and the last print: what a feed shows first after a restart."""
        self.see(quote_of(self.desk, 99.5, 100.5))

    def step(self) -> None:
        self.desk.check()
        if self.restarts:
            self.desk = self.desk.again()
            self.desk.stream_up()
            for event in self.market:
                self.desk.modules.data.ingest(event)
            self.desk.pump()
            self.desk.wait(1)
            self.desk.check()

    def act(self, action: Action) -> None:
        self.desk.act(action)
        self.step()

    def see(self, event: QuoteTick | TradeTick) -> None:
        if not isinstance(event, TradeTick) or event.size >= 1000:  # a small one would fill again
            self.market = [other for other in self.market if type(other) is not type(event)] + [event]
        self.desk.modules.data.ingest(event)
        self.desk.pump()

    def quote(self, bid: float, ask: float) -> None:
        self.see(quote_of(self.desk, bid, ask))
        self.step()

    def print(self, price: float, size: float = 1000) -> None:
        now = self.desk.clock.now_ns()
        self.see(TradeTick(symbol=ABC, price=float(price), size=float(size), ts_event=now, ts_recv=now))
        self.step()

    def wait(self, seconds: float) -> None:
        self.desk.wait(seconds)
        self.step()

    @property
    def legs(self) -> list[tuple[str, str, str, OrderStatus]]:
        """Each order of a plan: its leg, its quantity, what of it filled, its status."""
        return [
            (state.order.leg, plain(state.quantity), plain(state.filled_quantity), state.status)
            for state in self.desk.books.orders
            if state.order.plan_id
        ]

    def leg(self, name: str) -> OrderState:
        return [state for state in self.desk.books.orders if state.order.leg == name][-1]

    @property
    def now(self) -> int:
        return self.desk.clock.now_ns()

    @property
    def position(self) -> Decimal:
        return self.desk.books.portfolio.quantity_of(ONE, ABC)

    @property
    def is_over(self) -> bool:
        """True when nothing is held and nothing is being worked on."""
        return self.position == 0 and self.plans == 0

    @property
    def plans(self) -> int:
        return len(self.desk.books.plans)

    def denials(self) -> list[DenialCode]:
        kind, report = self.desk.strategy().heard[-1]
        assert isinstance(report, OrderDenied), kind
        return [breach.code for breach in report.breaches]


def plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def quote_of(desk: Desk, bid: float, ask: float) -> QuoteTick:
    now = desk.clock.now_ns()
    return QuoteTick(
        symbol=ABC, bid=float(bid), ask=float(ask), bid_size=1000, ask_size=1000, ts_event=now, ts_recv=now
    )


def bracket(strategy: Acting) -> None:
    strategy.buy(ABC, D(10), take_profit=D(110), stop_loss=D(95))
