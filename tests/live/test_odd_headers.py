"""Headers as no Standard foresees them, by the hundred, on both databases: stored, or refused by name, and never "try
again" for a file that nothing will ever store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from ehr_bridge.dicom import read_header
from tests.support import scu
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import upload

SHORT = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()  # noqa: SIM905
LONG = "OB OD OF OL OV OW SQ SV UC UN UR UT UV".split()  # noqa: SIM905
NONE = ["??", "ZZ", "--", "00", "  ", "xx", "\0\0", "\x7f\x7f"]
META = (0x0013, 0x0016)
"""(0002,0013) Implementation Version Name; (0002,0016) Source Application Entity Title."""
INDEXED = {
    "PatientID": 0x00100020,
    "PatientName": 0x00100010,
    "PatientBirthDate": 0x00100030,
    "PatientSex": 0x00100040,
    "AccessionNumber": 0x00080050,
    "StudyDate": 0x00080020,
    "StudyDescription": 0x00081030,
    "StudyID": 0x00200010,
    "Modality": 0x00080060,
    "SeriesNumber": 0x00200011,
    "InstanceNumber": 0x00200013,
    "NumberOfFrames": 0x00280008,
    "StudyInstanceUID": 0x0020000D,
}
ODD_VRS = ("SQ", "OB", "UN", "US", "FL", "AT", "UT")
TEXTS = ("PatientID", "PatientName", "AccessionNumber", "StudyDescription", "StudyID")
UTF_8 = "ISO_IR 192"
LENGTHS = (255, 256, 257, 300, 1024, 20_000)


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Explicit VR, little endian."""
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr.encode("latin-1")
    if vr in SHORT or (vr in NONE and vr != "ZZ"):
        return head + len(value).to_bytes(2, "little") + value
    return head + b"\0\0" + len(value).to_bytes(4, "little") + value


def with_meta(number: int, vr: str) -> bytes:
    """An image whose meta information has such an element at its end."""
    data = small()
    start = read_header(data).dataset_start
    odd = element(0x00020000 | number, vr, b"" if vr == "SQ" else b"TEST" * 2)
    length = int.from_bytes(data[140:144], "little") + len(odd)
    return data[:140] + length.to_bytes(4, "little") + data[144:start] + odd + data[start:]


def with_vr(keyword: str, vr: str) -> bytes:
    """An image that has an element it is listed by written so."""
    data, tag = small(), INDEXED[keyword]
    header = read_header(data)
    there = header.element(tag)
    if there is not None:
        data = data[: there.start] + data[there.end :]
        header = read_header(data)
    after = next((start for other, start in sorted(header.walk.starts.items()) if other > tag), len(data))
    return data[:after] + element(tag, vr, b"" if vr == "SQ" else b"12345678") + data[after:]


VARIANTS: dict[str, Callable[[], bytes]] = {
    **{f"meta {n:04x} {vr!r}": partial(with_meta, n, vr) for n in META for vr in (*SHORT, *LONG, *NONE)},
    **{f"{keyword} as {vr}": partial(with_vr, keyword, vr) for keyword in INDEXED for vr in ODD_VRS},
    **{f"{keyword} of {n}": partial(small, **{keyword: "A" * n}) for n in LENGTHS for keyword in TEXTS},
    **{f"PatientID of {n}, UTF-8": partial(small, PatientID="Ä" * n, SpecificCharacterSet=UTF_8) for n in LENGTHS},
}
"""Each makes a file under UIDs of its own."""


def test_no_header_is_try_again_for_ever(server: Server) -> None:
    """Each alone: 201, or 422 with a name, twice alike; and what `validate` calls an error is what the upload says."""
    assert len(VARIANTS) > 159
    outcomes: Counter[str] = Counter()
    for name, make in VARIANTS.items():
        answer = upload(server, make())
        code = answer.json().get("code", "stored")
        outcomes[code] += 1
        assert (answer.status_code, code) == (201, "stored") or answer.status_code == 422, (name, answer.text)
        if code != "stored":
            again = upload(server, make())
            assert (again.status_code, again.json()["code"]) == (422, code), name
            if code != "refused_by_archive":
                token = user_token("technician")
                headers = {"Content-Type": "application/dicom"}
                path = "/api/v1/dicom/validate"
                said = server.request("POST", path, token, data=make(), headers=headers).json()
                assert code in {each["code"] for each in said["findings"] if each["level"] == "error"}, name
    assert set(outcomes) <= {
        "stored",
        "unreadable_meta",
        "cannot_index",
        "refused_by_archive",
        "missing_uid",
        "malformed",
    }
    assert outcomes["unreadable_meta"] and outcomes["cannot_index"] and outcomes["stored"]
    print(dict(outcomes))
    for level in ("studies", "series", "instances"):  # none of them takes the list of all away from everybody
        listed = server.get(f"/dicom-web/{level}?StudyInstanceUID=*", "doctor")
        assert listed.status_code == 200, listed.text
        assert len(listed.json()) > outcomes["stored"] - len(ODD_VRS)  # an odd study UID is that of several
    assert server.get("/api/v1/health").json()["status"] == "ok"


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("route", ["upload-multiple", "dicom-web/studies"])
def test_none_of_them_holds_its_neighbours_up(server: Server, route: str, part: int) -> None:
    """A quarter of them in one request, an honest image behind each: every honest one is stored."""
    odd = [make() for make in list(VARIANTS.values())[part::4]]
    honest = [small() for _ in odd]
    files = [one for pair in zip(odd, honest, strict=True) for one in pair]
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n" for data in files) + b"--b--"
    path = f"/api/v1/{route}" if "/" in route else f"/api/v1/dicom/{route}"
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    answer = server.request("POST", path, user_token("technician"), data=body, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    if route == "upload-multiple":
        codes = [one["error"]["code"] if one["error"] else one["status"] for one in answer.json()["instances"]]
        assert codes[1::2] == ["stored"] * len(honest)
        assert not {"archive_unavailable", "not_tried", "internal_error"} & set(codes)
    else:
        stored = {one["00081155"]["Value"][0] for one in answer.json()["00081199"]["Value"]}
        assert {read_header(data).sop_instance_uid for data in honest} <= stored


def test_by_c_store_each_is_answered(server: Server) -> None:
    """0xA700 tells a modality to send again: only where the file lacks a UID, which Orthanc says itself."""
    readable = [make() for name, make in VARIANTS.items() if not name.startswith("meta")]
    statuses = scu.send(server.dicom_port, [scu.message_of(data) for data in readable], patience=30)
    assert set(statuses) <= {0x0000, 0xA700, 0xB000, 0xC000, None}, Counter(statuses)
    print(Counter(statuses))
    assert statuses.count(0x0000) > len(readable) / 2
    assert server.get("/api/v1/health").json()["status"] == "ok"
