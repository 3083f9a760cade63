"""The long messages about orders, by version of the protocol: openOrder, orderStatus and completedOrder.

Reads records and contracts. Fields that the emulator has no use for are sent as TWS sends them for a plain order.
"""

from decimal import Decimal

from tests.tws.answers import NO_RIGHT, eleven, moment
from tests.tws.contracts import IbContract
from tests.tws.records import IbOrder, Status, WhatIf
from tests.tws.wire import UNSET_DOUBLE, UNSET_INTEGER, Value, frame

V_DURATION = 158
V_POST_TO_ATS = 160
V_AUTO_CANCEL_PARENT = 162
V_PEGS = 170
V_NO_FA_PROFILE = 177

_NOTHING: Value = ""


def order_status(order: IbOrder) -> bytes:
    """Where an order stands."""
    return frame(
        3,
        order.order_id,
        order.status,
        order.filled,
        order.remaining,
        order.average_price,
        order.perm_id,
        order.parent_id,
        order.last_price,
        order.client_id,
        order.why_held,
        0,  # mktCapPrice
    )


def open_order(version: int, order: IbOrder, contract: IbContract, figures: WhatIf | None = None) -> bytes:
    """One order whole; `figures` makes it the answer to a what-if order."""
    return frame(
        5,
        order.order_id,
        *eleven(contract, order.exchange, NO_RIGHT),
        *_terms(order),
        order.client_id,
        order.perm_id,
        *_after_ids(version, order, former_shares_allocation=True),
        _NOTHING,  # auctionStrategy: 0 in the older ones, read as the same
        *_box_and_size(order, block_order=True),
        order.oca_type,
        False,  # eTradeOnly
        False,  # firmQuoteOnly
        UNSET_DOUBLE,  # nbboPriceCap
        order.parent_id,
        0,  # triggerMethod
        UNSET_DOUBLE,  # volatility
        0,  # volatilityType
        "None",
        UNSET_DOUBLE,  # deltaNeutralAuxPrice
        0, "", "", "", "?", False, 0, "",  # the eight that follow a delta-neutral order type
        False,  # continuousUpdate
        0,  # referencePriceType
        _price(order.trail_stop_price),
        _price(order.trailing_percent),
        UNSET_DOUBLE,  # basisPoints
        UNSET_INTEGER,  # basisPointsType
        "",  # comboLegsDescrip
        0, 0, 0,  # legs, order legs, routing parameters
        UNSET_INTEGER,  # scaleInitLevelSize
        UNSET_INTEGER,  # scaleSubsLevelSize
        UNSET_DOUBLE,  # scalePriceIncrement
        "",  # hedgeType
        False,  # optOutSmartRouting
        "",  # clearingAccount
        "IB",  # clearingIntent
        False,  # notHeld
        False,  # deltaNeutralContract
        "",  # algoStrategy
        False,  # solicited
        figures is not None,
        order.status,
        *_figures(figures),
        False,  # randomizeSize
        False,  # randomizePrice
        0,  # conditions
        *_adjusted(order),
        "", "", "",  # softDollarTier
        0,  # cashQty
        False,  # dontUseAutoPriceForHedge
        False,  # isOmsContainer
        False,  # discretionaryUpToLimitPrice
        False,  # usePriceMgmtAlgo
        *_newer(version),
    )  # fmt: skip


def completed_order(version: int, order: IbOrder, contract: IbContract, zone: str) -> bytes:
    """One order that is over; it has no order id any more."""
    done = f"{moment(order.done_ns, zone):%Y%m%d %H:%M:%S} {zone}"
    status = f"{order.done_text}{order.filled}" if order.status is Status.FILLED else order.done_text
    return frame(
        101,
        *eleven(contract, order.exchange, NO_RIGHT),
        *_terms(order),
        order.perm_id,
        *_after_ids(version, order, former_shares_allocation=False),
        *_box_and_size(order, block_order=False),
        order.oca_type,
        0,  # triggerMethod
        UNSET_DOUBLE,  # volatility
        0,  # volatilityType
        "None",
        UNSET_DOUBLE,  # deltaNeutralAuxPrice
        0, False, 0, "",  # the four that follow a delta-neutral order type
        False,  # continuousUpdate
        0,  # referencePriceType
        _price(order.trail_stop_price),
        _price(order.trailing_percent),
        "",  # comboLegsDescrip
        0, 0, 0,  # legs, order legs, routing parameters
        UNSET_INTEGER,  # scaleInitLevelSize
        UNSET_INTEGER,  # scaleSubsLevelSize
        UNSET_DOUBLE,  # scalePriceIncrement
        "",  # hedgeType
        "",  # clearingAccount
        "IB",  # clearingIntent
        False,  # notHeld
        False,  # deltaNeutralContract
        "",  # algoStrategy
        False,  # solicited
        order.status,
        False,  # randomizeSize
        False,  # randomizePrice
        0,  # conditions
        _price(order.trail_stop_price),
        UNSET_DOUBLE,  # lmtPriceOffset
        0,  # cashQty
        False,  # dontUseAutoPriceForHedge
        False,  # isOmsContainer
        "",  # autoCancelDate
        order.filled,
        0,  # refFuturesConId
        False,  # autoCancelParent
        "",  # shareholder
        False,  # imbalanceOnly
        False,  # routeMarketableToBbo
        0,  # parentPermId
        done,
        status,
        *_pegs(version),
    )  # fmt: skip


def _price(price: Decimal | None) -> Value:
    return UNSET_DOUBLE if price is None else price


def _terms(order: IbOrder) -> tuple[Value, ...]:
    return (
        order.action,
        order.quantity,
        order.order_type,
        order.limit_price if order.limit_price is not None else 0,
        order.aux_price if order.aux_price is not None else 0,
        order.tif,
        order.oca_group,
        order.account,
        "",  # openClose
        0,  # origin
        order.order_ref,
    )


def _after_ids(version: int, order: IbOrder, *, former_shares_allocation: bool) -> tuple[Value, ...]:
    """From outsideRth to exemptCode; a finished order lacks the field that once held the sharesAllocation."""
    allocation: tuple[Value, ...] = ("",) if former_shares_allocation else ()
    profile: tuple[Value, ...] = ("",) if version < V_NO_FA_PROFILE else ()
    return (
        order.outside_rth,
        False,  # hidden
        0,  # discretionaryAmt
        order.good_after,
        *allocation,
        "",  # faGroup
        "",  # faMethod
        "",  # faPercentage
        *profile,
        "",  # modelCode
        order.good_till,
        "",  # rule80A
        UNSET_DOUBLE,  # percentOffset
        "",  # settlingFirm
        0,  # shortSaleSlot
        "",  # designatedLocation
        -1,  # exemptCode
    )


def _box_and_size(order: IbOrder, *, block_order: bool) -> tuple[Value, ...]:
    block: tuple[Value, ...] = (False,) if block_order else ()
    return (
        UNSET_DOUBLE,  # startingPrice
        UNSET_DOUBLE,  # stockRefPrice
        UNSET_DOUBLE,  # delta
        UNSET_DOUBLE,  # stockRangeLower
        UNSET_DOUBLE,  # stockRangeUpper
        UNSET_INTEGER,  # displaySize
        *block,
        False,  # sweepToFill
        order.all_or_none,
        UNSET_INTEGER,  # minQty
    )


def _figures(figures: WhatIf | None) -> tuple[Value, ...]:
    """Nine margin figures, three of commission, their currency, and a warning."""
    if figures is None:
        return (*(UNSET_DOUBLE for _ in range(9)), UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, "", "")
    before, change, equity = figures.margin_before, figures.margin, figures.equity
    return (
        before, before, equity,
        change, change, 0,
        before + change, before + change, equity,
        figures.commission, figures.commission, figures.commission, "USD", "",
    )  # fmt: skip


def _adjusted(order: IbOrder) -> tuple[Value, ...]:
    return (
        "None",  # adjustedOrderType
        UNSET_DOUBLE,  # triggerPrice
        _price(order.trail_stop_price),
        UNSET_DOUBLE,  # lmtPriceOffset
        UNSET_DOUBLE,  # adjustedStopPrice
        UNSET_DOUBLE,  # adjustedStopLimitPrice
        UNSET_DOUBLE,  # adjustedTrailingAmount
        0,  # adjustableTrailingUnit
    )


def _newer(version: int) -> tuple[Value, ...]:
    duration: tuple[Value, ...] = (UNSET_INTEGER,) if version >= V_DURATION else ()
    post_to_ats: tuple[Value, ...] = (UNSET_INTEGER,) if version >= V_POST_TO_ATS else ()
    auto_cancel: tuple[Value, ...] = (False,) if version >= V_AUTO_CANCEL_PARENT else ()
    return (*duration, *post_to_ats, *auto_cancel, *_pegs(version))


def _pegs(version: int) -> tuple[Value, ...]:
    return (UNSET_INTEGER, UNSET_INTEGER, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE) if version >= V_PEGS else ()
