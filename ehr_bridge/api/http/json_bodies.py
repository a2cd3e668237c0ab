"""How JSON in requests is read, whole bodies and parts alike (`ehr_bridge.shallow_json`)."""

from __future__ import annotations

from typing import Any

from flask.json.provider import DefaultJSONProvider
from pydantic import BaseModel, ValidationError

from ehr_bridge.errors import InvalidInput
from ehr_bridge.shallow_json import DEEPEST, TooDeep, loads, require_shallow


class ShallowJson(DefaultJSONProvider):
    """Flask's JSON provider; `request.get_json` and typed bodies use it."""

    sort_keys = False

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """The document. A string is checked too, because it is parsed as JSON where an object is expected.

        Raises:
            InvalidInput: `json_too_deep`.
            ValueError: it is not JSON.
        """
        try:
            document = loads(s)
            if isinstance(document, str):
                require_shallow(document)
        except TooDeep:
            raise _too_deep() from None
        return document


def model_from_json[Model: BaseModel](model: type[Model], content: bytes, what: str) -> Model:
    """A model from JSON that is not the body of a typed route; `what` names it in messages.

    Raises:
        InvalidInput: `malformed_json` or `json_too_deep`.
        ValidationError: a field is unknown or malformed.
    """
    try:
        require_shallow(content)
        return model.model_validate_json(content)
    except TooDeep:
        raise _too_deep() from None
    except ValidationError as error:
        if any(e["type"] == "json_invalid" for e in error.errors()):
            raise InvalidInput("malformed_json", f"{what} is not JSON.") from None
        raise
    except ValueError:
        raise InvalidInput("malformed_json", f"{what} is not JSON.") from None


def _too_deep() -> InvalidInput:
    return InvalidInput("json_too_deep", f"The JSON nests more than {DEEPEST} levels of arrays and objects.")
