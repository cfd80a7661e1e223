"""Decodes a job's data into the dataclass or TypedDict that its function is annotated with."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import InitVar, is_dataclass
from enum import Enum
from functools import partial
from typing import (
    Any,
    Literal,
    NewType,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from ..errors import InvalidJob
from .functions import defined

#: Checks a value of JSON and returns it decoded; `where` is its path, such as `sizes[2].width`. Raises
#: InvalidJob.
_Check = Callable[[Any, str], Any]

#: JSON's types, as messages name them.
_PLAIN: Mapping[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "text"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
    type(None): ((type(None),), "null"),
}


def decoder(function: Callable[..., Any]) -> Callable[[Mapping[str, Any]], Any]:
    """Return the function that decodes the data for `function`'s parameter `data`; it raises InvalidJob,
    which names the field. Raises TypeError if the annotation isn't one that can be checked."""
    name = getattr(function, "__name__", repr(function))
    try:
        check = _check_of(name, get_type_hints(defined(function)).get("data", Any))
    except (NameError, AttributeError, SyntaxError) as error:  # in its own, or in those of a dataclass
        raise TypeError(f"cannot read the annotations of {name}: {error}") from error
    return (lambda data: check(data, "")) if check else lambda data: data


def _check_of(name: str, annotation: Any) -> _Check | None:
    if annotation is Any or (get_origin(annotation) or annotation) in (dict, Mapping, object):
        return None
    if not is_dataclass(annotation) and not is_typeddict(annotation):
        raise TypeError(f"data of {name} must be a dataclass, a TypedDict or a dict, not {annotation!r}")
    return _checks(annotation, {})


def _checks(annotation: Any, made: dict[Any, _Check]) -> _Check:
    """Return the check for values of this type. Raises TypeError.

    Args:
        made: the checks of the dataclasses and TypedDicts that were met.
    """
    annotation = _unwrapped(annotation)
    if annotation is Any or annotation is object:
        return lambda value, _: value
    if annotation in _PLAIN:
        return partial(_plain, *_PLAIN[annotation], annotation)
    if is_dataclass(annotation) or is_typeddict(annotation):
        if annotation not in made:
            # While its own check is being made: a tree has trees in it.
            made[annotation] = lambda value, where: made[annotation](value, where)
            made[annotation] = _object_check(annotation, made)
        return made[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _choice(arguments)
    if origin in (Union, types.UnionType):
        return partial(_union, [_checks(argument, made) for argument in arguments])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(annotation)
    return _container_check(annotation, made)


def _unwrapped(annotation: Any) -> Any:
    while isinstance(annotation, (NewType, InitVar)):
        annotation = annotation.__supertype__ if isinstance(annotation, NewType) else annotation.type
    return annotation


def _container_check(annotation: Any, made: dict[Any, _Check]) -> _Check:
    kind, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if kind in (list, Sequence, tuple) and (kind is not tuple or arguments[1:] == (...,)):
        item = _checks(arguments[0] if arguments else Any, made)
        return partial(_items, item, tuple if kind is tuple else list)
    if kind in (dict, Mapping):
        key, item = arguments or (Any, Any)
        if _unwrapped(key) in set(_PLAIN) - {str}:
            raise TypeError(f"the keys of {annotation!r} must be text: JSON has no others")
        return partial(_values, _checks(key, made), _checks(item, made))
    raise TypeError(f"cannot check values of type {annotation!r}: JSON has no such type")


def _choice(choices: Iterable[Any]) -> _Check:
    """Return the check for values of a Literal, or of an enum, which are decoded into its members."""
    decoded = [(choice.value if isinstance(choice, Enum) else choice, choice) for choice in choices]
    for value, choice in decoded:
        if type(value) not in _PLAIN:
            raise TypeError(f"cannot compare data with {choice!r}: JSON has no such value")
    # Not a dict, in which 1 and True are the same key.
    return partial(_one_of, decoded)


def _object_check(annotation: Any, made: dict[Any, _Check]) -> _Check:
    hints = get_type_hints(annotation)
    make: Callable[..., Any] = annotation
    if is_dataclass(annotation):
        # Not its fields: one may be no parameter (init=False), and a parameter no field (InitVar).
        parameters = inspect.signature(make).parameters
        names = list(parameters)
        required = {name for name in names if parameters[name].default is inspect.Parameter.empty}
    else:
        make, names = dict, list(hints)
        required = _required_keys(annotation)
    checks = {}
    for name in names:
        if name not in hints:
            raise TypeError(f"{annotation.__name__} has no field {name}, which its __init__ takes")
        try:
            checks[name] = _checks(hints[name], made)
        except TypeError as error:
            raise TypeError(f"{annotation.__name__}.{name}: {error}") from None
    return partial(_object, checks, required, make)


def _required_keys(annotation: Any) -> set[str]:
    # Python 3.11 doesn't see NotRequired in annotations that are text, so `__required_keys__` isn't enough.
    hints = get_type_hints(annotation, include_extras=True)
    return {
        name
        for name, hint in hints.items()
        if get_origin(hint) is Required
        or (get_origin(hint) is not NotRequired and name in annotation.__required_keys__)
    }


def _object(
    checks: Mapping[str, _Check], required: set[str], make: Callable[..., Any], value: Any, where: str
) -> Any:
    """Check an object. Fields that the type doesn't have are ignored."""
    if not isinstance(value, Mapping):
        raise InvalidJob(f"{where or 'data'} must be an object, not {_named(value)}")
    prefix = f"{where}." if where else ""
    for name in checks:
        if name in required and name not in value:
            raise InvalidJob(f"{prefix}{name} is missing")
    known = {name: check(value[name], prefix + name) for name, check in checks.items() if name in value}
    try:
        return make(**known)
    except ValueError as error:  # of the dataclass's __post_init__
        raise InvalidJob(f"{where}: {error}" if where else str(error)) from error


def _plain(kinds: tuple[type, ...], expected: str, annotation: type, value: Any, where: str) -> Any:
    # bool is a subclass of int.
    if not isinstance(value, kinds) or (isinstance(value, bool) and annotation is not bool):
        raise InvalidJob(f"{where} must be {expected}, not {_named(value)}")
    return value


def _one_of(choices: Sequence[tuple[Any, Any]], value: Any, where: str) -> Any:
    for choice, decoded in choices:
        if type(value) is type(choice) and value == choice:
            return decoded
    raise InvalidJob(f"{where} must be one of {', '.join(str(choice) for choice, _ in choices)}")


def _union(checks: Sequence[_Check], value: Any, where: str) -> Any:
    problems = []
    for check in checks:
        try:
            return check(value, where)
        except InvalidJob as error:
            problems.append(str(error))
    raise InvalidJob(" or ".join(dict.fromkeys(problems)))


def _items(check: _Check, make: Callable[[list[Any]], Any], value: Any, where: str) -> Any:
    if not isinstance(value, list):
        raise InvalidJob(f"{where} must be a list, not {_named(value)}")
    return make([check(item, f"{where}[{index}]") for index, item in enumerate(value)])


def _values(key_check: _Check, check: _Check, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise InvalidJob(f"{where} must be an object, not {_named(value)}")
    return {
        key_check(name, f"a key of {where}"): check(item, f"{where}.{name}") for name, item in value.items()
    }


def _named(value: Any) -> str:
    """Return the value's type in JSON's words; never the value, which may be private."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return next(name for kind, (_, name) in _PLAIN.items() if type(value) is kind)
