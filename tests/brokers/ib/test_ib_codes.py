"""What each code means, and what it proves about a command."""

import pytest
from tradingd.brokers.ib.codes import Command, Kind, Reaction, Verdict, is_read_only, judge, meaning

S, C, M, Q = Command.SUBMIT, Command.CANCEL, Command.MODIFY, Command.QUERY
DEFINITE, AMBIGUOUS, NOTHING = Verdict.DEFINITE, Verdict.AMBIGUOUS, Verdict.NOTHING
ENDED, RETRYABLE = Verdict.ENDED, Verdict.RETRYABLE


@pytest.mark.parametrize(
    ("code", "submit", "cancel", "modify"),
    [
        (100, AMBIGUOUS, AMBIGUOUS, AMBIGUOUS),
        (103, AMBIGUOUS, NOTHING, AMBIGUOUS),
        (104, AMBIGUOUS, NOTHING, DEFINITE),
        (105, AMBIGUOUS, NOTHING, DEFINITE),
        (110, DEFINITE, NOTHING, DEFINITE),
        (135, AMBIGUOUS, AMBIGUOUS, AMBIGUOUS),
        (161, NOTHING, DEFINITE, NOTHING),
        (200, DEFINITE, NOTHING, DEFINITE),
        (201, DEFINITE, DEFINITE, DEFINITE),
        (202, ENDED, ENDED, ENDED),
        (321, DEFINITE, DEFINITE, DEFINITE),
        (399, NOTHING, NOTHING, NOTHING),
        (404, NOTHING, NOTHING, NOTHING),
        (434, DEFINITE, NOTHING, DEFINITE),
        (10147, NOTHING, AMBIGUOUS, NOTHING),
        (10148, NOTHING, DEFINITE, NOTHING),
        (10349, NOTHING, NOTHING, NOTHING),
        (2109, NOTHING, NOTHING, NOTHING),
        (2199, NOTHING, NOTHING, NOTHING),  # a warning that is not in the table
        (9999, AMBIGUOUS, AMBIGUOUS, AMBIGUOUS),  # nobody knows what it means
    ],
)
def test_a_code_proves_no_more_than_it_says(code: int, submit: Verdict, cancel: Verdict, modify: Verdict) -> None:
    assert (judge(S, code), judge(C, code), judge(M, code)) == (submit, cancel, modify)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(162, RETRYABLE), (200, DEFINITE), (321, DEFINITE), (2106, NOTHING), (10167, NOTHING), (366, NOTHING)],
)
def test_a_question_is_ended_by_refusals_alone(code: int, verdict: Verdict) -> None:
    assert judge(Q, code) is verdict


@pytest.mark.parametrize(
    ("code", "kind", "reaction"),
    [
        (1100, Kind.CONNECTIVITY, Reaction.LINK_LOST),
        (2110, Kind.CONNECTIVITY, Reaction.LINK_LOST),
        (1101, Kind.CONNECTIVITY, Reaction.LINK_BACK_DATA_LOST),
        (1102, Kind.CONNECTIVITY, Reaction.LINK_BACK),
        (1300, Kind.CONNECTIVITY, Reaction.PORT_CHANGED),
        (326, Kind.CONNECTIVITY, Reaction.CLIENT_ID_TAKEN),
        (2103, Kind.CONNECTIVITY, Reaction.DATA_STALE),
        (2157, Kind.CONNECTIVITY, Reaction.DATA_STALE),
        (2104, Kind.INFORMATION, Reaction.DATA_FLOWS),
        (2107, Kind.INFORMATION, Reaction.NONE),
        (2148, Kind.WARNING, Reaction.ALARM),
        (10197, Kind.WARNING, Reaction.NO_LIVE_DATA),
        (10182, Kind.WARNING, Reaction.RENEW_DATA),
        (162, Kind.REFUSAL, Reaction.ASK_LATER),
        (509, Kind.CONNECTIVITY, Reaction.RECONNECT),
        (2199, Kind.WARNING, Reaction.TELL),
        (9999, Kind.REFUSAL, Reaction.TELL),
    ],
)
def test_a_code_has_a_kind_and_a_reaction(code: int, kind: Kind, reaction: Reaction) -> None:
    assert (meaning(code).kind, meaning(code).reaction) == (kind, reaction)


def test_every_code_that_live_running_meets_is_in_the_table() -> None:
    from tradingd.brokers.ib.codes import MEANINGS

    wanted = {
        *(100, 103, 104, 105, 110, 135, 161, 162, 200, 201, 202, 321, 326, 354, 366, 399, 404, 434),
        *(10089, 10147, 10148, 10167, 10182, 10189, 10197, 10349, 1100, 1101, 1102, 1300),
        *(*range(2100, 2111), 2148, 2149, 2157, 2158, *range(501, 510)),
    }
    assert wanted <= set(MEANINGS)


def test_a_read_only_gateway_is_known_by_its_text_alone() -> None:
    assert is_read_only(
        321, "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode."
    )
    assert not is_read_only(321, "Error validating request.-'bN' : cause - Invalid quantity")
    assert not is_read_only(201, "Read-Only")
