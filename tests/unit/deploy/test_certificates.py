"""Certificates: whom they are for, when they are renewed, and who gets what of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from chassis.settings import ServiceSettings
from deploy.compose import certificates, secrets
from deploy.homes import ROOT

HOSTS = {server: [server, "localhost", "127.0.0.1"] for server in ("rabbitmq", "mongodb")}
SOON = certificates.RENEWED_BEFORE + timedelta(days=1)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder's files."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide an authority with the certificate of each server."""
    folder = tmp_path_factory.mktemp("authority")
    certificates.renew(folder, HOSTS)
    return folder


def test_a_certificate_holds_for_its_own_hosts(authority: Path) -> None:
    """One server must not be able to pass for another."""
    for server, hosts in HOSTS.items():
        assert certificates.flaw(authority, server, hosts) is None
    assert "hostname mismatch" in (certificates.flaw(authority, "rabbitmq", ["mongodb"]) or "")
    assert "IP address mismatch" in (certificates.flaw(authority, "rabbitmq", ["192.0.2.1"]) or "")


def test_keys_are_for_their_owner_alone(authority: Path) -> None:
    """Whoever reads the authority's key can make a certificate for any server."""
    assert {file.stat().st_mode & 0o777 for file in authority.glob("*.key")} == {0o600}


def test_what_will_do_for_another_month_stays(authority: Path) -> None:
    """Each renewal takes a restart; and integrators have a copy of the authority's certificate."""
    before = contents(authority)
    certificates.renew(authority, HOSTS)
    assert contents(authority) == before


@pytest.mark.parametrize(("days", "is_renewed"), [(certificates.RENEWED_BEFORE.days, True), (SOON.days, False)])
def test_what_expires_within_a_month_is_renewed(authority: Path, days: int, is_renewed: bool) -> None:
    """Nobody looks at the date; the authority stays what it was, so that nobody needs another copy of it."""
    (authority / "rabbitmq.pem").unlink()
    certificates.renew(authority, HOSTS, days)
    before = contents(authority)
    certificates.renew(authority, HOSTS)
    changed = {name for name, content in contents(authority).items() if content != before[name]}
    assert changed == ({"rabbitmq.pem", "rabbitmq.key"} if is_renewed else set())


def test_an_authority_that_expires_is_renewed_with_all_it_vouched_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate is worth no more than the one that vouches for it."""
    with monkeypatch.context() as short:
        short.setattr(certificates, "CA_DAYS", 10)
        certificates.renew(tmp_path, HOSTS)
    before = contents(tmp_path)
    certificates.renew(tmp_path, HOSTS)
    assert not any(content == before[name] for name, content in contents(tmp_path).items())
    assert certificates.flaw(tmp_path, "mongodb", HOSTS["mongodb"], SOON) is None


def test_one_more_host_is_a_reason_to_renew(authority: Path) -> None:
    """INSTROOM_TLS_HOSTS may be set later on."""
    hosts = [*HOSTS["rabbitmq"], "broker.example.org"]
    certificates.renew(authority, {"rabbitmq": hosts})
    assert certificates.flaw(authority, "rabbitmq", hosts) is None


def test_it_is_told_how_long_a_certificate_is_valid(authority: Path) -> None:
    """To the day."""
    left = certificates.expiry(authority / "rabbitmq.pem") - datetime.now(UTC)
    assert left.days == certificates.SERVER_DAYS - 1


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide volumes as docker-compose.tls.yml mounts them; whose a file is does not matter here."""
    monkeypatch.setattr("os.chown", lambda *_: None)
    monkeypatch.setenv("SMTP_URL", "smtp://mail:1025")
    (tmp_path / "authority").mkdir()
    return tmp_path


def test_a_service_verifies_both_servers(volumes: Path) -> None:
    """Its addresses say so: over TLS, by the authority's certificate, and no exception made."""
    secrets.main(volumes)
    settings = ServiceSettings(_secrets_dir=volumes / "catalog", mongo_database="x", http_port=1)
    broker, database = settings.broker_url("catalog"), settings.mongo_url.get_secret_value()
    assert broker.startswith("amqps://catalog:")
    assert "cafile=/run/instroom/ca.pem" in broker
    assert database.endswith("&tls=true&tlsCAFile=/run/instroom/ca.pem")
    assert not any(word in (broker + database).lower() for word in ("no_verify", "allowinvalid"))
    assert (volumes / "catalog" / "ca.pem").read_text() == (volumes / "authority" / "ca.pem").read_text()


def test_a_server_gets_its_own_key_and_nobody_the_authority_s(volumes: Path) -> None:
    """A service that is broken into can pass for no server."""
    secrets.main(volumes)
    keys = {file.stem: file.read_text() for file in (volumes / "authority").glob("*.key")}
    given = {
        (file.parent.name, name)
        for file in volumes.glob("*/*")
        for name, key in keys.items()
        if file.parent.name != "authority" and key in file.read_text()
    }
    assert given == {("rabbitmq", "rabbitmq"), ("mongodb", "mongodb")}


def test_certificates_that_are_brought_are_used(
    volumes: Path, authority: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They stay as they are, also where they soon expire: that is told instead."""
    (authority / "rabbitmq.pem").unlink()
    certificates.renew(authority, HOSTS, days=7)
    before = contents(authority)
    monkeypatch.setenv("TLS_DIR", str(authority))
    secrets.main(volumes)
    assert contents(authority) == before
    assert (volumes / "rabbitmq" / "server.pem").read_bytes().startswith(before["rabbitmq.pem"])
    assert "Bring another rabbitmq.pem" in capsys.readouterr().out


def test_certificates_that_will_not_do_are_refused_by_name(
    volumes: Path, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any server is started with them, and with the reason."""
    monkeypatch.setenv("TLS_DIR", str(authority))
    monkeypatch.setenv("TLS_HOSTS", "broker.example.org, queue.example.org")
    with pytest.raises(SystemExit, match=r"rabbitmq.pem in INSTROOM_TLS_DIR (.|\n)*hostname mismatch"):
        secrets.main(volumes)
    monkeypatch.delenv("TLS_HOSTS")
    (authority / "mongodb.key").write_bytes((authority / "rabbitmq.key").read_bytes())
    with pytest.raises(SystemExit, match=r"mongodb.pem in INSTROOM_TLS_DIR (.|\n)*mongodb.key"):
        secrets.main(volumes)


def test_mongodb_is_started_as_without_tls_and_more() -> None:
    """The overlay has the whole command once more: what is changed in one place must not be missing in the other."""
    usual, secured = (
        yaml.safe_load((ROOT / name).read_text(encoding="utf-8").replace("!override", ""))["services"]["mongodb"]
        for name in ("docker-compose.yml", "docker-compose.tls.yml")
    )
    assert secured["command"][: len(usual["command"])] == usual["command"]
    assert not any("AllowInvalid" in word for word in secured["command"])
