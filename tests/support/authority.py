"""An authority as a hospital makes one for itself, and the certificates of servers that it signs."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.receivers import Behaviour

DAY = timedelta(days=1)


class Authority:
    def __init__(self, name: str = "North Wing CA", ends: datetime | None = None) -> None:
        """With what a signature needs, and nothing else: no key identifiers, no key usage."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        until = ends or datetime.now(UTC) + 30 * DAY
        made = self._about(self._name, self._key.public_key(), until)
        basics = x509.BasicConstraints(ca=True, path_length=None)
        self.pem = _pem(made.add_extension(basics, critical=True).sign(self._key, hashes.SHA256()))

    @property
    def private_key(self) -> str:
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self._key.private_bytes(*form).decode()

    def server(self, address: str = "127.0.0.1", ends: datetime | None = None) -> tuple[str, str]:
        """Certificate and key of a server at this address, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ris")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        made = self._about(subject, key.public_key(), ends or datetime.now(UTC) + DAY)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        signed = made.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        return _pem(signed), key.private_bytes(*form).decode()

    def _about(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(until - 60 * DAY).not_valid_after(until)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def encrypted(behaviour: Behaviour, certificate: tuple[str, str], folder: Path) -> Behaviour:
    """The behaviour of a receiver behind TLS."""
    pem, key = folder / "server.pem", folder / "server.key"
    pem.write_text(certificate[0])
    key.write_text(certificate[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)

    def behave(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            behaviour(secured)

    return behave
