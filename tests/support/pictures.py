"""scripts/pictures: the pictures of the pages in docs/images, made anew from a server with demo data.

Each is what a person sees at 1280 by 900, in few colours so that the files stay small. Names after the command choose
some of them.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.people import People
from tests.browser.steps import open_order
from tests.support import ports
from tests.support.chromium import PAINTED_BY_PROCESSOR, WITHOUT_WINDOW
from tests.support.messages import encoded, omi, orm
from tests.support.running import running
from tests.support.server import Server, user_token

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
COLOURS = 128
MODALITIES: dict[str, dict[str, Any]] = {
    "CT1": {"host": "10.0.3.17", "port": 104, "may": ["store", "worklist", "mpps", "commit"]},
    "MR1": {"host": "10.0.3.21", "port": 104, "may": ["store", "worklist", "mpps", "commit"], "charset": "latin2"},
    "US2": {"host": "us2.clinic.example", "port": 11112, "may": ["store", "worklist"]},
    "WS-SURGERY": {"host": "10.0.7.4", "port": 4006, "may": ["send_to"]},
}
WHERE = {"CT1": "CT 1, ground floor", "MR1": "MR 1", "US2": "Ultrasound, room 4", "WS-SURGERY": "Workstation, surgery"}


def prepare(server: Server) -> None:
    """What the demo data lacks: devices, messages of an EHR, two records of one person."""
    for title, body in MODALITIES.items():
        server.put(f"/api/v1/modalities/{title}", body | {"description": WHERE[title]}, "admin")
    for mrn, given in (("MRN-4077", "Ivana"), ("MRN-4078", "Iva")):
        server.put(f"/api/v1/patients/{mrn}", {"family_name": "Novak", "given_name": given, "sex": "female"})
    server.put("/api/v1/orders/ACC-4078", {"mrn": "MRN-4078", "modality": "US", "description": "US abdomen"})
    headers = {"Content-Type": "application/hl7-v2"}
    for text in (
        orm("NW", "ACC-7001", "MRN-7001"),
        omi("NW", "ACC-7002", "MRN-7001"),
        orm("CA", "ACC-9999", "MRN-7001"),
    ):
        server.request("POST", "/api/v1/hl7", user_token("service"), data=encoded(text), headers=headers)


def registration(people: People) -> Page:
    page = people.go("reception", "/orders")
    page.get_by_role("button", name="Register patient").click()
    dialog = page.get_by_role("dialog", name="Register patient")
    dialog.get_by_label("Family name").fill("Lindqvist")
    dialog.get_by_label("Given names").focus()
    dialog.get_by_text("Already registered under this name.").wait_for()
    return page


def emergency(people: People) -> Page:
    page = people.go("reception", "/orders")
    page.get_by_role("button", name="Emergency patient").click()
    dialog = page.get_by_role("dialog", name="Emergency patient")
    dialog.get_by_label("Male", exact=True).check()
    dialog.get_by_label("About how old (years)").fill("40")
    dialog.get_by_label("Modality").select_option("CT")
    return page


def merge(people: People) -> Page:
    page = people.go("reception", "/patients")
    page.get_by_label("Search").fill("MRN-4078")
    page.get_by_role("link", name="Open Novak, Iva", exact=True).click()
    page.locator(".identity").wait_for()
    page.get_by_role("button", name="Merge", exact=True).click()
    dialog = page.get_by_role("dialog", name="Merge two records")
    dialog.get_by_label("The other record").fill("MRN-4077")
    dialog.get_by_role("button", name="Merge with MRN-4077").click()
    dialog.get_by_role("radio", name=re.compile("MRN-4077")).check()
    dialog.get_by_text("1 order moves").wait_for()
    dialog.get_by_text("1 order moves").scroll_into_view_if_needed()
    return page


def sending(people: People) -> Page:
    page = study(people)
    page.get_by_role("button", name="Send to…").click()
    page.get_by_role("dialog").get_by_label("Device").wait_for()
    return page


def study(people: People) -> Page:
    page = people.go("radiologist", "/studies")
    page.get_by_role("link", name=re.compile("^Open the study.*Lindqvist")).first.click()
    page.get_by_role("region", name="History").get_by_text("Study received").first.wait_for()
    return page


def order(people: People) -> Page:
    page = people.go("radiologist", "/orders")
    open_order(page, "ACC-2026-0001")
    return page


def listed(account: str, path: str) -> Callable[[People], Page]:
    """A page as it opens."""
    return lambda people: people.go(account, path)


PICTURES: dict[str, Callable[[People], Page]] = {
    "orders": listed("reception", "/orders"),
    "order": order,
    "registration": registration,
    "emergency": emergency,
    "merge": merge,
    "studies": listed("radiologist", "/studies"),
    "study": study,
    "sending": sending,
    "modalities": listed("admin", "/modalities"),
    "interfaces": listed("admin", "/interfaces"),
    "audit": listed("admin", "/audit"),
    "system": listed("admin", "/system"),
}


def main(names: Sequence[str]) -> int:
    """Make the pictures of these names, or all of them."""
    if unknown := set(names) - PICTURES.keys():
        print(f"pictures: no picture is called {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="ehr-bridge-pictures-") as folder,
        running(Path(folder), "--demo", EHR_BRIDGE_MPPS_PORT=str(ports.free())) as server,
        sync_playwright() as playwright,
    ):
        prepare(server)
        browser = playwright.chromium.launch(executable_path=WITHOUT_WINDOW, args=PAINTED_BY_PROCESSOR)
        people = People(browser, server)
        for name in names or PICTURES:
            page = PICTURES[name](people)
            page.wait_for_load_state("networkidle")
            seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            seen.quantize(COLOURS, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
            print(f"{name}.png", (IMAGES / f"{name}.png").stat().st_size // 1024, "kB")
        people.leave()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
