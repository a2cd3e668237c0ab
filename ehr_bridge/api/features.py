"""What is switched on in this installation, as far as somebody who connects an EHR has to know."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ehr_bridge.api.http.schemas import Model
from ehr_bridge.settings import Settings

type DoorOfFiles = Literal["upload", "stow_rs", "rest", "c_store"]
DOORS: tuple[DoorOfFiles, ...] = ("upload", "stow_rs", "rest", "c_store")


class FeaturesAnswer(Model):
    doors: list[DoorOfFiles] = Field(
        description="Ways in for files: our own routes, STOW-RS, `POST /instances`, C-STORE", examples=[[*DOORS]]
    )
    ae_title: str = Field(description="AE title under which modalities call", examples=["ORTHANC"])
    basic_auth: bool = Field(description="Whether a service account may sign in with HTTP Basic")
    jwks: bool = Field(description="Whether tokens are taken that the EHR's own keys signed (RS256, ES256, EdDSA)")
    smart_scopes: bool = Field(description="Whether SMART scopes of a token grant or narrow what it may do")
    issuer_required: bool = Field(description="Whether several authorities give MRNs, so that `issuer` is required")
    frame_ancestors: list[str] = Field(
        description="Origins whose pages may show ours in a frame", examples=[["https://ehr.example.org"]]
    )
    own_coercion_rules: bool = Field(description="Whether images are changed by rules of this site on arrival")
    match_automatic: Literal["order", "patient_id", "near_patient_id", "demographics"] = Field(
        description="The weakest ground on which a study is linked without a person"
    )
    stable_age_seconds: int = Field(
        description="Seconds without a new instance until a study counts as complete", examples=[60]
    )
    deletion_grace_days: int = Field(description="Days in which an approved deletion can be taken back", examples=[7])


def features_of(settings: Settings) -> FeaturesAnswer:
    """From the settings alone; tells no secret, path or address of a database."""
    return FeaturesAnswer(
        doors=[*DOORS],
        ae_title=settings.ae_title,
        basic_auth=settings.username is not None,
        jwks=settings.jwks is not None,
        smart_scopes=settings.smart_scopes,
        issuer_required=bool(settings.known_authorities),
        frame_ancestors=(settings.frame_ancestors or "").split(),
        own_coercion_rules=settings.coercion_rules is not None,
        match_automatic=settings.match_automatic,
        stable_age_seconds=settings.stable_age,
        deletion_grace_days=settings.deletion_grace_days,
    )
