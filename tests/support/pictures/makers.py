"""Which pictures there are, and what makes each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.people import People
from tests.support.pictures import desk, guarding, images
from tests.support.pictures.world import HIGHER
from tests.support.server import Server

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
type Maker = Callable[[People, Server], Page]


def listed(account: str, path: str) -> Maker:
    """A page as it opens."""
    return lambda people, server: people.go(account, path)


def long(account: str, path: str) -> Maker:
    """A list in a higher window, so that what it is about is seen."""

    def make(people: People, server: Server) -> Page:
        people.window(account).set_viewport_size(HIGHER)
        return people.go(account, path)

    return make


PICTURES: dict[str, Maker] = {
    "orders": long("radiographer", "/orders"),
    "order": desk.order,
    "patient": desk.patient,
    "registration": desk.registration,
    "emergency": desk.emergency,
    "merge": desk.merge,
    "reading": listed("radiologist", "/reading"),
    "report": images.report,
    "viewer": images.viewer,
    "studies": listed("radiologist", "/studies"),
    "study": images.study,
    "sharing": images.sharing,
    "sending": images.sending,
    "reconciliation": images.reconciliation,
    "upload-review": images.upload_review,
    "upload": images.upload,
    "upload-known": images.upload_known,
    "quarantine": guarding.quarantine,
    "deletions": guarding.deletions,
    "restricted": guarding.restricted,
    "modalities": listed("admin", "/modalities"),
    "interfaces": listed("admin", "/interfaces"),
    "audit": listed("admin", "/audit"),
    "system": listed("admin", "/system"),
    "dashboard": guarding.dashboard,
    "retention": guarding.retention,
}
"""In the order in which they are made: the last two write examinations of other days into the database."""
