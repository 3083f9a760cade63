"""The secret values of a configuration, for the log to cut out."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, SecretStr


def secret_values(model: BaseModel) -> frozenset[str]:
    """Every secret that stands anywhere in a model."""
    return frozenset(_find(model))


def _find(value: object) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from _find(getattr(value, name))
        case Mapping():
            for item in value.values():
                yield from _find(item)
        case tuple() | list():
            for item in value:
                yield from _find(item)
        case _:
            pass
