"""The settings that say where the product listens, how others reach it, and whom it asks; part of
`ehr_bridge.settings`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr

from ehr_bridge import setting_checks
from ehr_bridge.wrong_values import written

LOOPBACK = "127.0.0.1"
Port = Annotated[int, Field(ge=1, le=65535)]


MPPS_CERTIFICATE, MPPS_KEY, MPPS_CLIENTS = (
    "EHR_BRIDGE_MPPS_CERTIFICATE",
    "EHR_BRIDGE_MPPS_KEY",
    "EHR_BRIDGE_MPPS_CLIENTS",
)


class MppsTls(NamedTuple):
    """PEM files for the port of MPPS."""

    certificate: Path
    key: Path
    clients: Path

    @property
    def by_variable(self) -> dict[str, Path]:
        return dict(zip((MPPS_CERTIFICATE, MPPS_KEY, MPPS_CLIENTS), self, strict=True))


class NetworkSettings(BaseModel):
    """The alias of a field is its environment variable."""

    http_port: Port = Field(8042, alias="EHR_BRIDGE_HTTP_PORT", description="Port of HTTP and DICOMweb.")
    dicom_port: Port = Field(4242, alias="EHR_BRIDGE_DICOM_PORT", description="Port of DIMSE.")
    bind: str = Field(
        LOOPBACK,
        alias="EHR_BRIDGE_BIND",
        pattern=written(r"^(127\.0\.0\.1|0\.0\.0\.0)$", "127.0.0.1 or 0.0.0.0"),
        description="HTTP: 127.0.0.1 answers only this machine, 0.0.0.0 every one. DIMSE always listens on all.",
    )
    public_url: Annotated[str, AfterValidator(setting_checks.public_url)] | None = Field(
        None,
        alias="EHR_BRIDGE_PUBLIC_URL",
        description="Where browsers and the EHR reach this server, such as https://pacs.example.org.",
    )
    sharing: bool = Field(
        False, alias="EHR_BRIDGE_SHARING", description="1: links to studies can be made for people outside."
    )
    fhir_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None,
        alias="EHR_BRIDGE_FHIR_PORT",
        description="Port of FHIR R4, 0: off. Unset: the HTTP port plus one, if EHR_BRIDGE_BIND is 127.0.0.1 or "
        "EHR_BRIDGE_PUBLIC_URL is set; else off.",
    )
    fhir_mrn_system: str | None = Field(
        None,
        alias="EHR_BRIDGE_FHIR_MRN_SYSTEM",
        min_length=1,
        max_length=255,
        description="Identifier system of the MRNs, where one authority gives them all.",
    )
    fhir_origins: Annotated[str, AfterValidator(setting_checks.origins)] | None = Field(
        None,
        alias="EHR_BRIDGE_FHIR_ORIGINS",
        description="Origins whose pages may call FHIR, with blanks between; none when unset.",
    )
    introspection_url: Annotated[str, AfterValidator(setting_checks.address)] | None = Field(
        None,
        alias="EHR_BRIDGE_INTROSPECTION_URL",
        description="Where the EHR's authorization server says what an opaque token means (RFC 7662).",
    )
    introspection_client: str | None = Field(
        None, alias="EHR_BRIDGE_INTROSPECTION_CLIENT", min_length=1, description="Our client id there."
    )
    introspection_secret: SecretStr | None = Field(
        None, alias="EHR_BRIDGE_INTROSPECTION_SECRET", description="Our client secret there."
    )
    smart_ehrs: Path | None = Field(
        None, alias="EHR_BRIDGE_SMART_EHRS", description="TOML file of the EHRs that may open our pages as a SMART app."
    )

    metrics_from: Annotated[tuple[IPv4Network | IPv6Network, ...] | None, BeforeValidator(setting_checks.networks)] = (
        Field(
            None,
            alias="EHR_BRIDGE_METRICS_FROM",
            description="Addresses and networks that read the metrics without a token, with blanks between.",
        )
    )

    mpps_port: Port | None = Field(
        None, alias="EHR_BRIDGE_MPPS_PORT", description="Port of MPPS and of worklists by modality; off when unset."
    )
    mpps_certificate: Path | None = Field(
        None,
        alias=MPPS_CERTIFICATE,
        description="PEM file of the certificate of that port, and those of its issuers: only TLS is taken there.",
    )
    mpps_key: Path | None = Field(None, alias=MPPS_KEY, description="PEM file of its private key, without a password.")
    mpps_clients: Path | None = Field(
        None, alias=MPPS_CLIENTS, description="PEM file of the authorities of the modalities' certificates."
    )

    node: str | None = Field(
        None,
        alias="EHR_BRIDGE_NODE",
        pattern=written(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "letters, digits, dots, _ and -, at most 64"),
        description="Name of this node, where several serve one archive; kept in the data dir when unset.",
    )
    drain_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        0,
        alias="EHR_BRIDGE_DRAIN_SECONDS",
        description="Seconds for which a server that is asked to stop still serves, and says that it is draining.",
    )

    @property
    def mpps_tls(self) -> MppsTls | None:
        """None where the port takes no TLS."""
        if self.mpps_certificate is None or self.mpps_key is None or self.mpps_clients is None:
            return None
        return MppsTls(self.mpps_certificate, self.mpps_key, self.mpps_clients)

    @property
    def mpps_tls_is_incomplete(self) -> bool:
        given = [one is not None for one in (self.mpps_certificate, self.mpps_key, self.mpps_clients)]
        return any(given) and not (all(given) and self.mpps_port is not None)

    @property
    def fhir_listens_on(self) -> int | None:
        """The port of FHIR; None when it is off. Links need an address that others can use, so on all interfaces it is
        off until that is known."""
        if self.fhir_port is not None:
            return self.fhir_port or None
        can_be_followed = self.bind == LOOPBACK or self.public_url is not None
        return self.http_port + 1 if can_be_followed and self.http_port < 65535 else None

    @property
    def base_url(self) -> str:
        """Where others reach HTTP, without a slash at its end."""
        return self.public_url or f"http://{LOOPBACK}:{self.http_port}"

    @property
    def fhir_base_url(self) -> str:
        """Where others reach FHIR: the proxy maps `/fhir` onto its port."""
        return f"{self.public_url or f'http://{LOOPBACK}:{self.fhir_listens_on}'}/fhir"

    @property
    def lacks_public_url(self) -> bool:
        """Whether FHIR, SMART or sharing is asked for and nobody could follow its links."""
        has_links = bool(self.fhir_port) or self.smart_ehrs is not None or self.sharing
        return has_links and self.bind != LOOPBACK and self.public_url is None
