"""What all resource models share: camelCase names, lenient reading, rules the API server runs."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

GROUP: Final = "blueagency.io"
VERSION: Final = "v1alpha1"


class ApiModel(BaseModel):
    """Base of every model: an object stored by a newer operator never stops an older one."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )


def rule(
    expression: str,
    message: str,
    *,
    field: str | None = None,
    reason: str = "FieldValueInvalid",
) -> dict[str, Any]:
    """A CEL rule: `expression` over `self` (and `oldSelf`), and the sentence a person reads."""
    entry = {"rule": expression, "message": message, "reason": reason}
    return entry if field is None else {**entry, "fieldPath": field}


def rules(*entries: dict[str, Any]) -> dict[str, Any]:
    """CEL rules in the form `json_schema_extra` takes."""
    return {"x-kubernetes-validations": list(entries)}
