"""The one place that loads ib_insync, or ib_async where that is installed instead.

Owns: the choice of the library and the order of loading. Never: imports it before a loop runs, since it keeps the loop
that the policy knows at its first import; and never uses its `IB` class, whose trades change by guesses (an order that
an error names counts as cancelled there although it may live): only its socket client, its decoder and its records.
"""

import asyncio
from importlib import import_module
from typing import Any

import msgspec

from tradingd.errors import UsageError

NAMES = ("ib_insync", "ib_async")
"""Both can never be installed together: they bring different packages of the same name."""


class Library(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of the library: its socket client and the records that requests are made of."""

    name: str
    client: Any
    contract: Any
    order: Any
    execution_filter: Any


def load_library() -> Library:
    """Load the library for the running loop. Raises `UsageError` where there is none."""
    # Under uvloop.run the running loop is not the one that the policy knows, and the library asks the policy.
    asyncio.set_event_loop(asyncio.get_running_loop())
    for name in NAMES:
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise UsageError(f"{name} is installed without its part {error.name}: {_REMEDY}") from error
            continue
        return Library(
            name=name,
            client=module.Client,
            contract=module.Contract,
            order=module.Order,
            execution_filter=module.ExecutionFilter,
        )
    raise UsageError(f'broker.kind = "ib" needs ib_insync: {_REMEDY}')


_REMEDY = "pip install 'tradingd[ib]'"
