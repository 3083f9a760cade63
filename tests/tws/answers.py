"""The messages of the server by version of the protocol: each function gives the frame of one.

Reads records and contracts. Never decides what is sent to whom.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tradingd.core.market import NS_PER_SECOND

from tests.tws.contracts import MARKET_RULES, IbContract, trading_hours
from tests.tws.records import Execution, Holding
from tests.tws.wire import UNSET_DOUBLE, Value, frame

V_SIZES_IN_DETAILS = 164
V_REJECT_JSON = 166
V_ZONED_TIMES = 174
V_ISSUER = 176
V_PENDING_PRICE = 178

NO_RIGHT = "?"


def moment(ts_ns: int, zone: str) -> datetime:
    """An instant in a zone."""
    return datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC).astimezone(ZoneInfo(zone))


def error(version: int, req_id: int, code: int, text: str) -> bytes:
    """Errors, notices and the state of connections."""
    tail: tuple[Value, ...] = ("",) if version >= V_REJECT_JSON else ()
    return frame(4, 2, req_id, code, text, *tail)


def managed_accounts(accounts: Sequence[str]) -> bytes:
    """The accounts that the login may trade."""
    return frame(15, 1, ",".join(accounts))


def next_valid_id(order_id: int) -> bytes:
    """The lowest order id that the client may use."""
    return frame(9, 1, order_id)


def current_time(ts_ns: int) -> bytes:
    """The server's clock."""
    return frame(49, 1, ts_ns // NS_PER_SECOND)


def eleven(contract: IbContract, exchange: str, right: str = "") -> tuple[Value, ...]:
    """The eleven fields of a contract in orders, executions and positions."""
    return (
        contract.con_id,
        contract.symbol,
        contract.sec_type,
        contract.expiry,
        "0",
        right,
        contract.multiplier,
        exchange,
        contract.currency,
        contract.local_symbol,
        contract.trading_class or contract.symbol,
    )


def execution(version: int, req_id: int, told: Execution, contract: IbContract, zone: str) -> bytes:
    """One execution; `req_id` is -1 when nobody asked for it."""
    local = moment(told.ts_ns, zone)
    time = f"{local:%Y%m%d %H:%M:%S} {zone}" if version >= V_ZONED_TIMES else f"{local:%Y%m%d  %H:%M:%S}"
    tail: tuple[Value, ...] = (False,) if version >= V_PENDING_PRICE else ()
    return frame(
        11,
        req_id,
        told.order_id,
        *eleven(contract, told.exchange, NO_RIGHT),
        told.exec_id,
        time,
        told.account,
        told.exchange,
        told.side,
        told.shares,
        told.price,
        told.perm_id,
        told.client_id,
        told.liquidation,
        told.cum_quantity,
        told.average_price,
        told.order_ref,
        "",
        "",
        "",
        1,
        *tail,
    )


def commission(told: Execution, *, sentinel: bool = False) -> bytes:
    """What one execution cost; a profit that is not realized is unset, and so is a `sentinel` commission."""
    realized = UNSET_DOUBLE if told.realized_pnl is None or sentinel else told.realized_pnl
    paid = UNSET_DOUBLE if sentinel else told.commission
    return frame(59, 1, told.exec_id, paid, told.currency, realized, "", "")


def position(holding: Holding, contract: IbContract) -> bytes:
    """One position."""
    return frame(61, 3, holding.account, *eleven(contract, ""), holding.quantity, holding.average_cost)


def position_multi(req_id: int, holding: Holding, contract: IbContract) -> bytes:
    """One position, for a request of its own."""
    return frame(71, 1, req_id, holding.account, *eleven(contract, ""), holding.quantity, holding.average_cost, "")


def portfolio(holding: Holding, contract: IbContract, price: Decimal) -> bytes:
    """One position as the account window shows it."""
    value = holding.quantity * price * contract.factor
    return frame(
        7,
        8,
        *eleven(contract, contract.primary_exchange),
        holding.quantity,
        price,
        value,
        holding.average_cost,
        value - holding.quantity * holding.average_cost,
        holding.realized_pnl,
        holding.account,
    )


def account_value(key: str, value: Value, currency: str, account: str) -> bytes:
    """One figure of an account."""
    return frame(6, 2, key, value, currency, account)


def contract_details(version: int, req_id: int, contract: IbContract, exchange: str, now_ns: int) -> bytes:
    """All about one contract."""
    older: tuple[Value, ...] = (8,) if version < V_SIZES_IN_DETAILS else ()
    multiplier_of_sizes: tuple[Value, ...] = (1,) if version < V_SIZES_IN_DETAILS else ()
    sizes: tuple[Value, ...] = ()
    if version == V_SIZES_IN_DETAILS - 1:
        sizes = (contract.suggested_size_increment,)
    elif version >= V_SIZES_IN_DETAILS:
        sizes = (contract.min_size, contract.size_increment, contract.suggested_size_increment)
    long_name = contract.long_name.encode("unicode_escape").decode()
    return frame(
        10,
        *older,
        req_id,
        contract.symbol,
        contract.sec_type,
        contract.expiry,
        "0",
        "",
        exchange,
        contract.currency,
        contract.local_symbol,
        contract.market_name,
        contract.trading_class or contract.symbol,
        contract.con_id,
        contract.min_tick,
        *multiplier_of_sizes,
        contract.multiplier,
        contract.order_types,
        ",".join(contract.exchanges),
        1,  # priceMagnifier
        0,  # underConId
        long_name,
        contract.primary_exchange,
        contract.expiry[:6],
        "",  # industry
        "",  # category
        "",  # subcategory
        contract.time_zone,
        trading_hours(contract, now_ns, liquid=False),
        trading_hours(contract, now_ns, liquid=True),
        "",  # evRule
        "",  # evMultiplier
        0,  # secIds
        1,  # aggGroup
        contract.symbol if contract.sec_type == "FUT" else "",
        "IND" if contract.sec_type == "FUT" else "",
        ",".join(str(contract.rule_id) for _ in contract.exchanges),
        contract.expiry,
        contract.stock_type,
        *sizes,
    )


def market_rule(rule_id: int) -> bytes:
    """The price steps of one market rule."""
    steps = MARKET_RULES[rule_id]
    return frame(93, rule_id, len(steps), *(figure for step in steps for figure in step))


def matching_symbols(version: int, req_id: int, found: Iterable[IbContract]) -> bytes:
    """Contracts by the beginning of their name."""
    fields: list[Value] = []
    contracts = list(found)
    for contract in contracts:
        fields += [contract.con_id, contract.symbol, contract.sec_type, contract.primary_exchange, contract.currency, 0]
        if version >= V_ISSUER:
            fields += [contract.long_name, ""]
    return frame(79, req_id, len(contracts), *fields)


def provisional_commission(told: Execution) -> bytes:
    """A commission report whose figures are not the last word."""
    return frame(59, 1, told.exec_id, 0, told.currency, UNSET_DOUBLE, "", "")
