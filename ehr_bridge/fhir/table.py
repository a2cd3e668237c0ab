"""What this server can do, in one table: routes, searches and the CapabilityStatement are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The type of a search parameter."""

    TOKEN = "token"  # noqa: S105
    STRING = "string"
    DATE = "date"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: Kind
    text: str = ""
    targets: tuple[str, ...] = ()
    """The types that a reference may lead to."""
    chained: tuple[str, ...] = ()
    """Parameters of the target that may follow a dot: `patient.identifier`."""
    also: tuple[str, ...] = ()
    """Other spellings, which mean the same (IHE IMR writes `basedOn`)."""
    is_standard: bool = True
    """Whether R4 defines it; others are those of a profile (IHE IMR)."""

    @property
    def modifiers(self) -> tuple[str, ...]:
        return ("missing", "exact") if self.kind == Kind.STRING else ("missing",)


@dataclass(frozen=True, slots=True)
class Resource:
    name: str
    parameters: tuple[Parameter, ...]
    is_written: bool = False
    """Whether it can be created and updated; otherwise it is read and searched only."""
    sorts: tuple[str, ...] = ()
    """What `_sort` may name, besides `-` in front."""
    includes: tuple[str, ...] = ()
    """Parameters whose targets `_include` adds."""
    reverse_includes: tuple[str, ...] = ()
    """As `_revinclude` writes them: `ImagingStudy:basedon`."""
    by_name: Mapping[str, Parameter] = field(init=False, repr=False)
    """Parameters by every spelling."""

    def __post_init__(self) -> None:
        spelled = {name: one for one in self.parameters for name in (one.name, *one.also)}
        object.__setattr__(self, "by_name", spelled)


_ID = Parameter("_id", Kind.TOKEN, "The id of the resource")
_UPDATED = Parameter("_lastUpdated", Kind.DATE, "When it last changed here")
_PATIENT = Parameter("patient", Kind.REFERENCE, "Whose it is, with every record merged with theirs", ("Patient",),
                     ("identifier",), also=("subject",))  # fmt: skip

PATIENT = Resource(
    "Patient",
    (
        _ID,
        Parameter("identifier", Kind.TOKEN, "MRN, alone or after the system of its issuer"),
        Parameter("family", Kind.STRING, "Beginning of a family name, without case and accents"),
        Parameter("given", Kind.STRING, "Beginning of a given or middle name, without case and accents"),
        Parameter("name", Kind.STRING, "Beginning of any part of the name"),
        Parameter("birthdate", Kind.DATE, "Day of birth"),
        Parameter("gender", Kind.TOKEN, "male, female, other or unknown"),
        Parameter("active", Kind.TOKEN, "false: merged into another record"),
        _UPDATED,
    ),
    is_written=True,
    sorts=("family", "birthdate", "_lastUpdated"),
    reverse_includes=("ServiceRequest:patient", "ImagingStudy:patient", "DiagnosticReport:patient"),
)
SERVICE_REQUEST = Resource(
    "ServiceRequest",
    (
        _ID,
        Parameter("identifier", Kind.TOKEN, "Accession number or number of the placer"),
        _PATIENT,
        Parameter("status", Kind.TOKEN, "active, completed or revoked"),
        Parameter("authored", Kind.DATE, "When the order came here"),
        Parameter("occurrence", Kind.DATE, "Appointment of the first step"),
        Parameter("code", Kind.TOKEN, "Code of the procedure"),
        Parameter("priority", Kind.TOKEN, "routine, urgent, asap or stat"),
        _UPDATED,
    ),
    is_written=True,
    sorts=("authored", "occurrence", "_lastUpdated"),
    includes=("patient",),
    reverse_includes=("ImagingStudy:basedon", "DiagnosticReport:based-on"),
)
IMAGING_STUDY = Resource(
    "ImagingStudy",
    (
        _ID,
        Parameter("identifier", Kind.TOKEN, "Study Instance UID as urn:dicom:uid|urn:oid:…, or an accession number"),
        _PATIENT,
        Parameter("basedon", Kind.REFERENCE, "An order that it answers", ("ServiceRequest",), ("identifier",),
                  ("basedOn", "based-on")),
        Parameter("started", Kind.DATE, "Study Date"),
        Parameter("modality", Kind.TOKEN, "Modality of one of its series"),
        Parameter("series", Kind.TOKEN, "Series Instance UID of one of its series, alone or as urn:oid:…"),
        Parameter("dicom-class", Kind.TOKEN, "SOP Class UID of one of its images, as urn:oid:… or alone"),
        Parameter("status", Kind.TOKEN, "registered while its images arrive, then available"),
        Parameter("endpoint", Kind.REFERENCE, "Where its images are", ("Endpoint",)),
        _UPDATED,
    ),
    sorts=("started", "_lastUpdated"),
    includes=("patient", "basedon", "endpoint"),
    reverse_includes=("DiagnosticReport:imagingStudy",),
)  # fmt: skip
DIAGNOSTIC_REPORT = Resource(
    "DiagnosticReport",
    (
        _ID,
        Parameter("identifier", Kind.TOKEN, "Its id, the number that its sender gave it, or a number of its order"),
        Parameter("patient", Kind.REFERENCE, "Whose it is, with every record merged with theirs", ("Patient",),
                  ("identifier", "family", "given", "name", "birthdate"), also=("subject",)),
        Parameter("status", Kind.TOKEN, "preliminary, final, amended, corrected, appended or entered-in-error"),
        Parameter("category", Kind.TOKEN, "RAD"),
        Parameter("code", Kind.TOKEN, "LOINC 18748-4"),
        Parameter("date", Kind.DATE, "Study Date of its images"),
        Parameter("issued", Kind.DATE, "When its latest version was issued"),
        Parameter("based-on", Kind.REFERENCE, "An order that it answers", ("ServiceRequest",), ("identifier",),
                  also=("basedOn", "basedon")),
        Parameter("imagingStudy", Kind.REFERENCE, "The study that it is of (IHE IMR)", ("ImagingStudy",),
                  ("identifier", "modality", "started"), is_standard=False,
                  also=("imaging-study", "imagingstudy", "study")),
        _UPDATED,
    ),
    is_written=True,
    sorts=("issued", "_lastUpdated"),
    includes=("patient", "based-on", "imagingStudy"),
)  # fmt: skip
ENDPOINT = Resource(
    "Endpoint",
    (
        _ID,
        Parameter("connection-type", Kind.TOKEN, "dicom-wado-rs or ihe-iid"),
        Parameter("status", Kind.TOKEN, "active"),
    ),
)
AUDIT_EVENT = Resource(
    "AuditEvent",
    (
        _ID,
        Parameter("date", Kind.DATE, "When it happened"),
        Parameter("patient", Kind.REFERENCE, "Whose data it was about, with every record merged with theirs",
                  ("Patient",), ("identifier",)),
        Parameter("agent", Kind.REFERENCE, "Who acted: agent:identifier=SUBJECT of their token", ("Practitioner",),
                  ("identifier",)),
        Parameter("entity", Kind.REFERENCE, "What it was about", ("Patient", "ServiceRequest", "ImagingStudy")),
        Parameter("type", Kind.TOKEN, "Kind of event (DICOM PS3.16 CID 400)"),
        Parameter("subtype", Kind.TOKEN, "Action, in the words of our audit trail"),
        Parameter("action", Kind.TOKEN, "C, R, U, D or E"),
        Parameter("outcome", Kind.TOKEN, "0, 4 or 8"),
    ),
    sorts=("date",),
)  # fmt: skip

RESOURCES: Mapping[str, Resource] = {
    one.name: one for one in (PATIENT, SERVICE_REQUEST, IMAGING_STUDY, DIAGNOSTIC_REPORT, ENDPOINT, AUDIT_EVENT)
}
