"""`/ehr/smart/launch` and its callback: the EHR opens our pages with the patient that it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request

from ehr_bridge.api.http import problems
from ehr_bridge.api.http.request_ids import RequestIds, Wsgi
from ehr_bridge.errors import InvalidInput
from ehr_bridge.services.accounts.smart_launch import LASTS
from ehr_bridge.services.audit.refusals import ANONYMOUS, Refusal
from ehr_bridge.services.bundle import Services

COOKIE = "ehr_bridge_launch"
PATH = "/ehr/smart"


def create_launch_app(services: Services) -> Flask:
    """By https the cookie also reaches a frame of the EHR's page; without, only a page of its own."""
    smart, is_secure = services.smart_launch, services.settings.base_url.startswith("https://")
    app = Flask("ehr_bridge.launch", static_folder=None)
    problems.register(app)

    @app.get(f"{PATH}/launch")
    def launch() -> Response:
        begun = smart.begin(_sent("iss"), _sent("launch"))
        response = _to(begun.address)
        response.set_cookie(
            COOKIE,
            begun.cookie,
            max_age=LASTS,
            path=PATH,
            secure=is_secure,
            httponly=True,
            samesite="None" if is_secure else "Lax",
        )
        return response

    @app.get(f"{PATH}/callback")
    def callback() -> Response:
        if "error" in request.args:
            raise InvalidInput("launch_not_begun", "The EHR has ended the sign-in; open the page again.")
        where = smart.finish(_sent("code"), _sent("state"), request.cookies.get(COOKIE), request.remote_addr)
        response = _to(where)
        response.delete_cookie(COOKIE, path=PATH)
        return response

    @app.after_request
    def note(response: Response) -> Response:
        """For the audit trail, without what the address says."""
        if response.status_code == 403:
            route = f"{request.method} {request.path}"
            code = response.get_json()["code"]
            services.refusals.hand_over(Refusal(None, request.remote_addr, code, route, actor=ANONYMOUS))
        return response

    app.wsgi_app = RequestIds(app.wsgi_app)  # type: ignore[method-assign]
    return app


def with_launching(app: Wsgi, services: Services) -> Wsgi:
    """The application, and these two routes beside its own."""
    launching = create_launch_app(services)

    def chosen(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_launch = environ["PATH_INFO"].startswith(f"{PATH}/")
        return (launching if is_launch else app)(environ, start_response)

    return chosen


def _sent(name: str) -> str:
    value = request.args.get(name)
    if not value or len(value) > 4096:
        raise InvalidInput("launch_not_begun", f"The address lacks '{name}'; open the page from the EHR.")
    return value


def _to(address: str) -> Response:
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(status=302, headers=headers)
