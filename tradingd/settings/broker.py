"""The `[broker]` table: which account the orders go to."""

from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from tradingd.settings.fields import PositiveFloat, Secret, Section
from tradingd.settings.ib import IbBrokerSettings

LIVE_HOST = "api.alpaca.markets"
PAPER_HOST = "paper-api.alpaca.markets"


class PaperBrokerSettings(Section):
    """The built-in paper venue; `[venue]` describes it."""

    kind: Literal["paper"] = Field(default="paper", description="Orders go to the built-in paper venue.")

    @property
    def account_kind(self) -> Literal["paper", "live"]:
        """Always paper."""
        return "paper"

    @property
    def answer_within_s(self) -> float:
        """The embedded venue dies with the daemon: nothing is on its way to it after that."""
        return 0.0


class AlpacaBrokerSettings(Section):
    """An account at Alpaca, or at a server that speaks like it."""

    kind: Literal["alpaca"] = Field(description="Orders go to an Alpaca account.")
    account_kind: Literal["paper", "live"] = Field(
        default="paper", description="Whether real money is at stake; must agree with base_url."
    )
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = Field(
        default=f"https://{PAPER_HOST}", validate_default=True, description="Trading REST address."
    )
    stream_url: Annotated[str, Field(pattern=r"^wss?://[^\s]+$")] = Field(
        default=f"wss://{PAPER_HOST}/stream", validate_default=True, description="Order-update stream address."
    )
    data_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = Field(
        default="https://data.alpaca.markets", description="Market-data REST address."
    )
    api_key: Secret | None = Field(default=None, description="Key id, best from the environment or a credential.")
    api_secret: Secret | None = Field(
        default=None, description="Secret key, best from the environment or a credential."
    )
    timeout_s: PositiveFloat = Field(default=10.0, description="Seconds to wait for an answer to a request.")
    requests_per_minute: Annotated[int, Field(ge=0)] = Field(
        default=200, description="The venue's limit, which requests keep to by themselves; 0 knows none."
    )

    @property
    def answer_within_s(self) -> float:
        """How long a request may take to be carried out: after that it is given up."""
        return self.timeout_s

    @field_validator("base_url", "stream_url")
    @classmethod
    def _agrees_with_account(cls, url: str, info: Any) -> str:
        """Refuse an address of one kind of account under the name of the other."""
        kind, host = info.data.get("account_kind"), urlsplit(url).hostname
        if kind == "paper" and host == LIVE_HOST:
            raise ValueError(f'{LIVE_HOST} trades real money, but account_kind is "paper"')
        if kind == "live" and host == PAPER_HOST:
            raise ValueError(f'{PAPER_HOST} is the paper service, but account_kind is "live"')
        return url


def _default_kind(value: Any) -> Any:
    """A `[broker]` table without `kind` is the paper venue."""
    return {"kind": "paper", **value} if isinstance(value, dict) else value


_AnyBroker: TypeAlias = Annotated[
    PaperBrokerSettings | AlpacaBrokerSettings | IbBrokerSettings, Field(discriminator="kind")
]
BrokerSettings: TypeAlias = Annotated[_AnyBroker, BeforeValidator(_default_kind)]
"""The `[broker]` table."""
