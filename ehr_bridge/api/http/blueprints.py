"""Groups of routes that are described for the OpenAPI document when somebody asks for it, not at every start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_openapi3 import APIBlueprint
from flask_openapi3.types import ParametersTuple
from flask_openapi3.utils import parse_parameters


class Blueprint(APIBlueprint):
    """The library's blueprint, which describes each route while its module is imported: a third of a start's time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._undescribed: list[tuple[str, Callable[..., Any], dict[str, Any]]] = []

    def describe(self) -> None:
        """Make this blueprint's part of the document, the first time this is called."""
        for rule, view, description in self._undescribed:
            super()._collect_openapi_info(rule, view, **description)
        self._undescribed.clear()

    def _collect_openapi_info(self, rule: str, func: Callable[..., Any], **description: Any) -> ParametersTuple:
        """What a request is validated against; the rest waits for `describe`."""
        self._undescribed.append((rule, func, description))
        return parse_parameters(func, doc_ui=False)
