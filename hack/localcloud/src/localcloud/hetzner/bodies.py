"""Shapes of request bodies, and how a body that does not fit is reported.

Clients send references as number, as number in text or as name; `Reference` takes all three, where
Hetzner's document calls the field a string. `Id` takes numbers, also in text. Where the document
says `additionalProperties: false` the shape derives from `Strict` and refuses unknown fields.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from localcloud.hetzner.errors import ApiError, invalid, invalid_fields
from localcloud.hetzner.label_selectors import check_labels

MAX_ID = 9007199254740991


class Body(BaseModel):
    """A request body that ignores what it does not know."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Strict(Body):
    """A request body that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


def _number(value: object) -> object:
    """A number that was sent as text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value


def _whole(value: object) -> object:
    """A whole number that was sent as `40.0`."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Id = Annotated[int, BeforeValidator(_number), Field(ge=1, le=MAX_ID)]
Whole = Annotated[int, BeforeValidator(_whole)]
Reference = Annotated[int | str, Field(union_mode="left_to_right")]
LabelMap = dict[str, str]

B = TypeVar("B", bound=BaseModel)


def checked(shape: type[B], payload: object) -> B:
    """`payload` as `shape`; raises `invalid_input` naming every field that does not fit."""
    if not isinstance(payload, dict | None):
        raise invalid("body", "must be a JSON object")
    try:
        body = shape.model_validate(payload or {})
    except ValidationError as error:
        raise _refusal(error) from None
    labels = getattr(body, "labels", None)
    if labels:
        check_labels(labels)
    return body


def _refusal(error: ValidationError) -> ApiError:
    fields: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = _field(problem["loc"])
        texts = fields.setdefault(name, [])
        if problem["msg"] not in texts:
            texts.append(problem["msg"])
    return invalid_fields(fields)


def _field(location: tuple[Any, ...]) -> str:
    """Pydantic's location without the names of union members, which no client knows."""
    parts = [str(part) for part in location if part not in ("int", "str")]
    return ".".join(parts) or "body"
