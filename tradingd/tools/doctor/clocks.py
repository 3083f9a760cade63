"""What the doctor asks of the clocks: this machine's against the venue's, and whether anything keeps it right."""

import errno
import struct
from decimal import Decimal

from tradingd.core.market import NS_PER_SECOND
from tradingd.tools.doctor.findings import Finding, Part, failed, ok, unchecked, warning

_PART = Part.CLOCK
WARN_AFTER_S = 2
"""More than a venue that tells whole seconds alone can make of a right clock."""
FAIL_AFTER_S = 10
_STA_UNSYNC = 0x0040
_TIMEX = struct.Struct("@Illlli")
"""The kernel's `struct timex` up to its status: modes, offset, freq, maxerror, esterror, status."""
_TIMEX_BYTES = 512
"""More than the whole of it takes anywhere."""
_MILLISECOND_NS = 1_000_000
_REMEDY = "have the system keep time, for example with systemctl enable --now systemd-timesyncd or chrony"


def offset_ms(offset_ns: int) -> Decimal:
    """A difference of clocks in milliseconds."""
    return Decimal(offset_ns // _MILLISECOND_NS)


def judge_offset(offset_ns: int | None) -> Finding:
    """Say what a difference between the venue's clock and ours means; None when the venue does not tell."""
    check = "venue's clock"
    if offset_ns is None:
        return unchecked(_PART, check, "the venue does not tell the time", "compare it with another clock by hand")
    seconds = abs(offset_ns) / NS_PER_SECOND
    direction = "behind" if offset_ns > 0 else "ahead of"
    text = f"this machine is {seconds:.3f} s {direction} the venue"
    if seconds > FAIL_AFTER_S:
        return failed(_PART, check, f"{text}: bars, day limits and sessions would be cut at the wrong time", _REMEDY)
    if seconds > WARN_AFTER_S:
        return warning(_PART, check, text, _REMEDY)
    return ok(_PART, check, text)


def check_synchronised() -> Finding:
    """Ask the kernel whether its clock is kept by NTP."""
    import ctypes

    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # all zero: nothing is to be set
    if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
        # A sandbox may forbid the call, since the same one sets the clock.
        return judge_synchronisation(None, errno.errorcode.get(ctypes.get_errno(), "an error"))
    return judge_synchronisation(_TIMEX.unpack_from(timex)[-1], "")


def judge_synchronisation(status: int | None, error: str) -> Finding:
    """Say what the kernel's status word means; None when it was not told, for the reason `error`."""
    check = "time synchronisation"
    if status is None:
        return unchecked(_PART, check, f"the kernel does not tell here ({error})", "see timedatectl outside the unit")
    if status & _STA_UNSYNC:
        return warning(_PART, check, "the kernel says that nothing keeps this machine's clock", _REMEDY)
    return ok(_PART, check, "the kernel says that this machine's clock is kept")
