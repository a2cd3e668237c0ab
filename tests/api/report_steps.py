"""Writing, signing and amending reports, as steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import jwt

from tests.api.conftest import Api, Who
from tests.support.client import Answer
from tests.support.samples import small
from tests.support.server import SECRET

REPORTS = "/api/v1/reports"
TEXT = {"59776-5": "Kein Nachweis einer Raumforderung.\nVentrikel normal weit.", "19005-8": "Unauffälliges MRT."}
type Row = dict[str, Any]


def token(*roles: str, subject: str | None = None, age: timedelta | None = timedelta(0)) -> str:
    """As the EHR makes it for somebody who signed in that long ago; None: it does not say when."""
    now, who = datetime.now(UTC), subject or roles[0]
    claims = {
        "sub": who, "name": who.title(), "roles": list(roles), "aud": "orthanc-ehr-bridge", "iss": "ehr",
        "iat": now, "exp": now + timedelta(hours=8),
    }  # fmt: skip
    if age is not None:
        claims["auth_time"] = int((now - age).timestamp())
    return jwt.encode(claims, SECRET, "HS256")


RITA: Who = partial(token, "radiologist", subject="rita")
"""Makes her token when it is sent: a run of all tests takes longer than a sign-in is fresh."""
BELA: Who = partial(token, "radiologist", subject="bela")


def with_images(api: Api, accession: str = "ACC-1", mrn: str = "MRN-1") -> str:
    """An order with a linked study; the UID of the study."""
    order = api.place_order(accession, mrn)
    answer = api.upload(small(), headers={"X-Order-Id": order["id"]})
    uid: str = answer.json["studies"][0]["study_instance_uid"]
    return uid


def begin(api: Api, who: Who = RITA, status: int = 201, **of: Any) -> Row:
    answer = api.call("POST", REPORTS, token=who, json=of or {"order_id": "ACC-1"})
    assert answer.status_code == status, answer.json
    return shown(answer) if status == 201 else dict(answer.json)


def shown(answer: Answer) -> Row:
    """The report of an answer, with its tag."""
    return dict(answer.json) | {"etag": answer.headers["ETag"]}


def read(api: Api, report: Row, who: Who = RITA, status: int = 200) -> Row:
    answer = api.call("GET", f"{REPORTS}/{report['id']}", token=who)
    assert answer.status_code == status, answer.json
    return shown(answer) if status == 200 else dict(answer.json)


def filled(report: Row, **texts: str) -> list[Row]:
    """The sections of its draft with these texts, or with `TEXT`."""
    said = texts or TEXT
    return [one | {"text": said.get(one["code"], one["text"])} for one in report["draft"]["sections"]]


def save(api: Api, report: Row, who: Who = RITA, status: int = 200, tag: str | None = None, **more: Any) -> Row:
    body = {"sections": more.pop("sections", None) or filled(report), **more}
    headers = {"If-Match": tag or report["etag"]}
    answer = api.call("PUT", f"{REPORTS}/{report['id']}", token=who, json=body, headers=headers)
    assert answer.status_code == status, answer.json
    return shown(answer) if status == 200 else dict(answer.json)


def act(api: Api, report: Row, what: str, who: Who = RITA, status: int = 200, **body: Any) -> Row:
    """Claim, release, preliminary, amend and the like."""
    options: dict[str, Any] = {"json": body} if body or what in ("claim", "sign") else {}
    answer = api.call("POST", f"{REPORTS}/{report['id']}/{what}", token=who, **options)
    assert answer.status_code == status, answer.json
    return shown(answer) if status == 200 else dict(answer.json or {})


def sign(api: Api, report: Row, who: Who = RITA, status: int = 200, tag: str | None = None, **body: Any) -> Row:
    headers = {"If-Match": tag or report["etag"]}
    answer = api.call("POST", f"{REPORTS}/{report['id']}/sign", token=who, json=body, headers=headers)
    assert answer.status_code == status, answer.json
    return shown(answer) if status == 200 else dict(answer.json)


def written(api: Api, who: Who = RITA, **of: Any) -> Row:
    """A draft with text."""
    return save(api, begin(api, who, **of), who)


def signed(api: Api, who: Who = RITA, **of: Any) -> Row:
    return sign(api, written(api, who, **of), who)


def amended(api: Api, report: Row, kind: str = "amended", who: Who = RITA) -> Row:
    """Signed once more."""
    draft = act(api, report, "amend", who, kind=kind, reason="seen again with the neurologist")
    texts = {"19005-8": f"{kind}: kleines Aneurysma der A. communicans anterior."}
    return sign(api, save(api, draft, who, sections=filled(draft, **texts)), who)


def listed(api: Api, query: str = "", who: Who = RITA) -> list[str]:
    answer = api.call("GET", f"{REPORTS}{query}", token=who)
    assert answer.status_code == 200, answer.json
    return [one["id"] for one in answer.json["items"]]
