"""Questions about the settings models: which model, field or type stands at a path.

Owns: the walk through nested models, arrays of tables and unions told apart by `kind`. Never validates.
"""

import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tradingd.settings.problems import KeyPath


def alternatives(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, `Annotated` and `None` stripped."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from alternatives(member)
    elif annotation is not type(None):
        yield annotation


def key_of(name: str, field: FieldInfo) -> str:
    """The key that a field has in the file."""
    return field.alias or name


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields by their keys in the file."""
    return {key_of(name, field): field for name, field in model.model_fields.items()}


def model_of(annotation: Any, data: Any) -> type[BaseModel] | None:
    """The model that reads `data` here; among several the one whose `kind` it names, else the one with a default."""
    models = [a for a in alternatives(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
    if len(models) <= 1:
        return models[0] if models else None
    kind = data.get("kind") if isinstance(data, dict) else None
    for model in models:
        field = model.model_fields["kind"]
        if kind in get_args(field.annotation) or (kind is None and not field.is_required()):
            return model
    return None


def kinds_of(annotation: Any) -> list[str]:
    """The words that `kind` may be at a union of models."""
    models = [a for a in alternatives(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
    return [word for m in models if "kind" in m.model_fields for word in get_args(m.model_fields["kind"].annotation)]


def child(annotation: Any, step: str | int, data: Any) -> Any | None:
    """The type one step further down, None where there is nothing of that name."""
    model = model_of(annotation, data)
    if model is not None:
        field = fields_of(model).get(str(step))
        return None if field is None else field.annotation
    for option in alternatives(annotation):
        if option is Any:
            return Any
        arguments = get_args(option)
        if get_origin(option) is tuple and isinstance(step, int):
            return arguments[0]
        if get_origin(option) is dict and isinstance(step, str):
            return arguments[1]
    return None


def step_into(data: Any, step: str | int) -> Any:
    """The value one step further down, None where there is none."""
    if isinstance(data, dict):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
        return data[step]
    return None


def annotation_at(root: Any, path: KeyPath, data: Any) -> Any | None:
    """The type at a path, None where there is nothing of that name."""
    annotation = root
    for step in path:
        annotation = child(annotation, step, data)
        if annotation is None:
            return None
        data = step_into(data, step)
    return annotation


def value_at(data: Any, path: KeyPath) -> Any:
    """The value at a path, None where there is none."""
    for step in path:
        data = step_into(data, step)
    return data


def is_secret(annotation: Any) -> bool:
    """True when a value of this type must never be shown."""
    return any(option is SecretStr for option in alternatives(annotation))


def is_text(annotation: Any) -> bool:
    """True when every value of this type is text in the file."""
    return all(_is_text_option(option) for option in alternatives(annotation))


def _is_text_option(option: Any) -> bool:
    if get_origin(option) is Literal:
        return all(isinstance(word, str) for word in get_args(option))
    option = getattr(option, "__supertype__", option)  # a NewType stands for its base
    return isinstance(option, type) and (
        issubclass(option, str | Path | SecretStr) or (issubclass(option, Enum) and issubclass(option, str))
    )


def known_keys(annotation: Any, data: Any) -> list[str]:
    """Keys that may stand at this place."""
    model = model_of(annotation, data)
    return list(fields_of(model)) if model is not None else []
