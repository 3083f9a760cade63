"""Account, positions and equity history as clients ask for them.

Reads the account, the desk and the store; writes equity samples. Money is exact until it is put into words.
"""

import re
from decimal import Decimal

from tradingd.core.accounting import EXACT, Position
from tradingd.core.identifiers import Symbol
from tradingd.core.market import DAY_NS, MINUTE_NS, NS_PER_SECOND
from tradingd.core.orders import ZERO
from tradingd.core.sessions import new_york_date, next_new_york_midnight
from tradingd.settings.venue import VenueSettings
from tradingd.venue.account import Account, exact
from tradingd.venue.assets import Asset, AssetDirectory
from tradingd.venue.bars import BarKeeper, parse_timeframe
from tradingd.venue.errors import Refusal, not_found, unprocessable
from tradingd.venue.intake import OrderBody
from tradingd.venue.orders import OrderDesk
from tradingd.venue.store import VenueStore
from tradingd.venue.wire import decimal_text, ratio_text, time_text

_MINUTE_SAMPLES_KEPT_NS = 8 * DAY_NS
_NINE_PLACES = Decimal("0.000000001")
_HUNDRED = Decimal(100)
_PERIOD = re.compile(r"(\d{1,3})([DWMA])", re.IGNORECASE | re.ASCII)
_PERIOD_DAYS = {"D": 1, "W": 7, "M": 30, "A": 365}


class Portfolio:
    """The account as one sees it."""

    def __init__(
        self,
        *,
        settings: VenueSettings,
        account: Account,
        desk: OrderDesk,
        assets: AssetDirectory,
        store: VenueStore,
        bars: BarKeeper,
    ) -> None:
        self._settings = settings
        self._account = account
        self._desk = desk
        self._assets = assets
        self._store = store
        self._bars = bars
        meta = store.meta()
        self.account_id = meta["account_id"]
        self._number = meta["account_number"]
        self._created_at = int(meta["created_at"])
        self._starting_cash = Decimal(meta["starting_cash"])
        self._sampled = 0

    # -- the account --------------------------------------------------------------------------------------------------

    def account_json(self, now: int) -> dict[str, object]:
        """Describe the account."""
        figures = self._desk.admission.figures()
        last_equity = self._last_equity(now)
        text = decimal_text
        return {
            "id": self.account_id,
            "account_number": self._number,
            "status": "ACTIVE",
            "crypto_status": "ACTIVE",
            "currency": "USD",
            "cash": text(figures.cash),
            "equity": text(figures.equity),
            "portfolio_value": text(figures.equity),
            "last_equity": text(last_equity),
            "buying_power": text(figures.buying_power),
            "effective_buying_power": text(figures.buying_power),
            "regt_buying_power": text(figures.regt_buying_power),
            "daytrading_buying_power": text(figures.buying_power if self._settings.multiplier == 4 else ZERO),
            "non_marginable_buying_power": text(figures.non_marginable_buying_power),
            "options_buying_power": "0",
            "long_market_value": text(figures.long_market_value),
            "short_market_value": text(figures.short_market_value),
            "position_market_value": text(EXACT.add(figures.long_market_value, figures.short_market_value)),
            "initial_margin": text(figures.initial_margin),
            "maintenance_margin": text(figures.maintenance_margin),
            "last_maintenance_margin": "0",
            "sma": text(figures.equity),
            "multiplier": str(self._settings.multiplier),
            "accrued_fees": "0",
            "pending_transfer_in": "0",
            "pending_transfer_out": "0",
            "pending_reg_taf_fees": "0",
            "intraday_adjustments": "0",
            "balance_asof": new_york_date(now).isoformat(),
            "created_at": time_text(self._created_at),
            "trading_blocked": False,
            "transfers_blocked": False,
            "account_blocked": False,
            "trade_suspended_by_user": False,
            "shorting_enabled": self._shorting,
            "pattern_day_trader": False,
            "daytrade_count": 0,
            "options_approved_level": 0,
            "options_trading_level": 0,
            "crypto_tier": 1,
        }

    @property
    def _shorting(self) -> bool:
        return self._settings.shorting_enabled and self._settings.multiplier > 1

    def configurations_json(self) -> dict[str, object]:
        """Describe the account's configuration."""
        return {
            "dtbp_check": "entry",
            "pdt_check": "entry",
            "fractional_trading": True,
            "max_margin_multiplier": str(self._settings.multiplier),
            "no_shorting": not self._shorting,
            "suspend_trade": False,
            "trade_confirm_email": "none",
            "ptp_no_exception_entry": False,
            "max_options_trading_level": 0,
            "disable_overnight_trading": False,
        }

    # -- positions ----------------------------------------------------------------------------------------------------

    def positions_json(self, now: int) -> list[dict[str, object]]:
        """Describe every position."""
        return [self._position_json(symbol, position, now) for symbol, position in self._account.positions.items()]

    def position_json(self, name: str, now: int) -> dict[str, object]:
        """Describe one position; raises a `Refusal` when there is none."""
        asset, position = self._held(name)
        return self._position_json(asset.symbol, position, now)

    def _held(self, name: str) -> tuple[Asset, Position]:
        asset = self._assets.find(name)
        position = None if asset is None else self._account.positions.get(asset.symbol)
        if asset is None or position is None:
            raise not_found("position does not exist")
        return asset, position

    def _position_json(self, symbol: Symbol, position: Position, now: int) -> dict[str, object]:
        asset = self._assets.of(symbol)
        with exact():
            quantity, cost = position.quantity, position.cost
            average = cost / quantity
            price = self._desk.marks().get(symbol, average)
            close = self._bars.close_before(symbol, next_new_york_midnight(now) - DAY_NS)
            last_day = price if close is None else Decimal(repr(close))
            value = quantity * price
            profit = value - cost
            share = profit / abs(cost) if cost else ZERO
            held, _ = self._desk.admission.held_for_orders(symbol)
            change = (price - last_day) / last_day
        available = abs(quantity) - held
        return {
            "asset_id": asset.id,
            "symbol": asset.position_symbol,
            "exchange": asset.exchange,
            "asset_class": "crypto" if asset.crypto else "us_equity",
            "asset_marginable": not asset.crypto,
            "qty": decimal_text(quantity),
            "qty_available": decimal_text(available if quantity > 0 else -available),
            "avg_entry_price": ratio_text(average),
            "side": "long" if quantity > 0 else "short",
            "market_value": decimal_text(value),
            "cost_basis": decimal_text(cost),
            "unrealized_pl": decimal_text(profit),
            "unrealized_plpc": ratio_text(share),
            "unrealized_intraday_pl": decimal_text(profit),
            "unrealized_intraday_plpc": ratio_text(share),
            "current_price": ratio_text(price),
            "lastday_price": ratio_text(last_day),
            "change_today": ratio_text(change),
        }

    def close_position(self, name: str, qty: Decimal | None, percentage: Decimal | None) -> dict[str, object]:
        """Place the market order that closes a position, or part of it; return the order. Raises a `Refusal`."""
        asset, position = self._held(name)
        quantity = abs(position.quantity)
        if qty is not None and percentage is not None:
            raise unprocessable("only one of qty or percentage is accepted")
        if qty is not None:
            quantity = qty
        elif percentage is not None:
            if percentage > _HUNDRED:
                raise unprocessable("percentage must be between 0 and 100")
            quantity = (quantity * percentage / _HUNDRED).quantize(_NINE_PLACES)
        return self._desk.submit(
            OrderBody(
                symbol=asset.symbol,
                qty=decimal_text(quantity),
                side="sell" if position.quantity > 0 else "buy",
                type="market",
                time_in_force="gtc" if asset.crypto else "day",
            )
        )

    def close_all(self, cancel_orders: bool) -> list[dict[str, object]]:
        """Close every position and say of each what came of it."""
        if cancel_orders:
            self._desk.cancel_all()
        answers: list[dict[str, object]] = []
        for symbol in list(self._account.positions):
            name = self._assets.of(symbol).position_symbol
            try:
                order = self.close_position(symbol, None, None)
            except Refusal as refusal:
                answers.append({"symbol": name, "status": refusal.status, "body": refusal.body()})
            else:
                answers.append({"symbol": name, "status": 200, "body": order, "order_id": order["id"]})
        return answers

    # -- history ------------------------------------------------------------------------------------------------------

    def _last_equity(self, now: int) -> Decimal:
        samples = self._store.equity(DAY_NS, 0, now)
        return samples[-1][1] if samples else self._starting_cash

    def sample(self, now: int) -> None:
        """Write what the account is worth once a minute, and the prices that say so."""
        minute = now - now % MINUTE_NS
        if minute == self._sampled:
            return
        self._sampled = minute
        equity = self._desk.admission.figures().equity
        self._store.add_equity(MINUTE_NS, minute, equity, minute - _MINUTE_SAMPLES_KEPT_NS)
        midnight = next_new_york_midnight(now) - DAY_NS
        if not self._store.equity(DAY_NS, midnight, now):
            self._store.add_equity(DAY_NS, midnight, equity, 0)
        self.save_marks()

    def save_marks(self) -> None:
        """Write the last prices of every symbol that was seen."""
        marks = {symbol: decimal_text(price) for symbol, price in self._desk.prices().items()}
        if marks:
            self._store.commit(marks=marks)

    def history_json(self, period: str, timeframe: str, start: int | None, end: int | None, now: int) -> object:
        """Describe equity over time; raises a `Refusal` for a period or timeframe that cannot be read."""
        length = _PERIOD.fullmatch(period)
        # Alpaca writes hours as 1H here; the bars' grammar reads it too.
        frame = parse_timeframe(timeframe)
        if length is None or frame is None:
            raise unprocessable("invalid period or timeframe")
        last = now if end is None else end
        first = last - int(length[1]) * _PERIOD_DAYS[length[2].upper()] * DAY_NS if start is None else start
        interval = DAY_NS if frame.interval_ns == DAY_NS or frame.interval_ns is None else MINUTE_NS
        samples = self._store.equity(interval, first, last)
        if end is None:
            samples.append((now, self._desk.admission.figures().equity))
        buckets: dict[int, Decimal] = {}
        for ts, equity in samples:
            buckets[frame.start_of(ts)] = equity
        before = self._store.equity(interval, 0, first - 1)
        base = before[-1][1] if before else self._starting_cash
        profits = [float(equity - base) for equity in buckets.values()]
        return {
            "timestamp": [ts // NS_PER_SECOND for ts in buckets],
            "equity": [float(equity) for equity in buckets.values()],
            "profit_loss": profits,
            "profit_loss_pct": [profit / float(base) if base else 0.0 for profit in profits],
            "base_value": float(base),
            "base_value_asof": new_york_date(first).isoformat(),
            "timeframe": timeframe,
            "cashflow": {},
        }
