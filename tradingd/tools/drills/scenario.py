"""What a drill does, read from a TOML file as strictly as a configuration.

Owns: the shape of a scenario, and the list of those that are shipped. Emits: a `Scenario`, or every problem with its
place. Never: guesses what an unknown fault could mean.
"""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, ValidationError, model_validator

from tradingd.errors import UsageError
from tradingd.settings.explain import explain
from tradingd.settings.fields import NonNegativeFloat, PositiveFloat, PositiveInt, Section
from tradingd.settings.load import parse_toml, read_text, sort_problems
from tradingd.settings.loaded import SettingsSource
from tradingd.settings.problems import ConfigurationProblems, near_miss
from tradingd.venue.fault_rules import FaultRule

SUFFIX = ".toml"


class Trigger(Section):
    """An occasion: so many of something have been seen at the venue since the start."""

    what: Literal["submits", "executions", "cancels", "replaces", "faults", "listens"] = Field(
        description="What is counted: requests (submits, cancels, replaces), executions, faults that were committed, "
        "or times that a client began to listen to orders."
    )
    count: PositiveInt = Field(default=1, description="How many.")


class Act(Section):
    """Something that happens to the processes, or that the operator does."""

    kind: Literal[
        "kill_daemon", "stop_daemon", "kill_venue", "stop_venue", "kill_both", "second_daemon", "halt", "resume"
    ] = Field(
        description="kill: SIGKILL; stop: SIGTERM; both are followed by a start. second_daemon: a second start beside "
        "the first; halt, resume: the operator's commands."
    )
    down_s: NonNegativeFloat = Field(default=0.0, description="Seconds between the end of a process and its start.")


class Step(Section):
    """One thing that happens: a fault of the venue, or an act."""

    at_s: NonNegativeFloat = Field(default=0.0, description="Seconds after the daemon was ready.")
    spread_s: NonNegativeFloat = Field(default=0.0, description="Up to so much later, as the seed draws.")
    before_start: bool = Field(default=False, description="Before the daemon is started for the first time.")
    after: Trigger | None = Field(default=None, description="Not before this occasion.")
    fault: FaultRule | None = Field(default=None, description="A fault of the venue.")
    act: Act | None = Field(default=None, description="An act.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Step":
        if (self.fault is None) == (self.act is None):
            raise ValueError("needs either fault or act")
        if self.before_start and (self.act is not None or self.after is not None):
            raise ValueError("before the start only a fault can be, and it waits for nothing")
        return self


Check = Literal[
    "order_was_unknown",
    "order_was_adopted",
    "account_was_corrected",
    "symbol_was_halted",
    "strategy_was_paused",
    "second_start_refused",
]


class Scenario(Section):
    """One drill."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")] = Field(description="Its name: a-z, 0-9 and -.")
    case: Annotated[str, Field(pattern=r"^F\d\d$")] = Field(description="The case of the fault catalogue, as F01.")
    sentence: Annotated[str, Field(min_length=1)] = Field(description="What goes wrong, in one sentence.")
    duration_s: PositiveFloat = Field(default=1.5, description="Seconds that the faults may last.")
    market_events_per_s: PositiveFloat = Field(default=300.0, description="Events of the market in a second.")
    added: Literal["none", "fidget", "breaker"] = Field(
        default="none",
        description="A strategy that is added: fidget places, changes and cancels limit orders; breaker raises.",
    )
    checks: Annotated[tuple[Check, ...], Strict(False)] = Field(
        default=(), description="What must have happened besides the checks that are always made."
    )
    steps: Annotated[tuple[Step, ...], Strict(False)] = Field(description="What happens, one [[steps]] table each.")

    @model_validator(mode="after")
    def _has_steps(self) -> "Scenario":
        # Not a bound of the field: pydantic would count steps with an error as missing.
        if not self.steps:
            raise ValueError("needs at least one [[steps]] table")
        return self


def read_scenario(path: Path) -> Scenario:
    """Read a scenario; raises `ConfigurationProblems` with the place of everything that is wrong."""
    text = read_text(path)
    data = parse_toml(path, text)
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        source = SettingsSource(path, text, {})
        problems = [
            source.problem(finding.path, finding.message, finding.remedy) for finding in explain(Scenario, error, data)
        ]
        raise ConfigurationProblems(sort_problems(problems)) from error


def shipped() -> dict[str, Path]:
    """The scenarios that come with the program, by name, in order of their cases."""
    folder = Path(str(files("tradingd.tools.drills") / "scenarios"))
    paths = [path for path in folder.iterdir() if path.suffix == SUFFIX]
    return {path.stem.partition("-")[2]: path for path in sorted(paths)}


def find_scenarios(asked: str | None) -> list[Scenario]:
    """The scenario of a name or path, or all that are shipped; raises `UsageError` when there is none."""
    known = shipped()
    if asked is None:
        return [read_scenario(path) for path in known.values()]
    if asked in known:
        return [read_scenario(known[asked])]
    by_case: list[Any] = [path for path in known.values() if path.name.upper().startswith(f"{asked.upper()}-")]
    if by_case:
        return [read_scenario(path) for path in by_case]
    if asked.endswith(SUFFIX) or "/" in asked:
        return [read_scenario(Path(asked))]
    meant = near_miss(asked, known)
    remedy = f"did you mean {meant}?" if meant else "--list names those there are; a file's name ends in .toml"
    raise UsageError(f"--scenario {asked}: there is no such scenario ({remedy})")
