"""The life of one order, row by row."""

import itertools
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.making import (
    V1,
    V2,
    V3,
    D,
    accepted,
    cancel_refused,
    cancel_requested,
    cancel_unknown,
    canceled,
    expired,
    filled,
    order,
    rejected,
    replace_refused,
    replace_requested,
    replace_unknown,
    replaced,
    unknown,
)
from tradingd.core.executions import execution_names
from tradingd.core.order_state import (
    NOT_AT_VENUE,
    TERMINAL,
    TRANSITIONS,
    Anomaly,
    OrderState,
    OrderStatus,
    apply_report,
    intend,
)
from tradingd.core.orders import ExecutionReport, FeeReported, OrderFilled, OrderReplaced

S = OrderStatus
REPORTS: dict[type, ExecutionReport] = {
    type(report): report
    for report in (
        accepted(),
        canceled(),
        expired(),
        rejected(),
        unknown(),
        cancel_requested(),
        cancel_refused(),
        cancel_unknown(),
        replace_requested(),
        replaced(),
        replace_refused(),
        replace_unknown(),
    )
}


def in_state(status: OrderStatus, quantity: str = "10") -> OrderState:
    named = () if status in (S.PENDING_SUBMIT, S.UNKNOWN) else (V1,)
    return msgspec.structs.replace(intend(order(quantity=quantity)), status=status, venue_order_ids=named)


def walk(*reports: ExecutionReport, quantity: str = "10") -> OrderState:
    state = intend(order(quantity=quantity))
    for report in reports:
        state = apply_report(state, report).state
    return state


def test_every_kind_of_report_is_under_test() -> None:
    assert {*REPORTS, OrderFilled, FeeReported} == set(get_args(ExecutionReport))


@pytest.mark.parametrize(("pair", "target"), TRANSITIONS.items(), ids=lambda value: getattr(value, "value", None))
def test_every_row_of_the_table_leads_where_it_says(pair: tuple[OrderStatus, type], target: OrderStatus) -> None:
    status, kind = pair
    transition = apply_report(in_state(status), REPORTS[kind])
    assert transition.changed
    assert transition.state.status is target
    assert transition.trade is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pair
        for pair in itertools.product(OrderStatus, REPORTS)
        if pair not in TRANSITIONS and pair != (S.FILLED, OrderReplaced)  # see the tests of concluded ends
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_every_other_pair_changes_nothing_but_the_venue_ids_known(status: OrderStatus, kind: type) -> None:
    before = in_state(status)
    transition = apply_report(before, REPORTS[kind])
    assert not transition.changed
    assert transition.trade is None
    assert msgspec.structs.replace(transition.state, venue_order_ids=before.venue_order_ids) == before


@pytest.mark.parametrize("status", OrderStatus)
def test_a_fill_is_booked_in_every_state(status: OrderStatus) -> None:
    transition = apply_report(in_state(status), filled("4", "99.5", fee="0.01"))
    assert transition.changed
    assert transition.trade is not None
    assert (transition.trade.quantity, transition.trade.price, transition.trade.fee) == (D(4), D("99.5"), D("0.01"))
    state = transition.state
    assert (state.filled_quantity, state.filled_value, state.fees) == (D(4), D(398), D("0.01"))
    assert state.average_price == D("99.5")
    if status in TERMINAL:
        assert state.status is status
        assert transition.anomaly is Anomaly.LATE_FILL
        assert state.open_quantity == 0
    else:
        assert state.status is (S.ACCEPTED if status in (S.PENDING_SUBMIT, S.UNKNOWN) else status)
        assert transition.anomaly is None
        assert state.open_quantity == D(6)


@pytest.mark.parametrize("status", [status for status in OrderStatus if status not in TERMINAL])
def test_the_last_fill_ends_the_order_in_every_open_state(status: OrderStatus) -> None:
    assert apply_report(in_state(status), filled("10")).state.status is S.FILLED


@pytest.mark.parametrize(
    ("name", "again", "counts"),
    [
        ("the same execution id", filled("4", execution="e1", cum="4"), False),
        ("another id, the same cumulative quantity", filled("4", execution="other", cum="4"), False),
        ("the cumulative quantity spelt another way", filled("4", execution="other", cum="4.000"), False),
        ("another id and no cumulative quantity", filled("4", execution="other"), True),
        ("another id, the next cumulative quantity", filled("4", execution="other", cum="8"), True),
        ("the same cumulative quantity of another leg", filled("4", execution="other", cum="4", venue_id=V2), True),
    ],
)
def test_an_execution_counts_once_under_every_name_it_has(name: str, again: OrderFilled, counts: bool) -> None:
    transition = apply_report(walk(accepted(), filled("4", execution="e1", cum="4")), again)
    assert transition.changed is counts, name
    assert (transition.trade is not None) is counts, name


def test_the_names_of_an_execution_do_not_depend_on_trailing_zeros() -> None:
    assert execution_names(filled("1", cum="100")) == execution_names(filled("1", cum="1E+2"))


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_a_fill_of_nothing_changes_nothing(quantity: str) -> None:
    state = walk(accepted())
    assert apply_report(state, filled(quantity)).state is state


def test_an_overfill_is_booked_and_named() -> None:
    transition = apply_report(walk(accepted(), filled("10", execution="e1")), filled("1", execution="e2"))
    assert transition.anomaly is Anomaly.OVERFILL
    assert transition.state.filled_quantity == D(11)
    assert transition.trade is not None


@pytest.mark.parametrize(
    ("name", "reports", "status"),
    [
        ("filled in two", [accepted(), filled("4", execution="a"), filled("6", execution="b")], S.FILLED),
        ("cancelled after a part", [accepted(), filled("4", execution="a"), canceled()], S.CANCELED),
        ("cancelled by request", [cancel_requested(), accepted(), filled("4"), canceled()], S.CANCELED),
        ("expired after a part", [accepted(), filled("4", execution="a"), expired()], S.EXPIRED),
        ("never acknowledged", [filled("4", execution="a"), filled("6", execution="b")], S.FILLED),
    ],
)
def test_every_order_of_arrival_ends_in_the_same_state(
    name: str, reports: list[ExecutionReport], status: OrderStatus
) -> None:
    ends = set()
    for arrival in itertools.permutations(reports):
        end = walk(*arrival)
        ends.add((end.status, end.filled_quantity, end.filled_value, end.venue_order_ids, end.ts_updated))
        assert set(end.executions) == {report.execution_id for report in reports if isinstance(report, OrderFilled)}
    assert len(ends) == 1, name
    assert ends.pop()[0] is status


@given(
    st.lists(
        st.sampled_from(
            [
                *REPORTS.values(),
                filled("4", execution="a", cum="4"),
                filled("6", execution="b", cum="10"),
                replaced("30", new=V3, old=V2),
            ]
        ),
        max_size=14,
    )
)
def test_whatever_comes_an_order_never_leaves_its_end_and_counts_each_execution_once(
    reports: list[ExecutionReport],
) -> None:
    state = intend(order())
    for report in reports:
        before, state = state, apply_report(state, report).state
        if before.is_terminal and not (before.status is S.FILLED and isinstance(report, OrderReplaced)):
            assert state.status is before.status
        assert state.filled_quantity >= before.filled_quantity
        assert 0 <= state.open_quantity <= max(state.quantity, state.requested_quantity)
        # Nothing may be left of an order that filled by a leg whose terms are not known yet.
        assert state.is_terminal or state.open_quantity > 0 or state.filled_quantity >= state.quantity
        assert len(set(state.venue_order_ids)) == len(state.venue_order_ids)
        if isinstance(report, OrderFilled):
            assert apply_report(state, report).state is state
    assert state.filled_quantity <= D(10)


# -- replaces ---------------------------------------------------------------------------------------------------------


def test_both_terms_count_until_a_replace_is_answered() -> None:
    state = walk(accepted(), replace_requested("20"))
    assert (state.status, state.open_quantity) == (S.PENDING_REPLACE, D(20))
    assert walk(accepted(), replace_requested("5")).open_quantity == D(10)
    assert walk(accepted(), replace_requested("20"), replace_refused()).open_quantity == D(10)
    answered = walk(accepted(), replace_requested("20", "99"), replaced("20", "99"))
    assert (answered.status, answered.open_quantity, answered.terms.limit_price) == (S.ACCEPTED, D(20), D(99))
    assert answered.venue_order_ids == (V1, V2)


def test_a_chain_of_replaces_keeps_every_id_and_names_the_latest() -> None:
    state = walk(accepted(), replaced("20"), replaced("30", new=V3, old=V2))
    assert state.venue_order_ids == (V1, V2, V3)
    assert (state.venue_order_id, state.quantity) == (V3, D(30))


def test_a_repeated_older_replace_does_not_bring_back_its_terms() -> None:
    chain: list[ExecutionReport] = [accepted(), replaced("20"), replaced("30", new=V3, old=V2)]
    assert walk(*chain, replaced("20")) == walk(*chain)


def test_a_repeated_replace_does_not_answer_the_next_one() -> None:
    state = walk(accepted(), replaced("20"), replace_requested("30"), replaced("20"))
    assert (state.status, state.open_quantity) == (S.PENDING_REPLACE, D(30))


def test_a_replace_counts_although_the_new_leg_was_acknowledged_first() -> None:
    state = walk(accepted(), replace_requested("20"), accepted(venue_id=V2), replaced("20"))
    assert (state.status, state.quantity, state.venue_order_id) == (S.ACCEPTED, D(20), V2)


def test_a_late_acknowledgement_of_the_first_leg_does_not_become_the_latest_name() -> None:
    state = walk(replaced("20"), accepted(venue_id=V1))
    assert (state.status, state.quantity, state.venue_order_ids) == (S.ACCEPTED, D(20), (V1, V2))


def test_a_replace_heard_of_in_any_order_leaves_the_same_names_and_terms() -> None:
    events: list[ExecutionReport] = [
        accepted(),
        replaced("20", "99"),
        filled("1", execution="a", venue_id=V2),
        filled("2", execution="b"),
    ]
    ends = [walk(*arrival) for arrival in itertools.permutations(events)]
    assert {(end.venue_order_ids, end.quantity, end.terms.limit_price) for end in ends} == {((V1, V2), D(20), D(99))}


@pytest.mark.parametrize(
    ("name", "reports"),
    [
        ("refused because it had filled", [replace_requested("20"), filled("10"), replace_refused()]),
        ("refused, then filled", [replace_requested("20"), replace_refused(), filled("10")]),
        ("cut down to what had filled", [filled("6"), replaced("6")]),
        (
            "cancel asked for meanwhile, replace refused, then filled",
            [replace_requested("20"), cancel_requested(), replace_refused(), filled("10")],
        ),
        (
            "both refused because it had filled",
            [replace_requested("20"), cancel_requested(), filled("10"), cancel_refused(), replace_refused()],
        ),
    ],
)
def test_an_order_with_nothing_left_to_fill_is_filled(name: str, reports: list[ExecutionReport]) -> None:
    state = walk(accepted(), *reports)
    assert state.status is S.FILLED, name
    assert state.open_quantity == 0


def test_an_acknowledgement_that_comes_after_later_legs_names_the_first_one() -> None:
    state = walk(filled("1", venue_id=V2), accepted(venue_id=V1))
    assert state.venue_order_ids == (V1, V2)
    assert state.venue_order_id == V2


# -- ends that were only concluded ------------------------------------------------------------------------------------


def given_up() -> OrderState:
    """An order that the venue did not know when it was asked."""
    return walk(unknown(), msgspec.structs.replace(rejected(), code=NOT_AT_VENUE))


@pytest.mark.parametrize(
    ("report", "status"),
    [(accepted(), S.ACCEPTED), (filled("4"), S.ACCEPTED), (filled("10"), S.FILLED), (canceled(), S.CANCELED)],
)
def test_an_order_that_was_given_up_lives_again_by_evidence_of_the_venue(
    report: ExecutionReport, status: OrderStatus
) -> None:
    transition = apply_report(given_up(), report)
    assert (transition.state.status, transition.anomaly) == (status, Anomaly.REVIVED)
    assert transition.state.reject_reason == ""


def test_an_order_that_the_venue_refused_stays_refused() -> None:
    assert apply_report(walk(rejected()), accepted()).state.status is S.REJECTED


def test_an_order_whose_raised_quantity_was_heard_of_late_is_not_filled() -> None:
    state = walk(accepted(), filled("10"))
    assert state.status is S.FILLED
    transition = apply_report(state, replaced("15"))
    assert (transition.state.status, transition.state.open_quantity) == (S.ACCEPTED, D(5))
    assert apply_report(state, replaced("10")).state.status is S.FILLED


def test_a_fill_of_a_leg_that_was_never_heard_of_does_not_end_the_order() -> None:
    state = walk(accepted(), filled("10", venue_id=V2))
    assert state.status is S.ACCEPTED
    assert apply_report(state, replaced("10")).state.status is S.FILLED
    assert apply_report(state, replaced("12")).state.open_quantity == 2


# -- executions that come with the order's cumulative quantity --------------------------------------------------------


def test_a_cumulative_quantity_given_for_the_executions_own_is_booked_as_the_increment() -> None:
    state = walk(accepted(), filled("5", execution="a", cum="5"))
    transition = apply_report(state, filled("10", execution="b", cum="10"))
    assert transition.anomaly is Anomaly.CUMULATIVE
    assert transition.trade is not None
    assert (transition.trade.quantity, transition.state.filled_quantity) == (D(5), D(10))
    assert transition.state.status is S.FILLED


def test_an_execution_after_a_missed_one_and_one_out_of_order_keep_their_own_quantity() -> None:
    late = walk(accepted(), filled("5", execution="b", cum="10"), filled("5", execution="a", cum="5"))
    assert late.filled_quantity == D(10)
    missed = walk(accepted(), filled("3", execution="b", cum="8"))
    assert missed.filled_quantity == D(3)


def test_a_cancel_that_tells_of_more_filled_than_was_heard_ends_nothing_until_that_is_booked() -> None:
    state = walk(accepted(), filled("2", execution="a", cum="2"), cancel_requested())
    told = msgspec.structs.replace(canceled(), filled_quantity=D(5))
    assert apply_report(state, told).state is state
    whole = apply_report(state, filled("3", execution="b", cum="5")).state
    assert apply_report(whole, told).state.status is S.CANCELED
