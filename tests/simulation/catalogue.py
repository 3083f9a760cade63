"""The fault catalogue: 87 faults that really happened to programs like this one, each with the right behaviour.

A row is shown by one test, or says why this program cannot meet the fault. `coverage` holds rows and tests together.
"""

from enum import StrEnum

import msgspec


class Group(StrEnum):
    """What a fault is about."""

    SENDING = "A. Sending an order"
    CANCELLING = "B. Cancel, replace, bracket, overfill"
    FILLS = "C. Fills and identities"
    RESTARTS = "D. Reconciliation and restart"
    SESSIONS = "E. Connection and broker sessions"
    MARKET = "F. Market data and time"
    JOURNAL = "G. Journal and disk"
    OPERATING = "H. Operator, configuration, control"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One fault."""

    id: str
    group: Group
    sentence: str
    """The right behaviour."""
    reason: str = ""
    """Why no test shows it; empty for a row with a test."""


def _rows(group: Group, sentences: dict[str, str], reasons: dict[str, str] | None = None) -> list[Row]:
    why = reasons or {}
    return [Row(id=name, group=group, sentence=text, reason=why.get(name, "")) for name, text in sentences.items()]


ROWS: tuple[Row, ...] = (
    *_rows(
        Group.SENDING,
        {
            "F01": (
                "A submit without an answer stays unknown and counted at full size, and its symbol takes no new risk, "
                "until the venue shows its order; then it goes on with what is true."
            ),
            "F02": (
                "An order is sent once, whatever breaks; a second send on purpose has the same id, which being "
                "taken proves that the first arrived."
            ),
            "F03": (
                "An id is never used again, not after a cancel nor after a restart, and one that the venue calls "
                "taken is looked up under that id."
            ),
            "F04": (
                "A lookup right after the submit says that there is no such order: nothing is sent again, and the "
                "order is found."
            ),
            "F05": (
                "An order that filled before it was first asked for is found filled: until then it is in doubt, "
                "with an alarm, and never taken for rejected."
            ),
            "F06": "A fill before the acknowledgement counts at once, and the late one moves nothing back.",
            "F07": "Executions alone move quantities: no status word has to come, and none adds anything.",
            "F08": (
                "A fill told twice counts once, and one without a price overwrites none: it is told, and asked for."
            ),
            "F09": (
                "An execution is booked with its own quantity, never the cumulative one; the sum is what the venue "
                "says has filled."
            ),
            "F10": (
                "An answer of success without an order in it proves nothing until a lookup does, and is kept as it "
                "came."
            ),
            "F11": (
                "Orders sent at once get a verdict each: one refused, one unanswered and one taken do not touch one "
                "another."
            ),
            "F12": (
                "An order refused here never leaves, also one stopped after its intent was written, and the journal "
                "holds the verdict with its code."
            ),
            "F13": (
                "A price off the tick of its own height is rounded away from the market, never through the limit, "
                "or refused."
            ),
            "F14": "A quantity that rounds to nothing is refused, and asking on and on stops the strategy.",
            "F15": (
                "A strategy that sends the same order again and again is stopped, across restarts, until a named "
                "operator resumes."
            ),
            "F16": (
                "An exit is sent when its entry has filled, for what has filled, and never ahead of it; one by hand "
                "that could meet the entry is refused."
            ),
        },
    ),
    *_rows(
        Group.CANCELLING,
        {
            "F17": (
                "What takes the place of an order is sized once its cancel is confirmed, with what had filled by then."
            ),
            "F18": (
                "A cancel is a request: an order that filled meanwhile is found filled, and a fill after a "
                "confirmed cancel counts and is told."
            ),
            "F19": (
                "A cancel deletes nothing: what the journal held before, it holds for ever, and the part that had "
                "filled stays a trade."
            ),
            "F20": (
                "A refused cancel is not fatal: the order is asked for, and a start that meets an ended order goes on."
            ),
            "F21": (
                "A fill between a cancel and its confirmation counts, and one of nothing does not; the venue says "
                "how it ends."
            ),
            "F22": (
                "The end of an order's old leg is not the order's end: the new leg works on under our name, and its "
                "fills are ours."
            ),
            "F23": (
                "A new quantity is the order's total: what had filled before counts in it, at the venue and here, "
                "and the larger of both totals stays inside the limits."
            ),
            "F24": (
                "A replace that was carried out behind a lost answer is in doubt at the worse of both terms, brings "
                "no third order, and is found."
            ),
            "F25": (
                "An order whose cancel never ends stays counted and visible, with an alarm, for as long as the "
                "venue says nothing else."
            ),
            "F26": (
                "A second live order of one intent, found after a lost connection, is cancelled, and its symbol "
                "halted with an alarm."
            ),
            "F27": (
                "More filled than ordered is booked as it is, told, and stops new risk in the symbol, across a crash."
            ),
            "F28": (
                "Of a bracket one exit works at a time, for what is held, and when both fill after all what was too "
                "much is taken back with an alarm."
            ),
        },
    ),
    *_rows(
        Group.FILLS,
        {
            "F29": "Executions that a reconnect tells again count once, also after a restart and in another order.",
            "F30": (
                "A fill that comes by the stream and by a question under two names counts once, whichever comes first."
            ),
            "F31": "One execution id over several of our orders is an execution of each of them, once.",
            "F32": (
                "An execution of an order that nobody here knows is told, and its position booked as external: "
                "never dropped."
            ),
            "F33": (
                "An order by other hands is never taken for ours, however alike: it is external, visible, and "
                "counts in risk."
            ),
            "F34": "Ids are never given out again when the venue's counter of them goes back.",
            "F35": (
                "A fee that comes after its fill is pending until it is told, or until the venue's cash shows it; a "
                "rebate counts as one, and the ledger balances at every step."
            ),
        },
    ),
    *_rows(
        Group.RESTARTS,
        {
            "F36": (
                "Nothing is sent before what the venue holds beyond the journal is taken in, once and with its "
                "cause, or halts trading, as the policy says."
            ),
            "F37": "A question that failed is not an empty answer, and changes nothing.",
            "F38": (
                "A list of orders is read past its page, whether or not the page was exactly full: no open order "
                "vanishes."
            ),
            "F39": "A snapshot taken before a fill, or across it, does not undo the fill.",
            "F40": (
                "A difference that never comes to rest is not corrected for ever: after some answers its symbol is "
                "halted, with the reason."
            ),
            "F41": (
                "A correction has the same name in every process that finds it, and is booked once however often "
                "the daemon starts."
            ),
            "F42": (
                "A start calls no strategy back about the past that the journal holds: it finds its position, and "
                "bars of the past come as history."
            ),
            "F43": "An execution belongs to the order that it names, never to one of the same symbol and time.",
            "F44": (
                "Another account's journal is refused, one account has one daemon, and another daemon's orders are "
                "external even under our strategies' names."
            ),
            "F45": (
                "A quantity that jumps overnight as in a split blocks its symbol for all that does not reduce, "
                "cancels what rests there, and stays so across restarts until somebody confirms."
            ),
        },
    ),
    *_rows(
        Group.SESSIONS,
        {
            "F46": (
                "A link that is back with its data kept (1100, 1102) has orders and positions asked for before new "
                "risk."
            ),
            "F47": (
                "A link that is back with its data lost (1101) has its subscriptions renewed, its symbols stale "
                "until then."
            ),
            "F48": (
                "A fill told while the link counts as down is booked at once, and one not told is found as soon as "
                "the link is back."
            ),
            "F49": (
                "A symbol whose data stops while the rest flows takes no new orders, with an alarm, by the time of "
                "its last arrival here."
            ),
            "F50": (
                "While the session is away no order leaves, one sent before stays in doubt at full size, and an "
                "outage that lasts raises an alarm for both."
            ),
            "F51": (
                "A session that the venue does not give yet, as after a crash of ours, is asked for again under the "
                "same name."
            ),
            "F52": "Messages stay below the pace that the venue allows, cancels first.",
            "F53": (
                "An order refused for the rate is not at the venue, a question waits as long as it is told to, and "
                "cancels have no share in the limit of orders."
            ),
            "F54": (
                "A slot held by a ghost is waited for ever longer, to a cap and never in step with others, and no "
                "order leaves meanwhile."
            ),
            "F55": (
                "A stream that is up and says nothing is seen through by questions: what happened is booked while "
                "it is still silent."
            ),
            "F56": (
                "A single fill that a healthy stream drops is found within its period, and a strategy that asks for "
                "its exit again and again is stopped."
            ),
            "F57": ("Every new session asks for what came since before the last execution, however long ago that was."),
            "F58": (
                "A task that dies ends the process with its error, also the order stream's, or is started again and "
                "told: none ends unseen."
            ),
            "F59": (
                "A loop that a strategy blocks is told, and while the trading path stands still it is not called alive."
            ),
        },
    ),
    *_rows(
        Group.MARKET,
        {
            "F60": (
                "A price that is none (NaN, infinite, negative, zero) is turned away at the door and counted: "
                "nothing is shown, marked, sized or filled by it."
            ),
            "F61": (
                "A locked quote is legal, and a crossed one prices nothing until it is repaired, nor does it keep a "
                "symbol fresh."
            ),
            "F62": "A single wild print moves no stop, no mark and no strategy, unless the next one says the same.",
            "F63": (
                "Strategies see each bar once, in order: repeated and late ones are dropped and counted, a revised one "
                "is told and kept for history."
            ),
            "F64": "A quiet time makes no bars, and is told when it lasts: no flat bar is invented for it.",
            "F65": (
                "A bar is shown only after its close, built here or fetched from a history that lists the forming one."
            ),
            "F66": (
                "An order is neither priced nor sized by an old quote, nor by a price from before a restart: it is "
                "refused."
            ),
            "F67": (
                "Days open and close in the exchange's own time, half days at one, and take their day orders along."
            ),
            "F68": (
                "A wall clock that jumps by an hour raises an alarm, ends no wait and no order, and what came "
                "meanwhile is found."
            ),
        },
    ),
    *_rows(
        Group.JOURNAL,
        {
            "F69": (
                "What the journal does not take is not sent, and what it misses after the send is found again by "
                "the next process."
            ),
            "F70": (
                "A disk that is short lets no order leave, and every brake still works: cancels, a halt, and what "
                "is out is booked."
            ),
            "F71": (
                "A process killed around a send finds out at its next start what became of the intent, and never "
                "sends it again."
            ),
            "F72": (
                "A journal put back to an older state is held against the venue: what it misses is taken in before "
                "anything is sent, and no id is used again."
            ),
            "F73": (
                "Rows that the database loses are made again, for the journal alone is the truth; the version of "
                "SQLite is in it."
            ),
            "F74": (
                "A last line that was altered is set aside whole, and what it said is had from the venue; damage "
                "before it is refused."
            ),
            "F75": (
                "A stop takes every step though the database fails: orders first, files last, and the journal says "
                "how it ended."
            ),
        },
    ),
    *_rows(
        Group.OPERATING,
        {
            "F76": (
                "The halt works though the journal does not, and so do cancels: the last gate before the wire needs "
                "nothing."
            ),
            "F77": "A stop closes the gate first: orders wished for after it are refused by name, and none leaves.",
            "F78": (
                "A signal is followed by the stop that was configured, within its time, and by a last line of what "
                "is still out."
            ),
            "F79": (
                "A stop that cannot confirm its cancels ends in time with a list of them, and the next start "
                "settles them first and sends nothing again."
            ),
            "F80": ("An order in flight at a stop is booked when it fills after the gate, or found by the next start."),
            "F81": (
                "Each limit that is misspelt, negative or no number is refused by its name, and one left out is "
                "still a limit or off by a stated default."
            ),
            "F82": (
                "A paper journal is not opened live, nor the other way, a replay touches no account, and the mode "
                "is told at every start."
            ),
            "F83": "No failure shows a key, in whatever spelling, and the log cuts out what others echo.",
            "F84": (
                "The control socket is its user's alone and takes no giant or garbled request, and a command that "
                "comes again changes nothing and has its operator's name in the journal."
            ),
            "F85": (
                "One journal and one account have one daemon: a second names the first, and the death of that sets "
                "both free."
            ),
            "F86": (
                "A strategy that raises, asks for nonsense or takes for ever harms itself alone: it is stopped, its "
                "orders are cancelled, others trade on."
            ),
            "F87": (
                "Profit is counted once through closes, reopenings and flips, in any order: the ledger balances to "
                "the last digit after every fill."
            ),
        },
    ),
)
