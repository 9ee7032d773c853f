"""The bodies that the relay takes (openapi.yaml), read strictly: exact types, nothing unknown.

A field that is not named is refused, prices among them. Anything that looks like a card number is
refused, and nothing of what was sent is repeated in the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from connector import model
from connector.ports_carts import MOST_OF_A_LINE
from connector.relay.problems import Problem
from connector.relay.tokens import LONGEST

DEEPEST = 16
MOST_LINES = 50
_DIGITS = re.compile(r"\d(?:[ -]?\d){12,18}")
_NO_FREE_TEXT = frozenset(
    "phone sku variant client token from login code line option provider".split()  # noqa: SIM905
)


def _plain(text: str) -> str:
    """Text without control characters; what would end a header or a log line goes nowhere."""
    if not text.isprintable():
        raise PydanticCustomError("plain", "holds characters that cannot be shown")
    return text


def is_id(text: str) -> bool:
    """Whether a text can be an engine's id: nothing in it that means something in an address."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:~=+-]{0,190}", text) is not None


def _id(text: str) -> str:
    if not is_id(text):
        raise PydanticCustomError("id", "is no id")
    return text


Plain = Annotated[StrictStr, AfterValidator(_plain)]
Id = Annotated[StrictStr, AfterValidator(_id)]
Sku = Annotated[Plain, Field(min_length=1, max_length=191)]
Code = Annotated[Plain, Field(min_length=1, max_length=64)]


def _part(length: int) -> Any:
    return Field(default="", max_length=length)


class Body(BaseModel):
    """What a request says."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Nothing(Body):
    """No body is needed."""


class NewLine(Body):
    sku: Sku | None = None
    variant: Id | None = None
    quantity: StrictInt = Field(default=1, ge=1, le=MOST_OF_A_LINE)

    @model_validator(mode="after")
    def _names_one(self) -> NewLine:
        if (self.sku is None) == (self.variant is None):
            raise PydanticCustomError("one", "names either a sku or a variant")
        return self


class NewCart(Body):
    market: Plain | None = Field(default=None, max_length=64)
    lines: tuple[NewLine, ...] = Field(default=(), max_length=MOST_LINES)


class Quantity(Body):
    quantity: StrictInt = Field(ge=0, le=MOST_OF_A_LINE)


class PromotionCode(Body):
    code: Code


class Address(Body):
    first_name: Plain = _part(120)
    last_name: Plain = _part(120)
    company: Plain = _part(120)
    line_1: Plain = _part(200)
    line_2: Plain = _part(200)
    postal_code: Plain = _part(20)
    city: Plain = _part(120)
    province: Plain = _part(120)
    country: Plain = Field(default="", pattern=r"^([A-Z]{2})?$")
    phone: Plain = _part(40)

    def value(self) -> model.Address:
        return model.Address(**self.model_dump())


class CartDetails(Body):
    email: Plain | None = Field(default=None, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    shipping_address: Address | None = None
    billing_address: Address | None = None

    def value(self) -> model.CartDetails:
        shipping, billing = self.shipping_address, self.billing_address
        return model.CartDetails(
            email=self.email,
            shipping_address=shipping.value() if shipping else None,
            billing_address=billing.value() if billing else None,
        )


class ShippingChoice(Body):
    option: Id


class PaymentChoice(Body):
    provider: Id


class CheckoutWish(Body):
    return_url: StrictStr | None = Field(default=None, max_length=2000)


class Agreement(Body):
    total_minor: StrictInt


class HandOver(Body):
    to: Plain = Field(max_length=64)


class Claim(Body):
    code: Plain = Field(min_length=1, max_length=200)


class Merge(Body):
    source: StrictStr = Field(alias="from", max_length=LONGEST)


class Login(Body):
    login: StrictStr = Field(min_length=1, max_length=4096, pattern=r"^[!-~]+$")


class Action(Body):
    """A signed action: an operation by its name, and what its own route would be given."""

    action: Plain = Field(max_length=40)
    token: StrictStr | None = Field(default=None, max_length=LONGEST)
    line: Id | None = None
    code: Code | None = None
    client: StrictStr | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{16,64}$")
    body: dict[str, Any] = Field(default_factory=dict)
    wait: bool = True


Shape = TypeVar("Shape", bound=Body)


def read_json(content: bytes) -> dict[str, Any]:
    """A JSON object without repeated keys, of sane depth. Raises Problem `malformed`."""
    if not content.strip():
        return {}
    try:
        value = json.loads(content, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem("malformed") from error
    if not isinstance(value, dict) or _depth(value) > DEEPEST:
        raise Problem("malformed")
    return value


def read_body(shape: type[Shape], value: dict[str, Any]) -> Shape:
    """What the value says. Raises Problem `invalid` with each field, or `card-number`."""
    if any(_is_card(text) for name, text in _texts(value) if name not in _NO_FREE_TEXT):
        raise Problem("card-number")
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise Problem("invalid", more={"errors": [_told(each) for each in found]}) from error


def _told(found: Any) -> dict[str, model.JsonValue]:
    """A pydantic error; of the names in a path only our own are repeated."""
    unknown = found["type"] == "extra_forbidden"
    path = found["loc"][:-1] if unknown else found["loc"]
    field = ".".join(map(str, path))
    says = "holds a field that is not known" if unknown else str(found["msg"])
    return {"field": field, "says": says}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _depth(value: Any) -> int:
    """How deep a value is nested; stops counting a little beyond DEEPEST."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        depth += 1
        level = [child for each in level for child in _children(each)]
    return depth


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield "", key
            yield from _texts(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, name)


def _is_card(text: str) -> bool:
    """Whether a text holds 13 to 19 digits, spaced or not, that pass the Luhn check."""
    return any(_luhn(found.group()) for found in _DIGITS.finditer(text))


def _luhn(text: str) -> bool:
    digits = [int(each) for each in reversed(text) if each.isdigit()]
    doubled = (sum(divmod(digit * 2, 10)) for digit in digits[1::2])
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1
