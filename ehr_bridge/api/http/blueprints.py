"""Groups of routes that are described for the OpenAPI document on request, not at every start.

The name of a view function is the operation id, which generated clients take as the name of a method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from flask_openapi3 import APIBlueprint, Tag
from flask_openapi3.types import ParametersTuple
from flask_openapi3.utils import parse_parameters

from ehr_bridge.api.away.tables import saved_as_table
from ehr_bridge.api.filters import PageQuery
from ehr_bridge.api.http.schemas import Problem

QUERY = 3
"""Place of the query's model among header, cookie, path, query, form, body and raw."""


class Blueprint(APIBlueprint):
    """The library's blueprint describes each route at import, which takes a third of the time of a start.

    Every route needs a token and may answer 401 and 403 without one, or the other `problems`; unless `is_public`.
    """

    def __init__(
        self, name: str, tag: str, prefix: str = "/api/v1", *, problems: Iterable[int] = (), is_public: bool = False
    ) -> None:
        super().__init__(
            name,
            __name__,
            url_prefix=prefix or None,
            abp_tags=[Tag(name=tag)],
            abp_security=None if is_public else [{"bearer": []}],
            abp_responses=None if is_public else dict.fromkeys((401, 403, *problems), Problem),
            operation_id_callback=_name_of_function,
        )
        self._undescribed: list[tuple[str, Callable[..., Any], dict[str, Any]]] = []

    @staticmethod
    def create_view_func(func: Callable[..., Any], *parts: Any, **named: Any) -> Callable[..., Any]:
        """A view that answers a list answers it as a table too."""
        query = parts[QUERY]
        is_list = isinstance(query, type) and issubclass(query, PageQuery)
        view = saved_as_table(func) if is_list else func
        return cast(Callable[..., Any], APIBlueprint.create_view_func(view, *parts, **named))

    def describe(self) -> None:
        """Build this blueprint's part of the document, on the first call."""
        for rule, view, description in self._undescribed:
            super()._collect_openapi_info(rule, view, **description)
        self._undescribed.clear()

    def _collect_openapi_info(self, rule: str, func: Callable[..., Any], **description: Any) -> ParametersTuple:
        """What a request is validated against; the rest is left to `describe`."""
        self._undescribed.append((rule, func, description))
        return parse_parameters(func, doc_ui=False)


def _name_of_function(*, name: str, path: str, method: str) -> str:
    return name
