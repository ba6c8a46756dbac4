"""From a pydantic model to the structural schema that Kubernetes accepts.

Private to this project: it converts what the models here use and refuses the rest with the path in
the message, so that a model nobody can serve fails at generation and not at a customer's cluster.
Rules: references are inlined; titles are dropped; an optional field is one that may be left out
(never null); a real union, recursion and pattern properties are refused.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

_DROPPED: Final = frozenset({"title", "$defs", "$schema", "examples", "discriminator"})
_REFUSED: Final = frozenset(
    {"prefixItems", "patternProperties", "propertyNames", "if", "then", "else", "oneOf", "not"}
)


class NotStructural(ValueError):
    """The model uses something a CRD cannot express; the message starts with the path."""


def structural(model: type[BaseModel]) -> Schema:
    """The schema of a model, ready for `openAPIV3Schema`."""
    document = model.model_json_schema(by_alias=True, mode="validation")
    return _Converter(document.get("$defs", {})).convert(document, path="", inside=())


class _Converter:
    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions

    def convert(self, node: Schema, *, path: str, inside: tuple[str, ...]) -> Schema:
        node, inside = self._inlined(node, path=path, inside=inside)
        if "anyOf" in node:
            return self.convert(_without_null(node, path), path=path, inside=inside)
        refused = _REFUSED & node.keys()
        if refused:
            raise NotStructural(f"{path or '.'}: {', '.join(sorted(refused))} is not structural")
        result: Schema = {}
        for key, value in node.items():
            result.update(self._keyword(key, value, path=path, inside=inside))
        if result.get("type") == "integer":
            result.setdefault("format", "int64")
        return result

    def _inlined(
        self, node: Schema, *, path: str, inside: tuple[str, ...]
    ) -> tuple[Schema, tuple[str, ...]]:
        if "$ref" not in node:
            return node, inside
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        if name in inside:
            raise NotStructural(f"{path}: {name} contains itself")
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return {**self._definitions[name], **rest}, (*inside, name)

    def _keyword(self, key: str, value: Any, *, path: str, inside: tuple[str, ...]) -> Schema:
        match key:
            case _ if key in _DROPPED:
                return {}
            case "properties":
                return {key: self._properties(value, path=path, inside=inside)}
            case "items":
                return {key: self.convert(value, path=f"{path}[]", inside=inside)}
            case "additionalProperties":
                return self._additional(value, path=path, inside=inside)
            case "const":
                return {"enum": [value]}
            case "default" if value is None:
                return {}
            case _:
                return {key: value}

    def _properties(self, value: Schema, *, path: str, inside: tuple[str, ...]) -> Schema:
        return {
            name: self.convert(child, path=f"{path}.{name}", inside=inside)
            for name, child in value.items()
        }

    def _additional(self, value: Any, *, path: str, inside: tuple[str, ...]) -> Schema:
        if value is False:
            return {}
        if value is True:
            raise NotStructural(f"{path}: a map needs a value type")
        return {"additionalProperties": self.convert(value, path=f"{path}.*", inside=inside)}


def _without_null(node: Schema, path: str) -> Schema:
    choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        raise NotStructural(f"{path}: a union needs a field that tells its kinds apart")
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**choices[0], **rest}
