"""Frames, characters, moments and escape sequences of HL7 v2: what real peers send is read, and nothing is guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.hl7 import text as lines_of
from ehr_bridge.hl7 import timestamps
from ehr_bridge.hl7.escapes import escape, unescape
from ehr_bridge.hl7.faults import Code, Fault
from ehr_bridge.hl7.framing import HEAD_BYTES, Frame, Frames, framed
from ehr_bridge.hl7.text import Decoded, How, decode, segments

LATIN1 = "MSH|^~\\&|A|B\rPID|1||1||Müller".encode("latin1")
BERLIN = ZoneInfo("Europe/Berlin")


def fed(*pieces: bytes, largest: int = 1000) -> list[Frame]:
    frames = Frames(largest)
    return [frame for piece in pieces for frame in frames.feed(piece)]


def test_a_frame_is_found_however_it_arrives() -> None:
    """One byte at a time, five in one segment, without VT, without CR."""
    five = b"".join(framed(b"MSH|%d" % number) for number in range(5))
    expected = [Frame(b"MSH|%d" % number) for number in range(5)]
    assert fed(five) == expected
    assert fed(*(five[i : i + 1] for i in range(len(five)))) == expected
    assert fed(b"MSH|0\x1c\rMSH|1\x1c") == expected[:2]
    assert fed(b"\x0b\x1c\r") == [Frame(b"")]


def test_what_a_cut_off_peer_left_does_not_belong_to_the_next_frame() -> None:
    """A VT begins anew."""
    assert fed(b"\x0bMSH|half", framed(b"MSH|1")) == [Frame(b"MSH|1")]


def test_a_frame_that_is_too_large_keeps_its_head_and_the_next_one_is_read() -> None:
    """So that it can be answered by its number; it takes no memory meanwhile."""
    frames = Frames(100_000)
    large = b"MSH|" + b"x" * 3_000_000
    found = [frame for start in range(0, len(large), 4096) for frame in frames.feed(large[start : start + 4096])]
    assert found == [] and len(frames._buffer) <= HEAD_BYTES + 4096 and not frames.is_between
    found = [*frames.feed(b"\x1c\r" + framed(b"MSH|1"))]
    assert [(frame.is_whole, len(frame.content)) for frame in found] == [(False, HEAD_BYTES), (True, 5)]
    assert frames.is_between


@given(st.lists(st.binary(max_size=40).filter(lambda one: not set(one) & {0x0B, 0x1C}), max_size=5), st.data())
def test_frames_do_not_depend_on_how_the_network_cuts_them(contents: list[bytes], data: st.DataObject) -> None:
    """Any pieces give the same frames."""
    sent = b"".join(map(framed, contents))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=8)))
    pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert fed(*pieces) == [Frame(content.strip(b"\r\n")) for content in contents]


@pytest.mark.parametrize(
    ("declared", "codec", "of_source", "expected"),
    [
        ("8859/1", "latin1", None, ("iso8859-1", How.DECLARED)),
        ("UNICODE UTF-8", "utf-8", "latin1", ("utf-8", How.DECLARED)),
        ("8859/15~8859/1", "iso8859-15", None, ("iso8859-15", How.DECLARED)),
        ("ISO_IR192", "utf-8", None, ("utf-8", How.DECLARED)),
        ("", "utf-8", "latin1", ("utf-8", How.RECOGNISED)),
        ("", "latin1", "iso8859-1", ("iso8859-1", How.SOURCE)),
        ("UNICODE UTF-8", "latin1", "iso8859-1", ("iso8859-1", How.SOURCE)),
        ("ASCII", "utf-8", None, ("utf-8", How.RECOGNISED)),
        ("KLINGON", "cp1252", "cp1252", ("cp1252", How.SOURCE)),
    ],
)
def test_the_character_set_is_what_the_header_says_if_the_bytes_agree(
    declared: str, codec: str, of_source: str | None, expected: tuple[str, How]
) -> None:
    """Else UTF-8 where they are valid UTF-8; else as configured for the source."""
    text = f"MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5||||||{declared}|\rPID|1||1||Müller^Åsa"
    assert decode(text.encode(codec), of_source) == Decoded(text, *expected)


def test_characters_that_nobody_can_read_are_refused() -> None:
    """Without a word in MSH-18 or about the source, nobody knows what the bytes are."""
    for data in (LATIN1, LATIN1.replace(b"Mller", b"M\x00ller").replace(b"\xfc", b"\x00")):
        with pytest.raises(Fault) as refused:
            decode(data, None)
        assert refused.value.code == Code.DATA_TYPE and not refused.value.is_rejected


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n", b"MSH", b"\xff\xfeM\x00S\x00H\x00", b"BHS|^~\\&|\rMSH"])
def test_what_is_no_message_is_rejected(data: bytes) -> None:
    """And told so."""
    with pytest.raises(Fault) as refused:
        decode(data, "latin1")
    assert refused.value.is_rejected


def test_segments_end_as_the_sender_likes_and_broken_lines_are_one() -> None:
    """CR, LF, both; a line break inside a field; a line that looks like a segment of another delimiter."""
    text = "MSH|^~\\&|A\r\nPID|1||1||Sm\rith^Lucy\nOBX|1|ED|x||abc\r\ndef==\n\nZDS|1.2"
    assert segments(text) == ["MSH|^~\\&|A", "PID|1||1||Sm ith^Lucy", "OBX|1|ED|x||abc def==", "ZDS|1.2"]


def test_a_document_in_very_many_lines_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF in lines of 76 characters, as base64 is written: what came before is not copied again for each line."""

    class Line(str):
        copied = 0

        def __add__(self, other: str) -> Line:
            Line.copied += len(self)
            return Line(str.__add__(self, other))

    lines = [*map(Line, ("MSH|^~\\&|A", "OBX|1|ED|x||^^PDF^Base64^", *["x" * 76] * 2_000, "OBX|2"))]
    with monkeypatch.context() as patched:
        patched.setattr(lines_of, "re", SimpleNamespace(split=lambda *_: lines))
        found = segments("MSH|")
    assert [len(one) for one in found] == [len(lines[0]), len(lines[1]) + 77 * 2_000, 5]
    assert Line.copied <= sum(map(len, lines))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026030208", datetime(2026, 3, 2, 7, tzinfo=UTC)),
        ("202603020815", datetime(2026, 3, 2, 7, 15, tzinfo=UTC)),
        ("20260302081530.1234-0500", datetime(2026, 3, 2, 13, 15, 30, 123400, tzinfo=UTC)),
        ("202603291230", datetime(2026, 3, 29, 10, 30, tzinfo=UTC)),
        ("202603290130", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
        ("202603290230", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # this hour does not exist
        ("202610250230", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # this one comes twice
        ("202610250330", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_what_it_says_in_the_zone_of_the_source(written: str, expected: datetime) -> None:
    """On the days when clocks are changed as well."""
    assert timestamps.moment(written, BERLIN) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("20260302081530.1234", datetime(2026, 3, 2, 7, 15, 30, 123400, tzinfo=UTC)),
        ("20260302081530", datetime(2026, 3, 2, 7, 15, 30, 999999, tzinfo=UTC)),
        ("202603020815", datetime(2026, 3, 2, 7, 15, 59, 999999, tzinfo=UTC)),
        ("2026030208", datetime(2026, 3, 2, 7, 59, 59, 999999, tzinfo=UTC)),
        ("202610250230", datetime(2026, 10, 25, 1, 30, 59, 999999, tzinfo=UTC)),  # the second time
        ("202610250230+0200", datetime(2026, 10, 25, 0, 30, 59, 999999, tzinfo=UTC)),
        ("99991231235959+0000", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_the_latest_moment_that_a_time_can_mean(written: str, expected: datetime) -> None:
    """By which nobody takes a report for an older one that may be the newer."""
    assert timestamps.latest(written, BERLIN) == expected


@pytest.mark.parametrize(
    "written",
    [
        "2026",
        "20260302",
        "2026-03-02 08:15:00.123456",
        "20261302081500",
        "202603022515",
        "20260302081500+2500",
        "now",
        "٢٠٢٦٠٣٠٢٠٨١٥",
        "00010101000000+1400",
    ],
)
def test_what_is_no_moment_is_refused(written: str) -> None:
    """Never read as another one."""
    with pytest.raises(ValueError, match=r"."):
        timestamps.moment(written, BERLIN)


def test_a_day_that_is_not_said_is_not_made_up() -> None:
    """The year alone is no birthday."""
    assert timestamps.day("19610314") == timestamps.day("196103140000") == date(1961, 3, 14)
    assert timestamps.day("1961") is timestamps.day("196103") is timestamps.day("19610000") is None
    for wrong in ("14.03.1961", "19610231", "1961031"):
        with pytest.raises(ValueError, match=r"."):
            timestamps.day(wrong)


def test_escape_sequences_are_characters() -> None:
    """Of the message's own character set; what is unknown stays."""
    assert unescape(r"a\F\b\S\c\T\d\R\e\E\f\.br\g\H\h\N\i") == "a|b^c&d~e\\f\nghi"
    assert unescape(r"ISOLADA \XC7\\XC3\O", codec="latin1") == "ISOLADA ÇÃO"
    assert unescape(r"\Cxx\ \XZZ\ C:\temp") == r"\Cxx\ \XZZ\ C:\temp"
    assert unescape(r"a\.sp3\b\.sk3\c\.ti+4\d") == "a\nb cd"


def test_no_escape_sequence_is_the_character_nul() -> None:
    """PostgreSQL takes none, and a number with one looks like the number without."""
    assert unescape(r"MRN\X00\1 \X4100\ \X41\.") == r"MRN\X00\1 \X4100\ A."


@given(st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"])))
def test_what_is_escaped_comes_back(text: str) -> None:
    """Every text but carriage returns and NUL."""
    escaped = escape(text)
    assert unescape(escaped) == text
    assert not set("|^~&\n") & set(escaped)
