"""What stream events mean for our orders, replacements and their chains above all."""

import json
from typing import Any

import msgspec
import pytest
from tests.brokers.scripted_venue import order_json, update_json
from tradingd.brokers.alpaca.chains import OrderChains
from tradingd.brokers.alpaca.convert import SymbolBook
from tradingd.brokers.alpaca.translate import Translator
from tradingd.brokers.alpaca.wire import WireOrder, decode_stream_message
from tradingd.core.broker_events import BrokerEvent, ForeignOrderEvent
from tradingd.core.identifiers import ClientOrderId, VenueOrderId
from tradingd.core.orders import (
    CancelRefused,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReplaced,
    ReplaceRefused,
)

OURS = ClientOrderId("t-1")
OLD, NEW, NEWER = VenueOrderId("old"), VenueOrderId("new"), VenueOrderId("newer")


class Account:
    """A translator with its chains, fed by hand."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.chains = OrderChains(lambda client_order_id: client_order_id.startswith("t-"))
        self.translator = Translator(self.chains, SymbolBook(), lambda event, _message, _details: self.note(event))

    def note(self, event: str) -> None:
        self.problems.append(event)

    def see(self, event: str, order: dict[str, Any], **data: Any) -> list[BrokerEvent]:
        update = decode_stream_message(json.dumps(update_json(event, order, **data)).encode())
        return self.translator.translate(update, ts_recv=9)  # type: ignore[arg-type]

    def patched(self, order: dict[str, Any]) -> list[BrokerEvent]:
        new = msgspec.json.decode(json.dumps(order).encode(), type=WireOrder)
        return self.translator.patched(OURS, OLD, new, 9)


@pytest.fixture
def account() -> Account:
    return Account()


def old_leg(**changes: Any) -> dict[str, Any]:
    return order_json("t-1", id=OLD, **changes)


def new_leg(**changes: Any) -> dict[str, Any]:
    return order_json("made-by-the-venue") | {"id": NEW, "replaces": OLD, "qty": "12", "limit_price": "101"} | changes


def kinds(events: list[BrokerEvent]) -> list[type]:
    return [type(event) for event in events]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("new", OrderAccepted),
        ("accepted", OrderAccepted),
        ("pending_new", OrderAccepted),
        ("canceled", OrderCanceled),
        ("expired", OrderExpired),
        ("rejected", OrderRejected),
        ("order_cancel_rejected", CancelRefused),
        ("order_replace_rejected", ReplaceRefused),
        *[(word, None) for word in ("pending_cancel", "pending_replace", "done_for_day", "stopped")],
        *[(word, None) for word in ("calculated", "suspended", "held", "pending_review")],
    ],
)
def test_each_event_word_has_one_report_or_none(account: Account, word: str, kind: type | None) -> None:
    assert kinds(account.see(word, old_leg())) == ([] if kind is None else [kind])
    assert account.problems == []


def test_a_fill_carries_its_own_quantity_and_the_cumulative_one_as_a_name(account: Account) -> None:
    order = old_leg(filled_qty="7", status="partially_filled")
    (report,) = account.see("partial_fill", order, execution_id="X1", price="100.25", qty="4")
    assert isinstance(report, OrderFilled)
    assert (report.execution_id, str(report.quantity), str(report.price), str(report.cum_quantity)) == (
        "X1",
        "4",
        "100.25",
        "7",
    )
    assert (report.venue_order_id, report.ts_event, report.ts_recv) == (OLD, 1_772_461_801_500_000_000, 9)


def test_a_fill_without_an_execution_id_is_named_by_what_filled(account: Account) -> None:
    (report,) = account.see("fill", old_leg(filled_qty="10"), price="100", qty="10")
    assert isinstance(report, OrderFilled)
    assert report.execution_id == "old@10"


@pytest.mark.parametrize("data", [{}, {"qty": "4"}, {"qty": "4", "price": "0"}, {"qty": "NaN", "price": "1"}])
def test_a_fill_without_quantity_or_price_is_a_problem_and_no_fill(account: Account, data: dict[str, str]) -> None:
    assert account.see("fill", old_leg(filled_qty="4"), execution_id="X1", **data) == []
    assert account.problems == ["broker.fill_incomplete"]


def test_a_corrected_execution_alarms_and_an_unknown_word_is_told(account: Account) -> None:
    for word in ("trade_bust", "trade_correct", "restated", "word_of_next_year"):
        assert account.see(word, old_leg()) == []
    assert account.problems == [*["broker.execution_revised"] * 3, "broker.event_unknown"]


def test_an_order_of_somebody_else_is_foreign(account: Account) -> None:
    (event,) = account.see("new", order_json("web-ui", id="W1"))
    assert isinstance(event, ForeignOrderEvent)
    assert (event.order.client_order_id, event.order.venue_order_id) == ("web-ui", "W1")


def test_an_adopted_leg_is_ours_though_its_client_id_is_not(account: Account) -> None:
    account.chains.adopt({NEW: OURS})
    (event,) = account.see("canceled", new_leg(status="canceled"))
    assert isinstance(event, OrderCanceled)
    assert (event.client_order_id, event.venue_order_id) == (OURS, NEW)


REPLACED = ("replaced", old_leg(status="replaced", replaced_by=NEW))
LIVE = ("new", new_leg())
ANSWER = new_leg(status="accepted")


@pytest.mark.parametrize(
    "steps",
    [
        ("answer", "replaced", "live"),
        ("replaced", "answer", "live"),
        ("replaced", "live", "answer"),
        ("live", "replaced", "answer"),
        ("live", "answer", "replaced"),
        ("replaced", "live", "replaced", "live"),
    ],
)
def test_a_replacement_is_reported_once_in_whatever_order_its_evidence_comes(
    account: Account, steps: tuple[str, ...]
) -> None:
    account.chains.begin_replace(OLD, OURS)
    events: list[BrokerEvent] = []
    for step in steps:
        match step:
            case "answer":
                events += account.patched(ANSWER)
            case "replaced":
                events += account.see(*REPLACED)
            case _:
                events += account.see(*LIVE)
    (report,) = events
    assert isinstance(report, OrderReplaced)
    assert (report.client_order_id, report.venue_order_id, report.replaces) == (OURS, NEW, OLD)
    assert (str(report.quantity), str(report.limit_price)) == ("12", "101")


def test_an_answer_alone_is_no_replacement_until_the_new_leg_is_live(account: Account) -> None:
    account.chains.begin_replace(OLD, OURS)
    assert account.patched(ANSWER) == []
    assert not account.chains.is_settled(OLD)
    assert kinds(account.patched(new_leg(status="new"))) == [OrderReplaced]
    assert account.chains.is_settled(OLD)


def test_an_old_leg_that_fills_first_keeps_its_terms_and_the_rejected_new_leg_ends_nothing(account: Account) -> None:
    account.chains.begin_replace(OLD, OURS)
    events = account.patched(ANSWER)
    events += account.see("fill", old_leg(filled_qty="10", status="filled"), execution_id="X", price="100", qty="10")
    events += account.see("order_replace_rejected", old_leg(status="filled"))
    events += account.see("rejected", new_leg(status="rejected"))
    assert kinds(events) == [OrderFilled, ReplaceRefused]
    assert {event.client_order_id for event in events if not isinstance(event, ForeignOrderEvent)} == {OURS}  # type: ignore[union-attr]


def test_the_end_of_a_superseded_leg_is_not_the_orders_end(account: Account) -> None:
    account.chains.begin_replace(OLD, OURS)
    account.see(*REPLACED)
    assert account.see("canceled", old_leg(status="canceled")) == []
    assert kinds(account.see("canceled", new_leg(status="canceled"))) == [OrderReplaced, OrderCanceled]


def test_a_fill_of_the_new_leg_says_first_that_it_took_the_place(account: Account) -> None:
    account.chains.begin_replace(OLD, OURS)
    leg = new_leg(status="filled", filled_qty="12")
    assert kinds(account.see("fill", leg, execution_id="X", price="101", qty="12")) == [OrderReplaced, OrderFilled]


def test_a_late_fill_of_the_old_leg_still_counts(account: Account) -> None:
    account.chains.begin_replace(OLD, OURS)
    account.see(*REPLACED)
    account.see(*LIVE)
    late = old_leg(status="replaced", filled_qty="2")
    assert kinds(account.see("partial_fill", late, execution_id="X", price="100", qty="2")) == [OrderFilled]


def test_a_chain_of_replacements_keeps_our_name(account: Account) -> None:
    account.chains.begin_replace(OLD, OURS)
    account.see(*REPLACED)
    account.see(*LIVE)
    account.chains.begin_replace(NEW, OURS)
    account.see("replaced", new_leg(status="replaced", replaced_by=NEWER))
    (report,) = account.see("new", new_leg(id=NEWER, replaces=NEW, client_order_id="third"))
    assert isinstance(report, OrderReplaced)
    assert (report.client_order_id, report.venue_order_id, report.replaces) == (OURS, NEWER, NEW)


def test_a_refused_replacement_can_be_asked_for_again(account: Account) -> None:
    account.chains.begin_replace(OLD, OURS)
    assert kinds(account.translator.refuse_replace(OURS, OLD, "r", 1, 1)) == [ReplaceRefused]
    assert account.translator.refuse_replace(OURS, OLD, "again", 1, 1) == []
    account.chains.begin_replace(OLD, OURS)
    assert kinds(account.translator.refuse_replace(OURS, OLD, "r", 1, 1)) == [ReplaceRefused]


def test_evidence_outweighs_a_refusal(account: Account) -> None:
    account.chains.begin_replace(OLD, OURS)
    account.translator.refuse_replace(OURS, OLD, "HTTP 422", 1, 1)
    assert account.see(*REPLACED) == []
    assert kinds(account.see(*LIVE)) == [OrderReplaced]


def test_a_leg_of_a_former_run_does_not_say_again_that_it_took_the_place(account: Account) -> None:
    account.chains.adopt({OLD: OURS, NEW: OURS})
    leg = new_leg(status="partially_filled", filled_qty="1")
    assert kinds(account.see("partial_fill", leg, execution_id="X", price="101", qty="1")) == [OrderFilled]
