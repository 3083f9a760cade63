"""What the doctor asks of the journal: whether it can be read on from, and whether all of it can be proved.

Reads: the segments. Never: takes the journal's lock, or mends a line.
"""

from functools import partial

import msgspec

from tradingd.core.books import Books
from tradingd.core.conflicts import find_conflicts
from tradingd.errors import TradingdError
from tradingd.journal.segments import Tail, is_locked, load, segment_paths
from tradingd.journal.verify import JournalProof, verify
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths
from tradingd.settings.to_core import configuration_facts
from tradingd.tools.doctor.bounded import bounded
from tradingd.tools.doctor.findings import Finding, Part, failed, ok, unchecked, warning

_PART = Part.JOURNAL


class JournalView(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know of a journal."""

    findings: tuple[Finding, ...]
    books: Books | None = None
    """None when there is no journal, or it cannot be read."""
    is_running: bool = False
    """Whether a daemon writes it now."""


async def check_journal(paths: StatePaths, within_s: float) -> JournalView:
    """Read it as a start would, then prove it from its first line."""
    folder = paths.journal
    findings: list[Finding] = []
    books: Books | None = None
    running = False
    try:
        if not await bounded(partial(segment_paths, folder), within_s):
            return JournalView(findings=(ok(_PART, "journal", f"there is none in {folder} yet"),))
        running = await bounded(partial(is_locked, folder), within_s)
        if running:
            findings.append(
                warning(
                    _PART,
                    "daemon",
                    "a daemon runs with this journal",
                    "stop it before a second one is started with this configuration",
                )
            )
        books, tail = await bounded(partial(load, folder), within_s)
        findings.append(_judge_tail(tail, is_running=running))
        proof = await bounded(partial(verify, folder, is_written=running), within_s)
        findings.append(_judge_proof(proof, tail))
    except TimeoutError:
        text = f"reading {folder} took more than {within_s:g} s"
        findings.append(unchecked(_PART, "proof", text, "prove it with tradingd journal verify"))
    except TradingdError as error:
        findings.append(failed(_PART, "journal", str(error), "see what tradingd journal verify says of it"))
    except OSError as error:
        text = f"{folder} cannot be read: {error.strerror}"
        findings.append(failed(_PART, "journal", text, "run this as the daemon's user"))
    return JournalView(findings=tuple(findings), books=books, is_running=running)


def compare_with_books(loaded: LoadedSettings, books: Books) -> list[Finding]:
    """Judge the configuration against what is held, as a start does before anything trades."""
    conflicts = find_conflicts(configuration_facts(loaded.settings), books)
    if not conflicts:
        return [ok(_PART, "holdings", "the configuration goes with what the journal holds")]
    return [
        failed(
            _PART,
            "holdings",
            str(loaded.problem(conflict.place, conflict.message)),
            "; or ".join(conflict.ways_out),
        )
        for conflict in conflicts
    ]


def _judge_tail(tail: Tail, *, is_running: bool) -> Finding:
    if tail.bad is not None and not is_running:
        return warning(
            _PART,
            "journal",
            f"line {tail.bad.line} of its last segment: {tail.bad.reason}; a start sets it aside and asks the venue "
            f"for everything since entry {tail.seq}",
            "look at the account after the next start with tradingd reconcile --plan",
        )
    return ok(_PART, "journal", f"a start can go on after its {tail.seq} entries")


def _judge_proof(proof: JournalProof, tail: Tail) -> Finding:
    bad_line = None if tail.bad is None else tail.bad.line
    damage = [
        found for found in proof.damage if not (found.line == bad_line and found.file.endswith(proof.segments[-1].file))
    ]
    if damage:
        first = damage[0]
        return failed(
            _PART,
            "proof",
            f"{first.file}:{first.line}: {first.reason}",
            "restore the segment from a backup, or find out who changed it",
        )
    if proof.set_aside:
        text = f"all of it is proved; starts have set lines aside before: {', '.join(proof.set_aside)}"
        return warning(_PART, "proof", text, "keep these files for whoever looks into it")
    if proof.unproved:
        return warning(_PART, "proof", f"nothing proves {proof.unproved}", "keep the older segments beside it")
    return ok(_PART, "proof", f"every one of its {proof.entries} lines is proved")
