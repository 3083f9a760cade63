"""What a strategy may hand over: figures that the books can take, and state that the journal can give back.

Each raises in the strategy's own call, behind its wall.
"""

from decimal import Decimal

import msgspec

from tradingd.strategies.base import StateValue


def require_decimals(*figures: Decimal | None) -> None:
    """Raise `TypeError` unless every figure that is there is a `Decimal`."""
    for figure in figures:
        if figure is not None and not isinstance(figure, Decimal):
            raise TypeError(f"a quantity, price or trail is a Decimal, not the {type(figure).__name__} {figure!r}")


def require_keepable(state: dict[str, StateValue]) -> None:
    """Raise unless the journal would give the state back as it is: a strategy's slip must not make it unreadable."""
    kept = msgspec.json.decode(msgspec.json.encode(state), type=dict[str, StateValue])
    if kept != state:
        raise ValueError(f"self.state can keep str, int, float, bool and None, and would come back as {kept}")
