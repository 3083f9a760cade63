"""The faults that the paper venue can be told to commit, each a table of its own `kind`.

Owns: the words of a fault and what must come with them. Never: commits one (`faults` does).
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from tradingd.settings.fields import PositiveDecimal, PositiveFloat, PositiveInt, Section, SymbolText

RequestName: TypeAlias = Literal[
    "submit", "replace", "cancel", "command", "order", "orders", "positions", "account", "fills", "query", "any"
]
"""Requests that a fault can be about; `command` is any of the first three, `query` any of the reading ones."""

EventName: TypeAlias = Literal["new", "partial_fill", "fill", "execution", "canceled", "replaced", "any"]
"""Events of the order stream that a fault can be about; `execution` is either kind of fill."""


class Fault(Section):
    """What every fault has: how often it strikes, and how surely."""

    count: PositiveInt = Field(default=1, description="How many times it strikes.")
    chance: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1.0, description="Probability that it strikes what it could strike, above 0 and at most 1."
    )


class RequestFault(Fault):
    """One request goes wrong."""

    kind: Literal[
        "request_lost", "request_twice", "answer_lost", "answer_cut", "answer_garbage", "answer_empty", "exit_refused"
    ] = Field(
        description="request_lost: cut before it is carried out; request_twice: carried out two times, the second "
        "answer given; answer_lost: carried out, connection reset; answer_cut: carried out, half an answer; "
        "answer_garbage: carried out, an answer that is not JSON; answer_empty: carried out, a 2xx without body; "
        "exit_refused: an order that reduces a position is refused."
    )
    on: RequestName = Field(default="submit", description="Requests that it is about.")


class LateFault(Fault):
    """One request takes long."""

    kind: Literal["request_late", "answer_late", "answer_never", "command_held"] = Field(
        description="request_late: carried out after the seconds; answer_late: carried out at once, answered after "
        "them; answer_never: carried out at once, the connection held open without an answer; command_held: answered "
        "as done at once, carried out after them."
    )
    on: RequestName = Field(default="submit", description="Requests that it is about.")
    seconds: PositiveFloat = Field(description="Seconds that it lasts.")


class StatusFault(Fault):
    """One request is answered with an error."""

    kind: Literal["answer_status"] = Field(description="An error in place of the answer.")
    on: RequestName = Field(default="submit", description="Requests that it is about.")
    status: Annotated[int, Field(ge=400, le=599)] = Field(description="HTTP status of the answer.")
    carried_out: bool = Field(default=False, description="Whether the request is carried out all the same.")
    retry_after_s: PositiveInt | None = Field(default=None, description="Retry-After header of the answer.")


class LagFault(Fault):
    """New orders cannot be found for a while."""

    kind: Literal["order_not_found"] = Field(description="An order is not found, nor listed, right after its submit.")
    seconds: PositiveFloat = Field(description="Seconds after the submit that it lasts.")


class ListFault(Fault):
    """Lists of orders are cut."""

    kind: Literal["list_cut"] = Field(description="A list of orders ends after so many, whatever was asked for.")
    limit: Annotated[int, Field(ge=2)] = Field(description="Orders of a page, at least 2.")


class FrameFault(Fault):
    """One message of the order stream goes wrong."""

    kind: Literal[
        "frame_lost",
        "frame_twice",
        "frame_swapped",
        "frame_garbage",
        "frame_cut",
        "frame_cumulative",
        "frame_priceless",
        "frame_stray_cancel",
    ] = Field(
        description="frame_lost: never sent; frame_twice: sent again at once; frame_swapped: sent after the next one; "
        "frame_garbage: bytes that are no JSON in its place; frame_cut: half of it, and the connection reset; "
        "frame_cumulative: its quantity is the order's total; frame_priceless: sent again with the order's total as "
        "quantity and price 0; frame_stray_cancel: followed by a cancel of the order that it says is replaced."
    )
    event: EventName = Field(default="execution", description="Events that it is about.")


class LateFrameFault(Fault):
    """One message of the order stream is late."""

    kind: Literal["frame_late"] = Field(description="Sent after the seconds, later ones pass it.")
    event: EventName = Field(default="execution", description="Events that it is about.")
    seconds: PositiveFloat = Field(description="Seconds that it is late.")


class StreamFault(Fault):
    """The order stream as a whole goes wrong for a while."""

    kind: Literal["stream_mute", "stream_refused"] = Field(
        description="stream_mute: connected and silent, pings answered; stream_refused: cut, and each new connection "
        "is answered with 406."
    )
    seconds: PositiveFloat = Field(description="Seconds that it lasts.")


class StreamCutFault(Fault):
    """The order stream's connections are reset."""

    kind: Literal["stream_cut"] = Field(description="Reset once; the client may come back at once.")


class ReplayFault(Fault):
    """Old executions come again."""

    kind: Literal["stream_replays"] = Field(description="The next client that listens hears old executions again.")
    executions: PositiveInt = Field(default=10, description="How many of the last ones.")


class FillFault(Fault):
    """One fill is other than it would be."""

    kind: Literal["fill_split"] = Field(description="A fill comes in two halves.")


class OverfillFault(Fault):
    """One order fills for more than it asked."""

    kind: Literal["fill_over"] = Field(description="The last fill of an order is for more than was asked.")
    quantity: PositiveDecimal = Field(description="Units too many.")


class RaceFault(Fault):
    """An order fills between a command about it and what the command does."""

    kind: Literal["fill_race"] = Field(description="A resting order fills just before a command is carried out.")
    before: Literal["cancel", "replace"] = Field(default="cancel", description="The command.")
    fills: Literal["part", "all"] = Field(default="part", description="How much of what was left fills.")


class LinkFault(Fault):
    """The venue cannot be reached for a while."""

    kind: Literal["link_cut"] = Field(description="Connections are reset and new ones refused.")
    seconds: PositiveFloat = Field(description="Seconds until it can be reached again.")


class HandFault(Fault):
    """Somebody else acts on the account."""

    kind: Literal["foreign_order", "foreign_fill", "position_appears"] = Field(
        description="foreign_order: a limit order far from the market; foreign_fill: a market order that fills; "
        "position_appears: shares that no order bought."
    )
    symbol: SymbolText | None = Field(default=None, description="Left out: the first one that the venue trades.")
    quantity: PositiveDecimal = Field(description="Units.")


RequestRule: TypeAlias = RequestFault | LateFault | StatusFault | LagFault | ListFault
"""Faults that wait for a request."""

FrameRule: TypeAlias = FrameFault | LateFrameFault
"""Faults that wait for a message of the order stream."""

FaultRule: TypeAlias = Annotated[
    RequestFault
    | LateFault
    | StatusFault
    | LagFault
    | ListFault
    | FrameFault
    | LateFrameFault
    | StreamFault
    | StreamCutFault
    | ReplayFault
    | FillFault
    | OverfillFault
    | RaceFault
    | LinkFault
    | HandFault,
    Field(discriminator="kind"),
]
"""Any fault."""
