"""The whole configuration as one frozen model.

Owns: the list of sections. Never reads a file or the environment by itself: `load_settings` brings the sources.
"""

from typing import Annotated, Literal

from pydantic import Field, Strict
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tradingd.settings.broker import BrokerSettings, PaperBrokerSettings
from tradingd.settings.risk import RiskSettings
from tradingd.settings.sections import (
    DaemonSettings,
    DataSettings,
    ExecutionSettings,
    JournalSettings,
    PortfolioSettings,
    ReplaySettings,
    ReportingSettings,
    StrategySettings,
)
from tradingd.settings.venue import VenueSettings

ENV_PREFIX = "TRADINGD_"
ENV_DELIMITER = "__"


class Settings(BaseSettings):
    """Configuration of a tradingd process."""

    model_config = SettingsConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
    )

    daemon: DaemonSettings = Field(default=DaemonSettings(), description="The process.")
    data: DataSettings = Field(default=DataSettings(), description="Market data.")
    broker: BrokerSettings = Field(default=PaperBrokerSettings(), description="The account that orders go to.")
    venue: VenueSettings = Field(default=VenueSettings(), description="The built-in paper venue.")
    strategies: Annotated[tuple[StrategySettings, ...], Strict(False)] = Field(
        default=(), description="Strategies, one [[strategies]] table each."
    )
    risk: RiskSettings = Field(default=RiskSettings(), description="Limits.")
    execution: ExecutionSettings = Field(default=ExecutionSettings(), description="Orders.")
    portfolio: PortfolioSettings = Field(default=PortfolioSettings(), description="The books.")
    journal: JournalSettings = Field(default=JournalSettings(), description="The journal.")
    reporting: ReportingSettings = Field(default=ReportingSettings(), description="Performance reports.")
    replay: ReplaySettings = Field(default=ReplaySettings(), description="Replays of the past.")

    @property
    def account_kind(self) -> Literal["paper", "live"]:
        """Whether real money is at stake; the broker decides."""
        return self.broker.account_kind

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take nothing from this process's own environment: `load_settings` is given one."""
        return (init_settings,)
