"""The messages of a client that take some reading: orders, and requests for data.

Reads fields by server version. Never judges what was asked.
"""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from tradingd.core.market import NS_PER_SECOND

from tests.tws.contracts import Asked, read_contract
from tests.tws.wire import Fields

_FA_PROFILE_GONE = 177


class OrderAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What placeOrder says."""

    order_id: int
    contract: Asked
    action: str
    quantity: Decimal
    order_type: str
    limit_price: Decimal | None
    aux_price: Decimal | None
    tif: str
    oca_group: str
    account: str
    order_ref: str
    transmit: bool
    parent_id: int
    outside_rth: bool
    good_after: str
    good_till: str
    oca_type: int
    all_or_none: bool
    trail_stop_price: Decimal | None
    trailing_percent: Decimal | None
    what_if: bool


def read_order(fields: Fields, version: int) -> OrderAsked:
    """Read placeOrder up to whatIf; what follows does not matter to the emulator."""
    order_id = fields.integer()
    contract = read_contract(fields)
    fields.skip(2)  # secIdType, secId
    action, quantity, order_type = fields.text(), fields.amount(), fields.text()
    limit_price, aux_price, tif, oca_group, account = (
        fields.decimal(), fields.decimal(), fields.text(), fields.text(), fields.text(),
    )  # fmt: skip
    fields.skip(2)  # openClose, origin
    order_ref, transmit, parent_id = fields.text(), fields.flag(), fields.integer()
    fields.skip(4)  # blockOrder, sweepToFill, displaySize, triggerMethod
    outside_rth = fields.flag()
    fields.skip(1)  # hidden
    if contract.sec_type == "BAG":
        _skip_legs(fields)
    fields.skip(2)  # the former sharesAllocation, discretionaryAmt
    good_after, good_till = fields.text(), fields.text()
    fields.skip(3 if version >= _FA_PROFILE_GONE else 4)  # faGroup, faMethod, faPercentage, faProfile
    fields.skip(4)  # modelCode, shortSaleSlot, designatedLocation, exemptCode
    oca_type = fields.integer()
    fields.skip(2)  # rule80A, settlingFirm
    all_or_none = fields.flag()
    fields.skip(14)  # minQty .. volatilityType
    if fields.text():  # deltaNeutralOrderType
        fields.skip(8)
    fields.skip(1)  # deltaNeutralAuxPrice: before or after the eight is all the same here
    fields.skip(2)  # continuousUpdate, referencePriceType
    trail_stop_price, trailing_percent = fields.decimal(), fields.decimal()
    fields.skip(2)  # scaleInitLevelSize, scaleSubsLevelSize
    if (fields.decimal() or 0) > 0:  # scalePriceIncrement
        fields.skip(7)
    fields.skip(3)  # scaleTable, activeStartTime, activeStopTime
    if fields.text():  # hedgeType
        fields.skip(1)
    fields.skip(4)  # optOutSmartRouting, clearingAccount, clearingIntent, notHeld
    if fields.flag():  # deltaNeutralContract
        fields.skip(3)
    if fields.text():  # algoStrategy
        fields.skip(2 * fields.integer())
    fields.skip(1)  # algoId
    return OrderAsked(
        order_id=order_id,
        contract=contract,
        action=action,
        quantity=quantity,
        order_type=order_type,
        limit_price=limit_price,
        aux_price=aux_price,
        tif=tif,
        oca_group=oca_group,
        account=account,
        order_ref=order_ref,
        transmit=transmit,
        parent_id=parent_id,
        outside_rth=outside_rth,
        good_after=good_after,
        good_till=good_till,
        oca_type=oca_type,
        all_or_none=all_or_none,
        trail_stop_price=trail_stop_price,
        trailing_percent=trailing_percent,
        what_if=fields.flag(),
    )


def _skip_legs(fields: Fields) -> None:
    fields.skip(8 * fields.integer())
    fields.skip(fields.integer())
    fields.skip(2 * fields.integer())


class HistoryAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What reqHistoricalData says."""

    req_id: int
    contract: Asked
    end: str
    bar_size: str
    duration: str
    regular_hours: bool
    what: str
    date_format: int
    keep_up_to_date: bool


def read_history(fields: Fields) -> HistoryAsked:
    """Read reqHistoricalData."""
    req_id, contract = fields.integer(), read_contract(fields)
    fields.skip(1)  # includeExpired
    end, bar_size, duration = fields.text(), fields.text(), fields.text()
    regular_hours, what, date_format = fields.flag(), fields.text(), fields.integer()
    return HistoryAsked(
        req_id=req_id,
        contract=contract,
        end=end,
        bar_size=bar_size,
        duration=duration,
        regular_hours=regular_hours,
        what=what,
        date_format=date_format,
        keep_up_to_date=fields.flag(),
    )


def read_moment(text: str, zone: str) -> int | None:
    """Read `20261124 09:30:00 US/Eastern`, `20261124-14:30:00` (UTC) or a plain date; None for anything else."""
    if text[8:9] == "-":
        text = f"{text[:8]} {text[9:]} UTC"
    words = text.split()
    day, clock = words[0] if words else "", words[1] if len(words) > 1 else "00:00:00"
    zone = words[2] if len(words) > 2 else zone
    try:
        moment = datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S")
        moment = moment.replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone))
    except (ValueError, KeyError):
        return None
    return int(moment.timestamp()) * NS_PER_SECOND
