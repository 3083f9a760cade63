"""Records as Alpaca's JSON: numbers of trading objects as strings, absent values as null, times in RFC 3339."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from tradingd.core.accounting import EXACT
from tradingd.core.market import NS_PER_SECOND
from tradingd.core.sessions import NEW_YORK
from tradingd.venue.records import Execution, OrderEvent, OrderRecord, Role

_NINE_PLACES = Decimal("0.000000001")


def decimal_text(value: Decimal) -> str:
    """Write a number plainly: no exponent, no trailing zeros, every digit kept."""
    return format(EXACT.normalize(value), "f") if value else "0"


def ratio_text(value: Decimal) -> str:
    """Write a quotient with at most nine decimals."""
    return decimal_text(value.quantize(_NINE_PLACES, rounding=ROUND_HALF_EVEN, context=EXACT))


def optional_text(value: Decimal | None) -> str | None:
    """Write a number, or null."""
    return None if value is None else decimal_text(value)


@lru_cache(maxsize=256)
def _second_text(seconds: int) -> str:
    # An order has half a dozen times, mostly of the same second.
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat()[:19]


def time_text(ts_ns: int) -> str:
    """Write an instant in UTC with as many digits as it has: micro- or nanoseconds."""
    seconds, fraction = divmod(ts_ns, NS_PER_SECOND)
    head = _second_text(seconds)
    return f"{head}.{fraction // 1000:06d}Z" if fraction % 1000 == 0 else f"{head}.{fraction:09d}Z"


def optional_time(ts_ns: int | None) -> str | None:
    """Write an instant, or null."""
    return None if ts_ns is None else time_text(ts_ns)


def new_york_text(ts_ns: int) -> str:
    """Write an instant in New York's time with its offset."""
    return datetime.fromtimestamp(ts_ns // NS_PER_SECOND, tz=NEW_YORK).isoformat()


def activity_stamp(ts_ns: int) -> str:
    """The digits in front of an activity's id: New York time to the millisecond."""
    local = datetime.fromtimestamp(ts_ns // NS_PER_SECOND, tz=NEW_YORK)
    return f"{local:%Y%m%d%H%M%S}{ts_ns // 1_000_000 % 1000:03d}"


def order_json(record: OrderRecord, asset_id: str, legs: list[dict[str, object]] | None = None) -> dict[str, object]:
    """Describe an order as Alpaca does; every key is always there."""
    kind = record.order_type.value.lower()
    closing = "close" if record.is_exit or not record.opening else "open"
    average = record.filled_value / record.filled_qty if record.filled_qty else None
    return {
        "id": record.id,
        "client_order_id": record.client_order_id,
        "created_at": time_text(record.created_at),
        "updated_at": time_text(record.updated_at),
        "submitted_at": time_text(record.submitted_at),
        "filled_at": optional_time(record.filled_at),
        "expired_at": optional_time(record.expired_at),
        "expires_at": optional_time(record.expires_at),
        "canceled_at": optional_time(record.canceled_at),
        "failed_at": optional_time(record.failed_at),
        "replaced_at": optional_time(record.replaced_at),
        "replaced_by": record.replaced_by,
        "replaces": record.replaces,
        "asset_id": asset_id,
        "symbol": record.symbol,
        "asset_class": "crypto" if record.crypto else "us_equity",
        "notional": optional_text(record.notional),
        "qty": optional_text(record.qty),
        "filled_qty": decimal_text(record.filled_qty),
        "filled_avg_price": None if average is None else ratio_text(average),
        "order_class": record.order_class.value,
        "order_type": kind,
        "type": kind,
        "side": record.side.value.lower(),
        "position_intent": f"{record.side.value.lower()}_to_{closing}",
        "time_in_force": record.time_in_force.value.lower(),
        "limit_price": optional_text(record.limit_price),
        "stop_price": optional_text(record.stop_price),
        "status": record.status.value,
        "extended_hours": record.extended_hours,
        "legs": legs,
        "trail_percent": optional_text(record.trail_percent),
        "trail_price": optional_text(record.trail_price),
        "hwm": optional_text(record.hwm),
        "subtag": None,
        "source": None,
        "ratio_qty": None,
    }


def trade_update_json(
    event: OrderEvent, order: dict[str, object], ts: int, event_id: str, execution: Execution | None
) -> dict[str, object]:
    """Describe one event of an order; `event_id` names an event that is not an execution."""
    data: dict[str, object] = {
        "event": event.value,
        "at": time_text(ts),
        "timestamp": time_text(ts),
        "execution_id": event_id if execution is None else execution.id,
        "order": order,
    }
    if execution is not None:
        data |= {
            "price": decimal_text(execution.price),
            "qty": decimal_text(execution.qty),
            "position_qty": decimal_text(execution.position_qty),
        }
    return data


def activity_json(execution: Execution, account_id: str) -> dict[str, object]:
    """Describe an execution as an account activity."""
    return {
        "id": execution.activity_id,
        "account_id": account_id,
        "activity_type": "FILL",
        "transaction_time": time_text(execution.ts),
        "type": "fill" if execution.leaves_qty == 0 else "partial_fill",
        "price": decimal_text(execution.price),
        "qty": decimal_text(execution.qty),
        "side": "sell_short" if execution.short else execution.side.value.lower(),
        "symbol": execution.symbol,
        "leaves_qty": decimal_text(execution.leaves_qty),
        "order_id": execution.order_id,
        "cum_qty": decimal_text(execution.cum_qty),
        "order_status": execution.order_status.value,
    }


def leg_order(record: OrderRecord) -> int:
    """Sort key of legs: take-profit first, as Alpaca lists them."""
    return 0 if record.role is Role.TAKE_PROFIT else 1
