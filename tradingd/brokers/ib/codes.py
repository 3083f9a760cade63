"""What the codes of TWS mean: one table of kinds and reactions, one of what a code proves about a command. No I/O.

Never: acts on a verdict, or reads the text beside a code, with one exception: a read-only gateway has no code of its
own. Source: https://www.interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#api-error-codes and what users report.
"""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What sort of message a code is."""

    INFORMATION = "information"
    WARNING = "warning"
    REFUSAL = "refusal"
    CONNECTIVITY = "connectivity"


class Reaction(StrEnum):
    """What the session or the feed does about a code that is not about a command of ours."""

    NONE = "none"
    TELL = "tell"
    ALARM = "alarm"
    """An operator should look at once."""
    THROTTLE = "throttle"
    NEXT_ID = "next_id"
    """An order id was used before: ask which is the next one."""
    LINK_LOST = "link_lost"
    LINK_BACK = "link_back"
    LINK_BACK_DATA_LOST = "link_back_data_lost"
    PORT_CHANGED = "port_changed"
    DATA_STALE = "data_stale"
    DATA_FLOWS = "data_flows"
    RENEW_DATA = "renew_data"
    """The request was lost on their side: ask again."""
    NO_LIVE_DATA = "no_live_data"
    ASK_LATER = "ask_later"
    CLIENT_ID_TAKEN = "client_id_taken"
    RECONNECT = "reconnect"


class Command(StrEnum):
    """What was asked of the venue."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    MODIFY = "modify"
    QUERY = "query"


class Verdict(StrEnum):
    """What a code proves about a command."""

    NOTHING = "nothing"
    """It is not the command's answer: the order goes on as it was."""
    DEFINITE = "definite"
    """Proof that the command was not carried out."""
    AMBIGUOUS = "ambiguous"
    """Something went wrong, and only the venue's lists can tell what."""
    ENDED = "ended"
    """The order is over."""
    RETRYABLE = "retryable"
    """A question that may be put again."""


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    kind: Kind
    reaction: Reaction = Reaction.NONE


_I, _W, _R, _C = Kind.INFORMATION, Kind.WARNING, Kind.REFUSAL, Kind.CONNECTIVITY
_TELL = Reaction.TELL


def _rows(kind: Kind, reaction: Reaction, *codes: int) -> dict[int, Meaning]:
    return {code: Meaning(kind=kind, reaction=reaction) for code in codes}


MEANINGS: dict[int, Meaning] = {
    **_rows(_W, Reaction.THROTTLE, 100),  # more than 50 messages a second; at the third time they hang up
    **_rows(_R, Reaction.NEXT_ID, 103),
    **_rows(_R, _TELL, 101, 104, 135, 10147),
    **_rows(_R, _TELL, 105, 110, 161, 200, 201, 203, 321, 434, 10148, 10289, 10293),
    **_rows(_R, Reaction.ASK_LATER, 162),
    **_rows(_I, Reaction.NONE, 202),  # the end of an order: told as one
    **_rows(_C, Reaction.CLIENT_ID_TAKEN, 326),
    **_rows(_W, Reaction.NO_LIVE_DATA, 354, 10089, 10167, 10197),
    **_rows(_W, Reaction.RENEW_DATA, 102, 366, 10182, 10189, 10225),
    # Of an order that lives: it will be placed later, waits for a locate, or had its time in force changed by a preset.
    **_rows(_W, _TELL, 399, 404, 10349),
    **_rows(_C, Reaction.LINK_LOST, 1100, 2110),
    **_rows(_C, Reaction.LINK_BACK_DATA_LOST, 1101),
    **_rows(_C, Reaction.LINK_BACK, 1102),
    **_rows(_C, Reaction.PORT_CHANGED, 1300),
    **_rows(_I, Reaction.NONE, 2100, 2101, 2102, 2107, 2108, 2109),
    **_rows(_C, Reaction.DATA_STALE, 2103, 2105, 2157),
    **_rows(_I, Reaction.DATA_FLOWS, 2104, 2106, 2158),
    **_rows(_W, Reaction.ALARM, 2148, 2149),  # margin: the account is about to be liquidated
    **_rows(_I, Reaction.NONE, 501),
    **_rows(_C, Reaction.RECONNECT, 502, 503, 504, 505, 506, 507, 508, 509),
}
_UNKNOWN_NOTICE = Meaning(kind=Kind.WARNING, reaction=Reaction.TELL)
_UNKNOWN = Meaning(kind=Kind.REFUSAL, reaction=Reaction.TELL)

_D, _A, _N, _E = Verdict.DEFINITE, Verdict.AMBIGUOUS, Verdict.NOTHING, Verdict.ENDED

# code -> what it proves about a submit, a cancel, a modify.
_VERDICTS: dict[int, tuple[Verdict, Verdict, Verdict]] = {
    100: (_A, _A, _A),
    103: (_A, _N, _A),  # the id was used: by this very order, if it was sent before
    104: (_A, _N, _D),
    105: (_A, _N, _D),
    110: (_D, _N, _D),
    135: (_A, _A, _A),
    161: (_N, _D, _N),
    200: (_D, _N, _D),
    201: (_D, _D, _D),
    202: (_E, _E, _E),
    203: (_D, _N, _D),
    321: (_D, _D, _D),
    434: (_D, _N, _D),
    504: (_D, _D, _D),
    10147: (_N, _A, _N),  # not this client's, or finished long ago
    10148: (_N, _D, _N),
    10289: (_D, _N, _D),
    10293: (_D, _N, _D),
}
_PLACES = {Command.SUBMIT: 0, Command.CANCEL: 1, Command.MODIFY: 2}


def meaning(code: int) -> Meaning:
    """The row of a code; one that is not in the table is a warning from 2100 to 2199 and a refusal elsewhere."""
    found = MEANINGS.get(code)
    if found is not None:
        return found
    return _UNKNOWN_NOTICE if 2100 <= code < 2200 else _UNKNOWN


def judge(command: Command, code: int) -> Verdict:
    """What an error code that names a command's order or request proves about the command.

    A code that nobody has met yet proves nothing about an order: only the venue's lists can tell.
    """
    known = meaning(code)
    if command is Command.QUERY:
        if known.kind in (Kind.INFORMATION, Kind.WARNING):
            return Verdict.NOTHING
        return Verdict.RETRYABLE if known.reaction is Reaction.ASK_LATER else Verdict.DEFINITE
    if (verdicts := _VERDICTS.get(code)) is not None:
        return verdicts[_PLACES[command]]
    return Verdict.NOTHING if code in MEANINGS or known.kind is Kind.WARNING else Verdict.AMBIGUOUS


def answers_cancel_alone(code: int) -> bool:
    """True for a code that can be the answer to a cancel and to nothing else."""
    submit, cancel, modify = _VERDICTS.get(code, (_N, _N, _N))
    return cancel is not _N and submit is modify is _N


def is_read_only(code: int, text: str) -> bool:
    """True for the refusal of a gateway whose interface is set to read only."""
    return code == 321 and "read-only" in text.lower()


READ_ONLY_REMEDY = (
    "the API of TWS or IB Gateway is read-only: clear Configure > Settings > API > Settings > Read-Only API there"
)
