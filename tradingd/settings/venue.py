"""Settings of the paper venue, the `[venue]` section: where it listens, whom it admits, what account it keeps."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


class VenueSession(StrEnum):
    """When the venue trades equities; crypto trades always."""

    ALWAYS_OPEN = "always_open"
    XNYS = "XNYS"


def _read_decimal(value: Any) -> Any:
    # A TOML float is read by the digits that its author wrote: 0.1 is 0.1.
    if isinstance(value, bool):
        raise ValueError("a number is needed")  # noqa: TRY004  # pydantic turns ValueError alone into a message
    if isinstance(value, int | float):
        return Decimal(repr(value))
    if isinstance(value, str):
        try:
            return Decimal(value)
        except ArithmeticError as error:
            raise ValueError("a number is needed") from error
    return value


def _read_session(value: Any) -> Any:
    return VenueSession(value) if isinstance(value, str) and value in list(VenueSession) else value


PositiveDecimal = Annotated[Decimal, BeforeValidator(_read_decimal), Field(gt=0, allow_inf_nan=False)]


class VenueSettings(BaseModel):
    """The paper venue: an Alpaca-compatible server with its own account."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(0, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    api_key: str = Field("paper", min_length=1, description="Key id that clients must present.")
    api_secret: SecretStr = Field(
        SecretStr("paper-secret"), min_length=1, description="Secret that clients must present."
    )
    starting_cash: PositiveDecimal = Field(Decimal(100_000), description="Cash of a new account, in US dollars.")
    session: Annotated[VenueSession, BeforeValidator(_read_session)] = Field(
        VenueSession.ALWAYS_OPEN,
        description="When equities trade: `always_open`, or `XNYS` for the hours and holidays of that exchange.",
    )
    rate_limit_per_minute: int = Field(200, ge=0, description="REST requests per minute and key; 0 sets no limit.")
    multiplier: Literal[1, 2, 4] = Field(4, description="Margin: 1 (cash account), 2 (overnight) or 4 (day trading).")
    shorting_enabled: bool = Field(True, description="Whether equities may be sold short.")
    symbol_limit: int = Field(
        0, ge=0, description="Symbols that one market-data connection may subscribe to; 0 sets no limit."
    )
    bar_days: int = Field(10, ge=1, le=3650, description="Days of one-minute bars that the venue keeps.")
