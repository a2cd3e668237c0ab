"""The gate by itself: the table, the headers it refuses, sizes, and its closed state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.tokens import TokenRules, TokenVerifier, make_user_token, make_viewer_token
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.services.viewing.viewings import Whole
from plugin.serving.bodies import Bodies
from plugin.serving.gate import Gate
from plugin.serving.routes import DELETE, GET, POST, PUT, find_route
from tests.support.grants import FakeGrants
from tests.support.sight import sight

RULES = TokenRules("a-secret-for-these-tests-0123456789abcdef", "orthanc-ehr-bridge", sharing=True)
NOW = datetime.now(UTC)
BODIES = Bodies(9_000_000, 19_000_000, lambda: 1 << 40)
GRANTS = FakeGrants()
A, B = "1.2.840.1", "1.2.840.2"
ID_A, ID_B = "-".join(["aaaaaaaa"] * 5), "-".join(["bbbbbbbb"] * 5)
STUDY_OF = {ID_A: A, ID_B: B}


def nobody(*_: object) -> None:
    """Listens to nothing."""


def make_gate(*hidden: str) -> Gate:
    gate = Gate(doorkeeper(), sight(*hidden), STUDY_OF.get, BODIES, nobody, nobody)
    gate.is_open = True
    return gate


def doorkeeper() -> Authenticator:
    return Authenticator(TokenVerifier(RULES, set(), GRANTS, lambda: NOW), None)


def user(*roles: str) -> str:
    return make_user_token(RULES, subject="x", name="x", roles=roles, now=NOW, ttl=timedelta(hours=1))


def viewer(*studies: str, of_share: bool = False) -> str:
    GRANTS.now = frozenset(studies)
    return make_viewer_token(
        RULES,
        token_id="t",
        subject="x",
        operations=["view"],
        now=NOW,
        expires_at=NOW + timedelta(hours=1),
        of_share=of_share,
    )


def ask(gate: Gate, method: int, uri: str, token: str | None = None, **headers: str) -> bool:
    request: dict[str, Any] = {
        "method": method,
        "ip": "127.0.0.1",
        "headers": {k.replace("_", "-"): v for k, v in headers.items()},
    }
    if token:
        request["headers"]["authorization"] = f"Bearer {token}"
    if method == GET:
        request["get"] = {}
    answer = gate.allow(uri, **request)
    assert type(answer) is bool  # anything else is a 500 (docs/orthanc-facts.md)
    return answer


def test_a_bound_token_opens_its_study_only() -> None:
    """By path."""
    gate = make_gate()
    assert ask(gate, GET, f"/dicom-web/studies/{A}/metadata", viewer(A))
    assert ask(gate, GET, f"/dicom-web/studies/{A}/", viewer(A))
    assert not ask(gate, GET, f"/dicom-web/studies/{B}/metadata", viewer(A))
    for spelled in (f"{A}*", f"{A}?", f"{A}\n", f" {A}", f"{A},{B}", f"{A}\\{B}", "*", "", ".", "1..2", f"{A}."):
        assert not ask(gate, GET, f"/dicom-web/studies/{spelled}/metadata", viewer(A)), repr(spelled)


def test_a_share_opens_no_file_of_a_report_and_nothing_made_of_all_files() -> None:
    """Nor anything while nobody can tell which those are; other tokens read them."""
    asked: list[list[str]] = []

    def files(studies: Iterable[str]) -> frozenset[str]:
        asked.append([*studies])
        if away:
            raise Unavailable("database_unavailable", "away")
        return frozenset({"1.7"})

    away: list[bool] = []
    gate = Gate(doorkeeper(), sight(), STUDY_OF.get, BODIES, nobody, nobody, files)
    gate.is_open = True
    base, token, shared = f"/dicom-web/studies/{A}", viewer(A), viewer(A, of_share=True)
    for path in ("series", "instances", "series/1.8/metadata", "series/1.8/instances/1.9/frames/1"):
        assert ask(gate, GET, f"{base}/{path}", shared), path
    of_report = (
        "metadata",
        "instances",
        "rendered",
        "instances/1.9",
        "instances/1.9/metadata",
        "instances/1.9/rendered",
    )
    closed = [f"series/1.7/{one}" for one in of_report] + [
        "metadata",
        "rendered",
        "thumbnail",
        "series/1.8",
        "series/1.7",
    ]
    for path in closed:
        assert not ask(gate, GET, f"{base}/{path}", shared), path
        assert ask(gate, GET, f"{base}/{path}", token), path
    assert all(one == [A] for one in asked)
    away.append(True)
    assert not ask(gate, GET, f"{base}/series/1.8/metadata", shared)
    assert ask(gate, GET, f"{base}/series/1.7/metadata", token)


def test_orthancs_ids_are_judged_by_the_study_they_belong_to() -> None:
    """A's token, B's id; an id nobody knows; a file name to smuggle a header in."""
    gate = make_gate()
    for path in ("/studies/{}", "/series/{}/instances", "/instances/{}/file", "/instances/{}/frames/0/preview"):
        assert ask(gate, GET, path.format(ID_A), viewer(A)), path
        assert not ask(gate, GET, path.format(ID_B), viewer(A)), path
        assert not ask(gate, GET, path.format(ID_A), None), path
        assert not ask(gate, GET, path.format("-".join(["cccccccc"] * 5)), user("nurse")), path
        assert not ask(gate, GET, path.format(ID_A), user("admin")), path
    for path in (f"/studies/{ID_A}/patient", f"/studies/{ID_A.upper()}", f"/studies/{ID_A}x", f"/patients/{ID_A}"):
        assert not ask(gate, GET, path, viewer(A)), path
    request = {"method": GET, "ip": "", "headers": {"authorization": f"Bearer {viewer(A)}"}}
    assert gate.allow(f"/instances/{ID_A}/file", **request, get={})
    assert not gate.allow(f"/instances/{ID_A}/file", **request, get={"filename": "x%0d%0aSet-Cookie: a=b"})
    assert not ask(make_gate(A), GET, f"/studies/{ID_A}", viewer(A))


def test_what_is_read_is_told_and_what_is_refused_is_not() -> None:
    """Study and instance of a path, of WADO-URI, of Orthanc's ids; for the audit trail."""
    seen: list[tuple[str, str | Whole | None]] = []

    def note(_caller: Any, study: str, instance: str | Whole | None, _address: str) -> None:
        seen.append((study, instance))

    gate = Gate(doorkeeper(), sight(), STUDY_OF.get, BODIES, nobody, note)
    gate.is_open = True
    token = viewer(A)
    headers = {"authorization": f"Bearer {token}"}
    wado = {"studyUID": A, "objectUID": "1.9"}
    for uri, arguments in (
        (f"/dicom-web/studies/{A}/series/1.8/instances/1.9/frames/1", {}),
        (f"/dicom-web/studies/{A}/metadata", {}),
        (f"/dicom-web/studies/{A}", {}),
        (f"/dicom-web/studies/{A}/series/1.8", {}),
        ("/wado", wado),
        (f"/instances/{ID_A}/file", {}),
        (f"/studies/{ID_A}", {}),
        (f"/series/{ID_A}/shared-tags", {}),
        (f"/dicom-web/studies/{B}/metadata", {}),
        ("/wado", {"studyUID": B}),
        (f"/instances/{ID_B}/file", {}),
        ("/dicom-web/studies", {}),
    ):
        gate.allow(uri, method=GET, ip="", headers=headers, get=arguments)
    of_dicomweb = [(A, "1.9"), (A, None), (A, Whole()), (A, Whole("1.8"))]
    assert seen == [*of_dicomweb, (A, "1.9"), (A, ID_A), (A, None), (A, None)]


def test_an_annotation_may_be_large_but_not_endless() -> None:
    """With `annotate` in a viewer token; a token to view may send next to nothing."""
    gate = make_gate()
    GRANTS.now = frozenset({A})
    path = "/api/v1/dicom-web/studies"
    for operations, length, passes in (
        (["view"], "2000000", False),
        (["view", "annotate"], "2000000", True),
        (["view", "annotate"], "20000001", False),
    ):
        token = make_viewer_token(
            RULES, token_id="t", subject="x", operations=operations, now=NOW, expires_at=NOW + timedelta(hours=1)
        )
        assert ask(gate, POST, path, token, content_length=length) == passes, (operations, length)


def test_no_path_names_a_series_or_an_instance_by_a_wildcard() -> None:
    """Orthanc would take whatever matches; not even within one's own study, nor for a radiologist."""
    gate = make_gate()
    for who in (viewer(A), user("radiologist")):
        assert ask(gate, GET, f"/dicom-web/studies/{A}/series/1.2/metadata", who)
        for spelled in ("*", "1.2*", "1.2?", "1.2\\1.3", "1.2\n"):
            assert not ask(gate, GET, f"/dicom-web/studies/{A}/series/{spelled}/metadata", who), repr(spelled)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_/.*%\n", max_size=60))
def test_any_path_outside_the_table_is_closed_to_every_role(path: str) -> None:
    """Nothing opens by accident."""
    gate = make_gate()
    token = user("technician", "doctor", "radiologist", "manager", "admin", "service")
    for method in (GET, POST, PUT, DELETE):
        uri = "/" + path
        if find_route(method, uri) is None:
            assert not ask(gate, method, uri, token, content_length="0")


def test_disguises_are_refused_even_for_everybody() -> None:
    """Packed bodies, endless bodies, methods in headers."""
    gate = make_gate()
    for header in ("content_encoding", "transfer_encoding", "x_http_method_override"):
        assert not ask(gate, GET, "/api/v1/health", user("admin"), **{header: "x"})


def test_form_data_is_refused_in_every_spelling() -> None:
    """Orthanc would answer 200 to it, whatever we say."""
    gate = make_gate()
    for media_type in ("multipart/form-data; boundary=x", "Multipart/Form-Data", "  multipart/form-data"):
        assert not ask(
            gate, POST, "/api/v1/dicom/upload", user("technician"), content_type=media_type, content_length="5"
        )


def test_large_bodies_are_only_read_from_those_who_may_upload() -> None:
    """A stranger gets words for a small body, and nothing for a large one."""
    gate = make_gate()
    path = "/api/v1/dicom/upload"
    assert ask(gate, POST, path, None, content_length="1000")
    assert not ask(gate, POST, path, None, content_length="2000000")
    assert not ask(gate, POST, path, user("nurse"), content_length="2000000")
    assert ask(gate, POST, path, user("technician"), content_length="2000000")
    for length in ("-1", "1e3", "", "٣", "0x10"):
        assert not ask(gate, POST, path, user("technician"), content_length=length), length
    assert ask(gate, POST, "/api/v1/orders/A/cancel", user("technician"))


def test_a_route_gets_no_larger_body_than_it_can_use() -> None:
    """One file, several, an archive, a list of patients; anything else is small. Whoever may upload asks."""
    gate = make_gate()
    for path, media_type, most in (
        ("/api/v1/dicom/upload", "application/dicom", 10_000_000),
        ("/api/v1/dicom/upload", "multipart/related; boundary=b", 20_000_000),
        ("/api/v1/dicom/upload-zip", "application/zip", 20_000_000),
        ("/api/v1/dicom/upload-multiple", "multipart/related; boundary=b", 20_000_000),
        ("/api/v1/dicom-web/studies", "multipart/related; boundary=b", 20_000_000),
        ("/api/v1/dicom/read-tags", "application/dicom", 10_000_000),
        ("/instances", "application/dicom", 10_000_000),
        ("/api/v1/match", "application/json", 8_000_000),
        ("/api/v1/auth/login", "application/json", 1_000_000),
        ("/api/v1/dicom/modify-tags", "application/json", 1_000_000),
    ):
        for length, passes in ((most, True), (most + 1, False)):
            answer = ask(gate, POST, path, user("technician"), content_type=media_type, content_length=str(length))
            assert answer == passes, (path, media_type, length)
            BODIES.done()


def test_who_sends_messages_may_send_a_report_with_its_pdf() -> None:
    """And nobody else a body of that size."""
    gate = make_gate()
    for role, passes in (("service", True), ("nurse", False)):
        for path in ("/api/v1/hl7", "/api/v1/hl7/validate"):
            asked = {"content_type": "application/hl7-v2", "content_length": "2000000"}
            assert ask(gate, POST, path, user(role), **asked) == passes, (role, path)
            BODIES.done()


def test_until_the_self_test_passes_only_the_self_test_passes() -> None:
    """Closed first, open later."""
    gate = Gate(
        Authenticator(TokenVerifier(RULES, set(), GRANTS, lambda: NOW), None),
        sight(),
        STUDY_OF.get,
        BODIES,
        nobody,
        nobody,
    )
    gate.expect("nonce")

    def health(**arguments: str) -> bool:
        return gate.allow("/api/v1/health", method=GET, ip="127.0.0.1", headers={}, get=arguments)

    assert not health()
    assert not health(selftest="guess")
    assert (gate.saw_self_test, gate.is_open) == (False, False)
    assert health(selftest="nonce")
    assert not health()
    assert (gate.saw_self_test, gate.is_open) == (True, False)
    gate.is_open = True
    assert health()


def test_a_request_that_cannot_be_judged_is_refused() -> None:
    """A defect of ours closes, never opens."""
    assert make_gate().allow("/api/v1/health") is False


def test_wado_uri_must_name_the_study_plainly() -> None:
    """The study in an argument."""
    gate = make_gate()

    def wado(token: str, **arguments: str) -> bool:
        headers = {"authorization": f"Bearer {token}"}
        return gate.allow("/wado", method=GET, ip="", headers=headers, get=arguments)

    assert wado(viewer(A), studyUID=A, objectUID="1.2")
    assert wado(user("nurse"), studyUID=A, objectUID="1.2")
    assert not wado(user("nurse"), objectUID="1.2")
    assert not wado(viewer(A), studyUID=B, objectUID="1.2")
    assert not wado(viewer(A), objectUID="1.2")
    assert not wado(viewer(A), studyUID="*", objectUID="1.2")
    assert not wado(user("nurse"), studyUID=A, objectUID="1.*")
    assert not wado(user("admin"), studyUID=A, objectUID="1.2")


def test_a_hidden_study_is_closed_to_everybody_and_another_is_not() -> None:
    """Viewer tokens made before, and people who may see every study."""
    gate = make_gate(A)
    wado = {"method": GET, "ip": "", "get": {"studyUID": A, "objectUID": "1.2"}}
    for token in (viewer(A), viewer(A, B), user("doctor")):
        assert not ask(gate, GET, f"/dicom-web/studies/{A}/metadata", token)
        assert not ask(gate, GET, f"/dicom-web/studies/{A}", token)
        assert not gate.allow("/wado", headers={"authorization": f"Bearer {token}"}, **wado)
    assert ask(gate, GET, f"/dicom-web/studies/{B}/metadata", viewer(A, B))
    assert ask(gate, GET, "/dicom-web/studies", viewer(A))


def test_before_the_hidden_studies_are_known_nobody_looks_at_images() -> None:
    """Right after the start."""
    unknown = sight(is_loaded=False)
    gate = Gate(
        Authenticator(TokenVerifier(RULES, set(), GRANTS, lambda: NOW), None),
        unknown,
        STUDY_OF.get,
        BODIES,
        nobody,
        nobody,
    )
    gate.is_open = True
    for path in (f"/dicom-web/studies/{A}/metadata", "/dicom-web/studies", "/wado"):
        assert not ask(gate, GET, path, user("doctor"))
    assert ask(gate, GET, "/api/v1/health")


def refusal(method: int, path: str, token: str | None, **more: Any) -> tuple[str, str, str | None] | None:
    """What the gate hands over to the audit trail for a request that it refuses: code, route, study."""
    told: list[Refusal] = []
    gate = Gate(doorkeeper(), sight(), STUDY_OF.get, BODIES, told.append, nobody)
    gate.is_open = True
    headers = dict(more.pop("headers", {})) | ({"authorization": f"Bearer {token}"} if token else {})
    allowed = gate.allow(path, method=method, ip="192.0.2.7", headers=headers, **more)
    assert not (allowed and told)
    if not told:
        return None
    assert (told[0].address, len(told)) == ("192.0.2.7", 1)
    return told[0].code, told[0].route, told[0].study_instance_uid


def test_what_the_gate_refuses_it_tells_once_with_route_class_and_study() -> None:
    """Without looking at the database; who it was is found out elsewhere."""
    assert refusal(GET, "/system", user("admin")) == ("route_closed", "gate closed", None)
    assert refusal(GET, "/dicom-web/studies", user("admin")) == ("permission_missing", "gate view", None)
    assert refusal(GET, f"/dicom-web/studies/{B}/series", viewer(A)) == ("permission_missing", "gate view_study", B)
    arguments = {"studyUID": B, "objectUID": "1.2"}
    assert refusal(GET, "/wado", viewer(A), get=arguments) == ("permission_missing", "gate view_argument", B)
    wild = {"studyUID": "*", "objectUID": "1.2"}
    assert refusal(GET, "/wado", viewer(A), get=wild) == ("permission_missing", "gate view_argument", None)
    packed = {"content-encoding": "gzip", "content-length": "3"}
    assert refusal(POST, "/instances", user("technician"), headers=packed) == (
        "header_refused",
        "gate application",
        None,
    )
    large = {"content-length": "20000000"}
    assert refusal(POST, "/instances", user("technician"), headers=large) == ("body_refused", "gate application", None)


def test_what_the_gate_lets_through_or_nobody_asked_for_it_does_not_tell() -> None:
    """A request without a token is no attempt."""
    assert refusal(GET, "/dicom-web/studies", user("nurse")) is None
    assert refusal(GET, "/system", None) is None
    assert refusal(GET, "/ehr/", None) is None


def test_a_path_with_a_line_break_below_our_routes_reaches_the_application() -> None:
    """It answers in words; the gate could only say 403."""
    assert make_gate().allow("/api/v1/patients/a\nb", method=GET, ip="", headers={})
    assert find_route(GET, "/api/v1x\n/secret") is None
