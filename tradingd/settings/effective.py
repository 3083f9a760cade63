"""The configuration as it is in force, for people and for editors.

Emits: every key with its value as TOML and where it came from, secrets masked; and the JSON Schema.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.problems import KeyPath, format_key
from tradingd.settings.root import Settings
from tradingd.settings.shape import key_of

MASK = "********"
NOT_SET = "# not set"


def effective_settings(loaded: LoadedSettings) -> list[tuple[str, str, str]]:
    """List (dotted key, value as TOML text, provenance) of every setting; `# not set` stands for an optional one."""
    return [
        (format_key(path), toml_text(value), loaded.provenance(path)) for path, value in leaves((), loaded.settings)
    ]


def settings_schema() -> dict[str, Any]:
    """JSON Schema of the configuration file."""
    schema = Settings.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "tradingd configuration"
    return schema


def leaves(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, Any]]:
    """Every setting below a path, with the value in force."""
    match value:
        case BaseModel():
            for name, field in type(value).model_fields.items():
                yield from leaves((*path, key_of(name, field)), getattr(value, name))
        case dict() if value:
            for key, item in value.items():
                yield from leaves((*path, key), item)
        case tuple() if value and isinstance(value[0], BaseModel):
            for index, item in enumerate(value):
                yield from leaves((*path, index), item)
        case _:
            yield path, value


def toml_text(value: Any) -> str:
    """Write a value as TOML, a secret as its mask."""
    match value:
        case None:
            return NOT_SET
        case bool():
            return "true" if value else "false"
        case SecretStr():
            return f'"{MASK}"'
        case Enum():
            return toml_text(value.value)
        case str() | Path():
            # JSON's escapes are TOML's, but for DEL.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")
        case Decimal():
            return format(value, "f")
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(toml_text, value))}]"
        case dict():
            return "{" + ", ".join(f"{format_key((key,))} = {toml_text(item)}" for key, item in value.items()) + "}"
    return value.isoformat() if hasattr(value, "isoformat") else json.dumps(str(value))
