"""What the models of this package are made of, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin

import pydantic
from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticUndefined

from shipper.record.fields.kinds import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def field(name: str, meaning: str, *, unit: str = "", required: bool = False, content: bool = False) -> Any:
    """A field of a document.

    Args:
        name: the dotted name that it has in the store.
        meaning: one sentence.
        unit: what a number counts; empty when it counts nothing.
        required: whether every document has it.
        content: whether it holds what was said, or free words of the caller's, and no figure, id or name.
    """
    return pydantic.Field(
        default=PydanticUndefined if required else None,
        alias=name,
        description=meaning,
        json_schema_extra={"unit": unit, "content": content},
    )


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field as the generators need it."""

    name: str
    stored: Stored
    unit: str
    meaning: str
    required: bool
    repeated: bool
    content: bool
    children: tuple[FieldInfo, ...] = ()


class Document(BaseModel):
    """A document whose fields are attributes, named in the store by their aliases."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @classmethod
    def fields(cls) -> tuple[FieldInfo, ...]:
        """Every field, in the order of declaration."""
        return tuple(_fields(cls))

    @classmethod
    def validate_document(cls, document: Mapping[str, Any]) -> None:
        """Check a nested document against the contract: known fields, exact types.

        Raises:
            pydantic.ValidationError: names each field that is unknown, missing or of another type.
        """
        cls.model_validate(flatten(document, cls))


def flatten(document: Mapping[str, Any], model: type[Document]) -> dict[str, Any]:
    """The document as `{dotted name: value}`, down to the model's fields.

    An array of objects that is not a field itself becomes one array for each of its leaves, as in the index.
    Keys that lead to no field are kept, down to where their values are no objects. Never raises.
    """
    leaves = {info.name for info in model.fields()}
    found: dict[str, Any] = {}
    for name, value, repeated in _walk(document, "", leaves, repeated=False):
        if repeated:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _walk(value: Any, name: str, leaves: set[str], *, repeated: bool) -> Iterator[tuple[str, Any, bool]]:
    if name in leaves:
        yield name, value, repeated
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _walk(inner, f"{name}.{key}" if name else str(key), leaves, repeated=repeated)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for item in value:
            yield from _walk(item, name, leaves, repeated=True)
    else:
        yield name, value, repeated


def _fields(model: type[BaseModel]) -> Iterator[FieldInfo]:
    for attribute, info in model.model_fields.items():
        extra = info.json_schema_extra
        stored = _stored(info.metadata) or _stored(_metadata(info.annotation))
        if stored is None or not isinstance(extra, dict) or not info.description:
            raise TypeError(f"{model.__name__}.{attribute} is not declared with field() and a kind")
        nested = _item_model(info.annotation) if stored.type == "nested" else None
        yield FieldInfo(
            name=info.alias or attribute,
            stored=stored,
            unit=str(extra["unit"]),
            meaning=info.description,
            required=info.is_required(),
            repeated=get_origin(info.annotation) is list,
            content=bool(extra["content"]),
            children=tuple(_fields(nested)) if nested else (),
        )


def _stored(metadata: Any) -> Stored | None:
    return next((item for item in metadata if isinstance(item, Stored)), None)


def _metadata(annotation: Any) -> Iterator[Any]:
    """The annotations of a union's members (`Long | None` hides them from pydantic)."""
    for member in get_args(annotation):
        yield from getattr(member, "__metadata__", ())


def _item_model(annotation: Any) -> type[BaseModel]:
    return next(
        item for item in get_args(annotation) if isinstance(item, type) and issubclass(item, BaseModel)
    )
