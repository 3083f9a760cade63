"""How the venue tells its operator something: a callback, so that the venue knows no logger."""

from collections.abc import Callable
from typing import TypeAlias

LogSink: TypeAlias = Callable[[str, str, str, dict[str, object]], None]
"""Takes level (`INFO`, `WARNING`, `ERROR`), dotted event name, message, details."""
