"""The switches by which the emulator misbehaves; all of them off, it is a TWS on a good day.

Owns nothing but the switches. What happens once (a lost link, a restart, a correction) is an act, see `acts.py`.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec


class CommissionReports(StrEnum):
    """When commission reports come, and what they say."""

    PROMPT = "prompt"
    """Right after the order's status."""
    LATE = "late"
    """Only when `acts.send_commissions()` is called."""
    MISSING = "missing"
    """Never, not even with the answer to reqExecutions."""
    SENTINEL = "sentinel"
    """With commission and profit unset (1.797e308)."""
    PROVISIONAL = "provisional"
    """Commission 0 at first; `acts.send_commissions()` sends the final figures under the same id."""


class OrdersWhileDown(StrEnum):
    """What becomes of orders and cancels that come while TWS has lost its link."""

    HELD = "held"
    """They reach the market when the link is back."""
    LOST = "lost"
    """They are never heard of again."""


class Harm(StrEnum):
    """What becomes of a message to a client."""

    LOST = "lost"
    TWICE = "twice"
    GARBLED = "garbled"
    """Something that cannot be read comes in its place."""
    CUT = "cut"
    """Half of it comes, and the socket is closed."""


class Spoil(msgspec.Struct, frozen=True):
    """Harm to the next message with a number of the protocol (5 openOrder, 11 execDetails, 53 openOrderEnd)."""

    message: int
    harm: Harm


class Faults(msgspec.Struct, kw_only=True):
    """All switches; a count goes down by one with each time that the fault happens."""

    mute_handshake: bool = False
    """Connects are accepted and the version is never answered: TWS waits for the second factor."""
    client_id_linger_s: float = 0.0
    """For so long after a disconnect its client id is refused with 326: the half-dead socket."""
    next_valid_id_shift: int = 0
    """Added to the id that nextValidId tells (never below 1): a roll-back or a jump."""
    reset_floors: bool = False
    """Ids that were used before are taken again, as after a reset of the API order id sequence."""

    read_only: bool = False
    """The API is read-only: orders, cancels and the question for a client's own orders are refused with 321."""
    swallow_orders: int = 0
    """So many placeOrders vanish without any answer: a burst dropped by the paper servers."""
    cut_before_orders: int = 0
    """At so many placeOrders the socket is cut, and the order is not taken."""
    cut_after_orders: int = 0
    """At so many placeOrders the socket is cut right after the order was taken: the answer is lost."""
    reject_orders: int = 0
    """So many placeOrders are refused with 201."""
    fail_orders: list[int] = []
    """The next placeOrders are answered with these codes, one each, and not carried out."""
    fail_cancels: list[int] = []
    """The next cancelOrders are answered with these codes, one each, and not carried out."""
    fills_before_change: list[Decimal] = []
    """Of an order that is about to be changed such a share of what is left fills just before, once each."""
    fills_before_cancel: list[Decimal] = []
    """Of an order that is about to be cancelled such a share of what is left fills just before, once each."""
    swallow_cancels: int = 0
    """So many cancelOrders vanish without any answer."""
    hold_cancels: bool = False
    """A cancel gets PendingCancel and the order works on, until `acts.finish_cancels()`."""
    presets_tell_tif: bool = False
    """An order without a time in force gets 10349 beside being taken as DAY."""
    orders_while_down: OrdersWhileDown = OrdersWhileDown.HELD
    """What becomes of orders that come between 1100 and its end."""
    fill_slice: Decimal | None = None
    """The largest size of one execution."""

    execution_first: bool = False
    """execDetails comes before the openOrder of its order."""
    duplicate_executions: int = 0
    """Every live execDetails is sent so many times more."""
    drop_status: bool = False
    """orderStatus never comes."""
    duplicate_status: int = 0
    """Every orderStatus is sent so many times more."""
    status_delay_s: float = 0.0
    """orderStatus comes so much later than its openOrder."""
    commission_reports: CommissionReports = CommissionReports.PROMPT
    """When commission reports come, and what they say."""
    withhold_executions_end: bool = False
    """execDetailsEnd never comes, as with TWS 10.23 to 10.31."""
    withhold_open_orders_end: bool = False
    """openOrderEnd never comes."""
    empty_executions: bool = False
    """reqExecutions finds nothing, as right after midnight."""
    only_own_executions: bool = False
    """reqExecutions finds only what the client itself traded."""

    spoil: list[Spoil] = []
    """Harm to messages that are about to be sent, each once."""

    pace_limit: int = 50
    """Messages a second beyond which a client gets 100, and at the third time is cut; 0 for no limit."""
    historical_pacing: bool = False
    """Historical requests are refused with 162 when repeated within 15 s, or beyond 60 in 10 min."""
    historical_limit: int = 0
    """Answers to reqHistoricalData have at most so many bars, the latest; 0 for all."""
    historical_silent: bool = False
    """reqHistoricalData is never answered."""
    delayed_data: bool = False
    """The account has no live data: 354, or 10167 and delayed ticks when the client asked for those."""

    def harm_to(self, message: bytes) -> Harm | None:
        """Take the harm that is meant for a message, if any."""
        if not self.spoil:
            return None
        number = message[4:].partition(b"\0")[0]
        found = next((one for one in self.spoil if str(one.message).encode() == number), None)
        if found is None:
            return None
        self.spoil.remove(found)
        return found.harm
