"""Data becomes the dataclass or TypedDict that a function asks for, or is refused by the field's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any, ClassVar, Literal, NewType, NotRequired, TypedDict

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


UserId = NewType("UserId", str)


@dataclass
class Order:
    """Has what a dataclass may have besides fields of data."""

    kinds: ClassVar[set[str]] = set()
    user: UserId
    discount: InitVar[int] = 0
    _: KW_ONLY
    price: int = 0
    made: datetime = field(init=False)

    def __post_init__(self, discount: int) -> None:
        self.made = datetime(2026, 11, 28, tzinfo=UTC)
        self.price -= discount


def of_order(context: object, data: Order) -> None: ...


def test_decoder_of_a_dataclass_decodes_what_its_init_takes() -> None:
    order = decoder(of_order)({"user": "u", "discount": 2, "price": 5, "kinds": 1, "made": 1})
    assert order == Order(UserId("u"), 2, price=5)
    with pytest.raises(InvalidJob, match=r"^user must be text, not null$"):
        decoder(of_order)({"user": None})
    with pytest.raises(InvalidJob, match=r"^discount must be a whole number, not text$"):
        decoder(of_order)({"user": "u", "discount": "all"})


@dataclass(init=False)
class OwnInit:
    user: str

    def __init__(self, name: str) -> None:
        self.user = name


def test_decoder_of_a_dataclass_whose_init_takes_no_field_raises_type_error() -> None:
    def of_own_init(context: object, data: OwnInit) -> None: ...

    with pytest.raises(TypeError, match="OwnInit has no field name, which its __init__ takes"):
        decoder(of_own_init)


@dataclass
class Choice:
    one: Literal[0, 1, False, True] = 0
    format: Literal[Format.PNG] | None = None
    sizes: dict[Format, int] = field(default_factory=dict)


def test_decoder_of_choices_tells_them_apart_and_decodes_members_and_keys() -> None:
    def of_choice(context: object, data: Choice) -> None: ...

    decode = decoder(of_choice)
    assert [type(decode({"one": value}).one) for value in (0, 1, False, True)] == [int, int, bool, bool]
    assert decode({"format": "png", "sizes": {"jpeg": 1}}) == Choice(0, Format.PNG, {Format.JPEG: 1})
    with pytest.raises(InvalidJob, match=r"^a key of sizes must be one of png, jpeg$"):
        decode({"sizes": {"gif": 1}})


class Pair(Enum):
    BOTH = (1, 2)


@dataclass
class PairData:
    pair: Pair


@dataclass
class NumberedData:
    names: dict[int, str]


@pytest.mark.parametrize(
    ("data_type", "message"),
    [
        (PairData, r"PairData.pair: cannot compare data with <Pair.BOTH: \(1, 2\)>: JSON has no such value"),
        (NumberedData, r"NumberedData.names: the keys of dict\[int, str\] must be text"),
    ],
)
def test_decoder_of_a_type_that_no_data_fits_raises_type_error(data_type: type, message: str) -> None:
    def of_data(context: object, data: Any) -> None: ...

    of_data.__annotations__["data"] = data_type
    with pytest.raises(TypeError, match=message):
        decoder(of_data)


def test_decoder_of_an_object_that_is_called_reads_its_annotations() -> None:
    class Sender:
        def __call__(self, context: object, data: Mail) -> None: ...

    for function in (Sender(), partial(of_typed_dict, None)):
        with pytest.raises(InvalidJob, match="to is missing"):
            decoder(function)({})
