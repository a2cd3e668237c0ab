"""A client of the WSGI application, whose answers' JSON is read without asking first whether there is any."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class Answer(TestResponse):
    """An answer; Werkzeug says of `json` that it may be None, which every test would have to deny."""

    @property
    def json(self) -> Any:
        """The body; None where it is not JSON."""
        return self.get_json()


class Client(FlaskClient):
    """Flask's, with our answers."""

    def __init__(self, application: Flask) -> None:
        super().__init__(application, Answer)

    def open(self, *args: Any, **kwargs: Any) -> Answer:
        answer = super().open(*args, **kwargs)
        assert isinstance(answer, Answer)
        return answer
