"""A strategy's class and its parameters, from the names in the configuration.

Owns: importing the class and validating the parameters, once for `check` and for the start alike.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import BaseModel

from tradingd.core.identifiers import StrategyId, Symbol
from tradingd.errors import described
from tradingd.settings.problems import suggest

if TYPE_CHECKING:
    from tradingd.strategies.base import Strategy


class StrategyClassMissing(Exception):
    """The class cannot be had; `remedy` says what could be meant."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def import_strategy(class_path: str) -> "type[Strategy[Any]]":
    """Import `package.module:Class`; raises `StrategyClassMissing`."""
    from tradingd.strategies.base import Strategy

    module_name, _, name = class_path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name + ".").startswith(error.name + "."):
            raise StrategyClassMissing(f"there is no module {error.name}", "is its folder on PYTHONPATH?") from error
        raise StrategyClassMissing(f"{module_name} needs a module that is missing: {error.name}") from error
    except BaseException as error:  # an author's file may even call exit(): it is refused, with its place
        raise StrategyClassMissing(f"{module_name} cannot be imported: {described(error)}") from error
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        classes = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy
        ]
        what = f"{module_name} has no class {name}" if found is None else f"{name} is not a subclass of Strategy"
        raise StrategyClassMissing(what, suggest(name, classes) or "the module has no Strategy subclass")
    return found


def validate_params(strategy: "type[Strategy[Any]]", params: Mapping[str, Any]) -> BaseModel:
    """Read a `params` table by the class's model; raises pydantic's `ValidationError`.

    The rules are those of strict JSON, which suit TOML: no number from text and no text from numbers, but a decimal
    from either and a tuple from an array.
    """
    params_model: type[BaseModel] = strategy.Params
    return params_model.model_validate_json(msgspec.json.encode(dict(params)), strict=True)


def make_strategy(
    strategy: "type[Strategy[Any]]", strategy_id: StrategyId, symbols: Sequence[Symbol], params: BaseModel
) -> "Strategy[Any]":
    """Make one strategy, and ask what the start needs of it; raises `StrategyClassMissing` where that fails."""
    try:
        made = strategy(strategy_id, symbols, params)
        warmup = made.warmup
    except BaseException as error:  # its constructor is foreign code, as its callbacks are
        raise StrategyClassMissing(
            f"{strategy.__name__} cannot be made: {described(error)}", "mend its __init__ or its warmup"
        ) from error
    if type(warmup) is not int or warmup < 0:
        raise StrategyClassMissing(f"warmup of {strategy.__name__} is {warmup!r}", "let it give a number of bars")
    return made
