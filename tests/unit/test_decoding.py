"""Data becomes the dataclass or TypedDict that a function asks for, or is refused by the field's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from preppath_workers.errors import InvalidJob
from preppath_workers.registry.decoding import decoder


class Format(Enum):
    PNG = "png"
    JPEG = "jpeg"


@dataclass(frozen=True)
class Size:
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError("width must be 1 or more")


@dataclass(frozen=True)
class Thumbnail:
    url: str
    sizes: list[Size]
    quality: float = 0.8
    format: Format = Format.PNG
    fit: Literal["cover", "contain"] = "cover"
    title: str | None = None
    tags: Mapping[str, int] = field(default_factory=dict)
    corners: tuple[int, ...] = ()
    extra: Any = None


class Mail(TypedDict):
    to: str
    urgent: NotRequired[bool]


def of_dataclass(context: object, data: Thumbnail) -> None: ...
def of_typed_dict(context: object, data: Mail) -> None: ...
def of_dict(context: object, data: dict[str, Any]) -> None: ...
def of_anything(context: object, data) -> None: ...  # type: ignore[no-untyped-def] # the case


def test_decoder_of_a_dataclass_makes_one() -> None:
    data = {
        "url": "u", "sizes": [{"width": 1, "height": 2}], "quality": 1, "format": "jpeg", "fit": "contain",
        "tags": {"a": 1}, "corners": [1, 2], "extra": [{}], "unknown": 1,
    }  # fmt: skip
    assert decoder(of_dataclass)(data) == Thumbnail(
        "u", [Size(1, 2)], 1.0, Format.JPEG, "contain", None, {"a": 1}, (1, 2), [{}]
    )
    assert decoder(of_dataclass)({"url": "u", "sizes": []}) == Thumbnail("u", [])


def test_decoder_of_a_typed_dict_returns_its_fields() -> None:
    assert decoder(of_typed_dict)({"to": "a", "cc": "b"}) == {"to": "a"}
    assert decoder(of_typed_dict)({"to": "a", "urgent": True}) == {"to": "a", "urgent": True}


@pytest.mark.parametrize("function", [of_dict, of_anything])
def test_decoder_of_a_plain_dict_returns_the_data(function: Any) -> None:
    assert decoder(function)({"a": {"b": 1}}) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": None}, "url must be text, not null"),
        ({"url": 1}, "url must be text, not a whole number"),
        ({"sizes": {}}, "sizes must be a list, not an object"),
        ({"sizes": [1]}, r"sizes\[0\] must be an object, not a whole number"),
        ({"sizes": [{"width": 1}]}, r"sizes\[0\]\.height is missing"),
        ({"sizes": [{"width": True, "height": 1}]}, r"sizes\[0\]\.width must be a whole number, not true"),
        ({"sizes": [{"width": 1.5, "height": 1}]}, r"width must be a whole number, not a number"),
        ({"sizes": [{"width": 0, "height": 1}]}, r"sizes\[0\]: width must be 1 or more"),
        ({"quality": "high"}, "quality must be a number, not text"),
        ({"format": "gif"}, "format must be one of png, jpeg"),
        ({"fit": 1}, "fit must be one of cover, contain"),
        ({"title": 1}, "title must be text, not a whole number or title must be null"),
        ({"tags": {"a": "b"}}, r"tags\.a must be a whole number, not text"),
    ],
    ids=str,
)
def test_decoder_refuses_wrong_data_by_the_name_of_the_field(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidJob, match=message):
        decoder(of_dataclass)({"url": "u", "sizes": [], **change})


def test_decoder_refuses_data_without_a_required_field() -> None:
    with pytest.raises(InvalidJob, match=r"^url is missing$"):
        decoder(of_dataclass)({"sizes": []})
    with pytest.raises(InvalidJob, match=r"^to is missing$"):
        decoder(of_typed_dict)({})


@dataclass
class Unclear:
    when: Sequence[complex]


def test_decoder_of_a_type_that_json_lacks_raises_type_error() -> None:
    def of_unclear(context: object, data: Unclear) -> None: ...
    def of_number(context: object, data: int) -> None: ...

    with pytest.raises(TypeError, match=r"Unclear.when: cannot check values of type .*complex"):
        decoder(of_unclear)
    with pytest.raises(TypeError, match="must be a dataclass, a TypedDict or a dict"):
        decoder(of_number)


@dataclass
class Tree:
    name: str
    children: list[Tree] = field(default_factory=list)


def test_decoder_of_a_type_that_contains_itself_decodes_all_of_it() -> None:
    def of_tree(context: object, data: Tree) -> None: ...

    decode = decoder(of_tree)
    assert decode({"name": "a", "children": [{"name": "b"}]}) == Tree("a", [Tree("b")])
    with pytest.raises(InvalidJob, match=r"^children\[0\].children\[0\].name must be text"):
        decode({"name": "a", "children": [{"name": "b", "children": [{"name": 1}]}]})


@dataclass
class Misspelt:
    when: Dattime  # type: ignore[name-defined]  # noqa: F821 - the mistake


def test_decoder_of_an_unknown_type_raises_type_error_more_than_once() -> None:
    def of_misspelt(context: object, data: Misspelt) -> None: ...

    for _ in range(2):
        with pytest.raises(TypeError, match=r"cannot read the annotations of of_misspelt: .*Dattime"):
            decoder(of_misspelt)
