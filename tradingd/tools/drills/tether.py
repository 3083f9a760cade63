"""Tying a child to the life of the process that started it: it is killed with it, however that ends.

Owns: what the kernel is told between fork and exec (Linux, prctl(2), PR_SET_PDEATHSIG). A parent that gets SIGKILL can
end nothing itself.
"""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def tethered() -> Callable[[], None]:
    """Make what a child has to run before it becomes another program (`preexec_fn`).

    The child is tied to the thread that starts it: start children from one that lives as long as the process.
    """
    parent = os.getpid()

    def tie() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the kernel was told
            os._exit(1)

    return tie
