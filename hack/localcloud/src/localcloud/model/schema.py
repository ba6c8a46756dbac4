"""JSON output that obeys a schema, filled from the text of the prompt.

Reads OpenAPI-style schemas (upper-case types, `nullable`) and JSON Schema (`$ref`, `anyOf`,
`type` lists). A field is filled by what its name and description ask for: an answer, a title, a
summary, citations, a language, a choice nearest in meaning, a number that stands in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from localcloud.model.answers import NOT_FOUND, best_sentence, summary, title
from localcloud.model.evidence import Encoder
from localcloud.model.text import content_words, language_of, sentences

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_DEPTH = 8


@dataclass(frozen=True, kw_only=True)
class Material:
    """What fields are filled from."""

    text: str
    answer: str
    """The grounded answer, `NOT_FOUND`, or empty for a request without passages."""
    definitions: dict[str, Any]


def fill(schema: dict[str, Any], material: Material, encoder: Encoder) -> Any:
    """A value that is valid against the schema."""
    definitions = schema.get("$defs") or schema.get("definitions") or schema.get("defs") or {}
    material = Material(text=material.text, answer=material.answer, definitions=definitions)
    return _Filler(material, encoder).value(schema, "", 0)


class _Filler:
    def __init__(self, material: Material, encoder: Encoder) -> None:
        self._material = material
        self._encoder = encoder

    def value(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._choice(schema["enum"], name)
        kind = self._kind(schema)
        if depth > _DEPTH or kind == "null":
            return None
        return getattr(self, f"_{kind}")(schema, name, depth)

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        for _ in range(_DEPTH):
            if reference := schema.get("$ref") or schema.get("ref"):
                schema = self._material.definitions.get(str(reference).rsplit("/", 1)[-1], {})
            elif options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
                schema = next((o for o in options if o.get("type") != "null"), options[0])
        return schema

    @staticmethod
    def _kind(schema: dict[str, Any]) -> str:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((item for item in kind if item != "null"), "null")
        known = {"object", "array", "string", "integer", "number", "boolean", "null"}
        return str(kind).lower() if str(kind).lower() in known else "string"

    def _object(self, schema: dict[str, Any], _name: str, depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        order = schema.get("propertyOrdering") or list(properties)
        named = {key: f"{key} {properties[key].get('description', '')}" for key in properties}
        known = [key for key in order if key in properties]
        return {key: self.value(properties[key], named[key], depth + 1) for key in known}

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        items = self._resolve(schema.get("items") or {"type": "string"})
        least, most = int(schema.get("minItems") or 0), int(schema.get("maxItems") or 5)
        values = self._several(items, name, depth, max(least, min(most, 5)))
        while len(values) < least:
            values.append(self.value(items, name, depth + 1))
        return values[:most]

    def _several(self, items: dict[str, Any], name: str, depth: int, count: int) -> list[Any]:
        kind = self._kind(items)
        if items.get("enum"):
            return [self._choice(items["enum"], name)]
        if kind == "integer":
            cited = re.findall(r"\[(\d+)\]", self._material.answer)
            return list(dict.fromkeys(int(number) for number in cited))
        if kind == "number":
            return [_number(found) for found in _NUMBER.findall(self._material.text)[:count]]
        if kind == "string" and re.search(r"tag|keyword|schlag|topic|them", name, re.IGNORECASE):
            kept = content_words(self._material.text, language_of(self._material.text))
            return list(dict.fromkeys(sorted(kept, key=lambda word: -len(word))))[:count]
        if kind == "string":
            return sentences(self._material.text)[:count]
        return [self.value(items, name, depth + 1)]

    def _string(self, schema: dict[str, Any], name: str, _depth: int) -> str:
        text = self._worded(name)
        text = text[: int(schema.get("maxLength") or len(text) or 1)]
        return text.ljust(int(schema.get("minLength") or 0), ".")

    def _worded(self, name: str) -> str:
        lowered, text = name.casefold(), self._material.text
        if re.search(r"language|sprache", lowered):
            return language_of(text)
        if re.search(r"title|titel|headline|\bname\b", lowered):
            return title(text, language_of(text))
        if re.search(r"summar|zusammenfass|abstract", lowered):
            return summary(text, self._encoder)
        if self._material.answer:
            return self._material.answer
        return best_sentence(name.replace("_", " "), text, self._encoder)

    def _integer(self, schema: dict[str, Any], name: str, _depth: int) -> int:
        return int(self._bounded(schema, name))

    def _number(self, schema: dict[str, Any], name: str, _depth: int) -> float:
        return self._bounded(schema, name)

    def _bounded(self, schema: dict[str, Any], name: str) -> float:
        fitting = best_sentence(name.replace("_", " "), self._material.text, self._encoder)
        found = _NUMBER.search(fitting) or _NUMBER.search(self._material.text)
        value = _number(found.group()) if found else 0.0
        if re.search(r"confiden|score|konfidenz|probab", name, re.IGNORECASE):
            value = 0.0 if self._material.answer in ("", NOT_FOUND) else 1.0
        value = max(value, float(schema.get("minimum", value)))
        return min(value, float(schema.get("maximum", value)))

    def _boolean(self, _schema: dict[str, Any], _name: str, _depth: int) -> bool:
        return self._material.answer not in ("", NOT_FOUND)

    def _choice(self, options: list[Any], name: str) -> Any:
        texts = [str(option) for option in options]
        lowered = self._material.text.casefold()
        named = [n for n, text in enumerate(texts) if text.casefold() in lowered]
        if re.search(r"language|sprache", name, re.IGNORECASE):
            language = language_of(self._material.text)
            named = [n for n, text in enumerate(texts) if text.casefold().startswith(language)]
        if named:
            return options[named[0]]
        vectors = self._encoder.encode([*texts, self._material.text[:2000] or name])
        return options[int(np.argmax(vectors[:-1] @ vectors[-1]))]


def _number(text: str) -> float:
    return float(text.replace(",", "."))
