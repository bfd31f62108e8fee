"""The servers' certificates: made and renewed by an authority of the project's own, or judged where they are brought.

They lie in one folder: `ca.pem`, and for each server `<name>.pem` with its key `<name>.key`; there is a `ca.key` where
the authority is ours. The `openssl` program does the work, which is a part of Debian's ca-certificates.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

CA = "ca"
CA_DAYS, SERVER_DAYS = 3650, 397
RENEWED_BEFORE = timedelta(days=30)
_PROFILES = Path(__file__).with_name("certificates.cnf")


def renew(folder: Path, servers: Mapping[str, Sequence[str]], days: int = SERVER_DAYS) -> None:
    """Make the authority and the certificate of each server, for these hosts, unless they will still do in 30 days."""
    if _flaw(folder, CA, [[]], RENEWED_BEFORE):
        _issue(folder, CA, "authority", CA_DAYS)
    signed = ["-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key")]
    for server, hosts in servers.items():
        if flaw(folder, server, hosts, RENEWED_BEFORE):
            _issue(folder, server, "server", days, *signed, hosts=hosts)


def flaw(folder: Path, server: str, hosts: Iterable[str], ahead: timedelta = timedelta()) -> str | None:
    """Say why a server's certificate will not do for these hosts, now or so much later; None where it will."""
    as_server = [["-purpose", "sslserver", _kind(host), host] for host in hosts]
    return _flaw(folder, server, [*as_server, ["-purpose", "sslclient"]], ahead)


def _flaw(folder: Path, name: str, demands: Iterable[Sequence[str]], ahead: timedelta) -> str | None:
    """Say which of these demands (words for `openssl verify`) a certificate fails, or that the key is another's."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    moment = str(int((datetime.now(UTC) + ahead).timestamp()))
    # As strictly as Python 3.13 verifies by default, in the services.
    trust = ["-no-CApath", "-no-CAstore", "-x509_strict", "-CAfile", str(folder / "ca.pem"), "-attime", moment]
    for demand in demands:
        verified = _openssl("verify", *trust, *demand, str(certificate))
        if verified.returncode:
            return verified.stderr.strip()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        return f"{key}: {error}"
    return None


def _kind(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "-verify_hostname"
    return "-verify_ip"


def _issue(folder: Path, name: str, profile: str, days: int, *signed: str, hosts: Iterable[str] = ()) -> None:
    """Make a key, and a certificate for it that is signed by the authority, or by itself."""
    pair = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", str(folder / f"{name}.key")]
    described = ["-config", str(_PROFILES), "-extensions", profile, "-subj", f"/O=Instroom/CN={name}"]
    out = ["-days", str(days), "-out", str(folder / f"{name}.pem")]
    names = [f"{'IP' if _kind(host) == '-verify_ip' else 'DNS'}:{host}" for host in hosts]
    made = _openssl("req", "-x509", *described, *pair, *out, *signed, HOSTS=",".join(names))
    if made.returncode:
        raise OSError(f"openssl could not make {name}.pem: {made.stderr}")


def _openssl(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["openssl", *words]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def expiry(certificate: Path) -> datetime:
    """Return until when a certificate is valid."""
    said = _openssl("x509", "-noout", "-enddate", "-in", str(certificate)).stdout
    return _moment(said.strip().removeprefix("notAfter="))


def expiry_shown(port: int, ca: Path) -> datetime:
    """Return until when the certificate is valid that a server on this machine shows, once verified.

    Raises `ssl.SSLCertVerificationError` where a client would refuse it, and another `OSError` where nobody answers.
    """
    host, context = "127.0.0.1", ssl.create_default_context(cafile=ca)
    plain = socket.create_connection((host, port), timeout=5)
    with plain, context.wrap_socket(plain, server_hostname=host) as secure:
        return _moment(str((secure.getpeercert() or {})["notAfter"]))


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
