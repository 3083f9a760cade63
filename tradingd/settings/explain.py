"""What pydantic found, in the operator's words.

Owns: one sentence for each kind of validation error, with the near miss or the rule that was broken. Never shows the
value of a secret, and no value of a wrong type at all.
"""

from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tradingd.settings.problems import KeyPath, suggest
from tradingd.settings.shape import (
    annotation_at,
    fields_of,
    is_secret,
    key_of,
    kinds_of,
    known_keys,
    model_of,
    step_into,
    value_at,
)

_TYPE_WORDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "tuple_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "path_type": "a path in quotes",
    "decimal_type": "a number",
}
_COMPARISONS = {
    "greater_than": ("gt", "must be greater than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}


class Finding(NamedTuple):
    """One validation error: the key that it is about, what is wrong, and what would be right."""

    path: KeyPath
    message: str
    remedy: str
    is_missing: bool


def explain(root: Any, error: ValidationError, data: Any) -> list[Finding]:
    """Put every error of a validation into words."""
    details = error.errors(include_url=False, include_input=False)
    findings = [_explain_one(root, detail, data) for detail in details]
    # A union that failed as a whole may be told by several of its members.
    return list({(finding.path, finding.message): finding for finding in findings}.values())


def real_path(root: Any, loc: KeyPath, data: Any) -> KeyPath:
    """Leave out the steps that pydantic puts in for the member of a union that it tried."""
    annotation = root
    path: KeyPath = ()
    for step in loc:
        if step_into(data, step) is None and step in kinds_of(annotation):
            continue
        key = step
        model = None if annotation is None else model_of(annotation, data)
        if model is not None and step in model.model_fields and step_into(data, step) is None:
            key = key_of(str(step), model.model_fields[str(step)])  # a default is told by its field, not by its key
        annotation = None if annotation is None else annotation_at(annotation, (key,), data)
        path = (*path, key)
        data = step_into(data, key)
    return path


def _explain_one(root: Any, detail: ErrorDetails, data: Any) -> Finding:
    path = real_path(root, detail["loc"], data)
    kind, context = detail["type"], detail.get("ctx", {})
    parent = annotation_at(root, path[:-1], data) if path else None
    annotation = annotation_at(root, path, data)
    value = value_at(data, path)
    hint = _describe(parent, path, data)
    match kind:
        case "extra_forbidden":
            keys = known_keys(parent, value_at(data, path[:-1])) if parent is not None else []
            message = "unknown section" if len(path) == 1 and isinstance(value, dict | list) else "unknown key"
            return Finding(path, message, suggest(str(path[-1]), keys), False)
        case "missing":
            return Finding(path, "is missing", hint, True)
        case "union_tag_invalid" | "union_tag_not_found":
            return _explain_kind(path, kinds_of(annotation), value)
        case "literal_error" | "enum":
            words = str(context.get("expected", ""))
            known = [word.strip("' ") for word in words.replace(" or ", ", ").split(",")]
            if is_secret(annotation) or not isinstance(value, str):
                return Finding(path, f"must be one of {', '.join(known)}, not {_type_word(value)}", "", False)
            return Finding(path, f'"{value}" is not one of {", ".join(known)}', suggest(value, known), False)
        case "value_error":
            text = str(context["error"])
            return Finding(path, text, hint if text.startswith("must ") else "", False)
        case "too_short" | "string_too_short":
            return Finding(path, "must not be empty", hint, False)
    if kind in _TYPE_WORDS:
        return Finding(path, f"must be {_TYPE_WORDS[kind]}, not {_type_word(value)}", hint, False)
    if kind in _COMPARISONS:
        name, words = _COMPARISONS[kind]
        shown = "" if is_secret(annotation) else f", not {value}"
        return Finding(path, f"{words} {context[name]}{shown}", hint, False)
    if kind == "string_pattern_mismatch":
        shown = "the value" if is_secret(annotation) else f'"{value}"'
        return Finding(path, f"{shown} is not of the right form", hint or f"pattern {context['pattern']}", False)
    return Finding(path, detail["msg"], hint, False)


def _explain_kind(path: KeyPath, kinds: list[str], value: Any) -> Finding:
    word = step_into(value, "kind")
    key = (*path, "kind")
    if word is None:
        return Finding(key, "is missing", f"one of {', '.join(kinds)}", True)
    if not isinstance(word, str):
        return Finding(key, f"must be text in quotes, not {_type_word(word)}", f"one of {', '.join(kinds)}", False)
    return Finding(key, f'"{word}" is not one of {", ".join(kinds)}', suggest(word, kinds), False)


def _describe(parent: Any, path: KeyPath, data: Any) -> str:
    """The description of the field at a path, as a remedy."""
    if parent is None or not path:
        return ""
    model = model_of(parent, value_at(data, path[:-1]))
    field = fields_of(model).get(str(path[-1])) if model is not None else None
    return (field.description or "").rstrip(".") if field is not None else ""


def _type_word(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction"
        case str():
            return "text"
        case list():
            return "an array"
        case dict():
            return "a table"
    return "a date or time"
