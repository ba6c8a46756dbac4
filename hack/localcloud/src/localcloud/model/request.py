"""What a generate request says, read once and checked.

Accepts camelCase and snake_case names, as the API does. The grounded form of a prompt is a JSON
object `{"question", "language", "sources": [{"id", "title", "heading", "page", "text"}]}` anywhere
in the text of the last user content or in a function response; all else is plain conversation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localcloud.model.errors import invalid
from localcloud.model.evidence import Source
from localcloud.model.text import Language, language_of

_SNAKE = re.compile(r"_([a-z])")
_KEEP = frozenset({"args", "response", "parameters", "responseSchema", "responseJsonSchema",
                   "parametersJsonSchema", "schema"})  # fmt: skip


def camel(value: Any) -> Any:
    """Field names in camelCase, at any depth; free-form objects (arguments, schemas) untouched."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key, item in value.items():
        name = _SNAKE.sub(lambda match: match.group(1).upper(), key.lstrip("_"))
        result[name] = item if name in _KEEP else camel(item)
    return result


@dataclass(frozen=True, kw_only=True)
class Grounding:
    """A question with the passages it is to be answered from."""

    question: str
    language: Language
    sources: tuple[Source, ...]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A checked generate or count request."""

    system: str
    contents: list[dict[str, Any]]
    config: dict[str, Any]
    functions: list[dict[str, Any]]
    calling: dict[str, Any]
    cached_content: str

    @property
    def last_user(self) -> str:
        """Text of the last content a person wrote (function responses excluded)."""
        spoken = (content for content in reversed(self.contents) if content["role"] != "model")
        return next((text for content in spoken if (text := text_of(content))), "")

    @property
    def function_responses(self) -> list[dict[str, Any]]:
        """Results of tools given in the last content."""
        parts = self.contents[-1]["parts"]
        return [part["functionResponse"] for part in parts if "functionResponse" in part]

    @property
    def shows_thoughts(self) -> bool:
        """Whether the answer is to begin with what the model thought."""
        return bool((self.config.get("thinkingConfig") or {}).get("includeThoughts"))

    @property
    def language(self) -> Language:
        """The language of what the person wrote last."""
        return language_of(self.last_user)


def text_of(content: dict[str, Any]) -> str:
    """All text parts of a content that are not thoughts."""
    parts = content.get("parts", [])
    return "\n".join(part["text"] for part in parts if part.get("text") and not part.get("thought"))


def read_request(body: Any) -> Request:
    """Check the body of generateContent.

    Raises:
        ApiError: 400 naming the field that is wrong.
    """
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received: an object is expected.")
    body = camel(body)
    contents = body.get("contents")
    if isinstance(contents, dict):
        contents = [contents]
    if not isinstance(contents, list) or not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified", "contents")
    tools = body.get("tools") or []
    functions = [item for tool in tools for item in tool.get("functionDeclarations", [])]
    return Request(
        system=text_of(_content(body.get("systemInstruction") or {"parts": []}, "system")),
        contents=[_content(content, f"contents[{n}]") for n, content in enumerate(contents)],
        config=_config(body.get("generationConfig") or {}),
        functions=[_function(item, n) for n, item in enumerate(functions)],
        calling=(body.get("toolConfig") or {}).get("functionCallingConfig") or {},
        cached_content=body.get("cachedContent") or "",
    )


def _content(content: Any, field: str) -> dict[str, Any]:
    if isinstance(content, str):
        content = {"parts": [{"text": content}]}
    if not isinstance(content, dict):
        raise invalid(f"Invalid value at '{field}': an object is expected.", field)
    parts = content.get("parts", [])
    parts = [parts] if isinstance(parts, dict) else parts
    if field != "system" and not parts:
        raise invalid(f"Unable to submit request because {field}.parts is empty.", field)
    role = content.get("role", "user")
    if role not in {"user", "model", "function", "system"}:
        raise invalid("Please use a valid role: user, model.", f"{field}.role")
    return {"role": role, "parts": parts}


def _config(config: dict[str, Any]) -> dict[str, Any]:
    """Bounds that the API checks."""
    temperature = config.get("temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        raise invalid("temperature must be in the range [0.0, 2.0].", "generation_config")
    limit = config.get("maxOutputTokens")
    if limit is not None and not 1 <= limit <= 65_536:
        raise invalid("max_output_tokens must be positive.", "generation_config")
    if (config.get("candidateCount") or 1) != 1:
        raise invalid("Only one candidate can be specified.", "generation_config")
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    if schema and config.get("responseMimeType") not in {"application/json", "text/x.enum"}:
        raise invalid(
            "response_schema needs response_mime_type application/json.", "generation_config"
        )
    return config


def _function(declaration: Any, number: int) -> dict[str, Any]:
    name = declaration.get("name", "") if isinstance(declaration, dict) else ""
    if not re.fullmatch(r"[A-Za-z_][\w.:-]{0,127}", name):
        raise invalid(
            f"Invalid function name at tools[0].function_declarations[{number}].",
            f"tools[0].function_declarations[{number}].name",
        )
    return dict(declaration)


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects that stand in a text, outermost first."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            end = start + 1
        else:
            if isinstance(value, dict):
                yield value
        start = text.find("{", end)


def read_grounding(request: Request) -> Grounding | None:
    """The question and its passages, or None when the request is plain conversation."""
    for response in request.function_responses:
        result = response.get("response", {})
        nested = [result, *(v for v in result.values() if isinstance(v, dict))]
        for value in nested:
            if isinstance(value.get("sources"), list):
                return _grounding({"question": request.last_user, **value})
    last = next(content for content in reversed(request.contents) if content["role"] != "model")
    for value in json_objects(text_of(last)):
        if isinstance(value.get("sources"), list):
            return _grounding({"question": request.last_user, **value})
    return None


def _grounding(value: dict[str, Any]) -> Grounding:
    question = str(value["question"])
    stated = value.get("language")
    language: Language = stated if stated in ("de", "en") else language_of(question)
    sources = (item for item in value["sources"] if isinstance(item, dict))
    return Grounding(
        question=question,
        language=language,
        sources=tuple(_source(item, number) for number, item in enumerate(sources, 1)),
    )


def _source(item: dict[str, Any], number: int) -> Source:
    identity = item.get("id", number)
    return Source(
        id=identity if isinstance(identity, int) else number,
        text=str(item.get("text") or ""),
        title=str(item.get("title") or ""),
        heading=str(item.get("heading") or ""),
    )
