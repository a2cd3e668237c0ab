"""What a site puts on its reports, from the settings; read once, at the start."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from ehr_bridge.reporting.documents import Site
from ehr_bridge.reporting.pdf import require_picture
from ehr_bridge.services.filing.making import Maker
from ehr_bridge.settings import Settings, SettingsError

LARGEST_LOGO = 1_000_000


def load_maker(settings: Settings) -> Maker:
    """Raises SettingsError when the logo or the certificate cannot be used."""
    lines = settings.report_header_lines
    logo = b"" if settings.report_logo is None else _logo(settings.report_logo)
    site = Site(lines[0] if lines else "", "\n".join(lines), logo, ZoneInfo(settings.time_zone))
    key, certificate = settings.report_key, settings.report_certificate
    if key is None and certificate is None:
        return Maker(site)
    if key is None or certificate is None:
        raise SettingsError(["EHR_BRIDGE_REPORT_KEY: set it together with EHR_BRIDGE_REPORT_CERTIFICATE, or neither"])
    from ehr_bridge.services.filing.signing import PdfSigner  # its library costs a start 0.2 s; few sites have a seal

    try:
        return Maker(site, PdfSigner.load(key, certificate))
    except ValueError as error:
        raise SettingsError([f"EHR_BRIDGE_REPORT_KEY, EHR_BRIDGE_REPORT_CERTIFICATE: {error}"]) from None


def _logo(path: Path) -> bytes:
    try:
        logo = path.read_bytes()
        if len(logo) > LARGEST_LOGO:
            raise ValueError("the file is larger than 1 MB")
        require_picture(logo)
    except (OSError, ValueError) as error:
        why = error if isinstance(error, ValueError) else "the file cannot be read"
        raise SettingsError([f"EHR_BRIDGE_REPORT_LOGO: {why}"]) from None
    return logo
