"""Numbers and names of a self-test: nobody can take them for a real patient's, and they say of which run they are.

Everything follows from the token of the run. So a later run finds what an interrupted one has left, and can tell its
images from any others, without a file that remembers them.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

MARK = "SELFTEST"
"""Family name of its patients, and the beginning of their MRNs, accession numbers and message control ids."""
GIVEN_NAME = "NOT A PATIENT"
AE_TITLE = "EHR-SELFTEST"
"""Of the modality that it plays."""
BIRTH_DATE = "1900-01-01"
SEX = "other"
APPOINTMENT = "2099-12-31T12:00:00Z"
"""So late that no worklist of a real day shows its orders."""
MODALITY = "OT"
MOST_IMAGES = 10
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_TOKEN = rf"(?P<token>[{_LETTERS}]{{6}})"
_NUMBER = re.compile(rf"{MARK}-{_TOKEN}-[0-9]{{1,3}}")
_UIDS = uuid.UUID("6f1d7a52-3c53-4a2e-9c3e-0b9d6a3e51d4")


@dataclass(frozen=True, slots=True)
class Run:
    """One self-test; `token` are six letters and digits."""

    token: str

    @classmethod
    def new(cls) -> Run:
        return cls("".join(secrets.choice(_LETTERS) for _ in range(6)))

    @property
    def prefix(self) -> str:
        """With which its MRNs and control ids begin."""
        return f"{MARK}-{self.token}-"

    @property
    def accession_prefix(self) -> str:
        return f"{MARK}{self.token}"

    def mrn(self, number: int) -> str:
        return f"{self.prefix}{number}"

    def accession_number(self, number: int) -> str:
        """16 characters, as many as SH takes (PS3.5 section 6.2)."""
        return f"{self.accession_prefix}{number:02}"

    def uid(self, what: str) -> str:
        """A UID made from a UUID (PS3.5 annex B.2): of an image, a series, a performed step."""
        return f"2.25.{uuid.uuid5(_UIDS, f'{self.token} {what}').int}"

    @property
    def step(self) -> str:
        """The UID of its performed procedure step."""
        return self.uid("step")

    def image(self, number: int) -> str:
        """The SOP Instance UID of an image, 0 to `MOST_IMAGES` - 1."""
        return self.uid(f"image {number}")

    @property
    def images(self) -> frozenset[str]:
        """The SOP Instance UIDs of all images that it may send."""
        return frozenset(self.image(number) for number in range(MOST_IMAGES))


def runs_of(numbers: Iterable[str]) -> list[Run]:
    """The runs of which these MRNs or control ids are; of others none."""
    found = (_NUMBER.fullmatch(number) for number in numbers)
    return [Run(token) for token in sorted({one["token"] for one in found if one is not None})]
