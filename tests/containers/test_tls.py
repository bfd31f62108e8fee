"""docker-compose.tls.yml on a real engine: who speaks in the clear, in an old way or to an impostor gets nowhere."""

from __future__ import annotations

import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aiormq.exceptions import AMQPConnectionError
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure
from yarl import URL

from deploy.compose import certificates
from deploy.compose.images import WATCHING, ImageSettings, chosen
from deploy.compose.stack import ComposeStack
from deploy.settings import Ports
from tests.containers.test_compose import INSTROOM, SERVERS, SERVICES, containers, docker, mails, request
from tests.containers.test_observability import Prometheus
from tests.support.eventually import wait_until

UNTRUSTED = "certificate verify failed"
Client = MongoClient[dict[str, Any]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """Provide a project of its own over TLS, as INSTROOM_TLS=1 make up does."""
    stack = ComposeStack(tmp_path_factory.mktemp("tls"), Ports.free())
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("INSTROOM_TLS", "1")
            stack.up()
        yield stack
    finally:
        stack.reset()


@pytest.fixture(scope="module")
def addresses(stack: ComposeStack) -> dict[str, str]:
    """Provide what stands in stack.env."""
    return stack.addresses()


@pytest.fixture(scope="module")
def impostor(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Provide the certificate of another authority, made in the same way."""
    folder = tmp_path_factory.mktemp("impostor")
    certificates.renew(folder, {})
    return str(folder / "ca.pem")


async def opens(url: str) -> bool:
    """Tell whether the broker lets somebody in, over this address; raises what the client does where it cannot."""
    async with await aio_pika.connect(url, timeout=5) as connection:
        return connection.connected.is_set()


def answers(url: str, **changed: Any) -> bool:
    """Tell the same of the database."""
    with Client(url, serverSelectionTimeoutMS=2000, **changed) as client:
        return bool(client["instroom_catalog"]["editions"].find_one())


def test_a_request_from_the_host_is_decided_and_mailed(stack: ComposeStack) -> None:
    """The whole way, with every connection to a server verified."""
    assert stack.status()
    assert request(stack, "robin") == 0
    wait_until(lambda: any(b"robin@example.org" in mail.read_bytes() for mail in mails(stack)), within=20)


def test_an_integrator_is_added_over_tls(stack: ComposeStack) -> None:
    """From inside, and from the host: the administrator's password travels to a server that is verified."""
    words = ("integrator", "add", "website", "--may-read", "all")
    told = stack.compose("run", "--rm", "admin", *words, captured=True, images=stack.images)
    assert told.startswith("RABBITMQ_URL=amqps://website:")
    file = stack.env_file.with_name("admin.env")
    assert subprocess.run([INSTROOM, "--env-file", str(file), "integrator", "list"], check=False).returncode == 0


def test_prometheus_sees_when_certificates_expire(stack: ComposeStack) -> None:
    """Of each server, as it shows it: a file that was renewed is not one that a server has read."""
    watched = ("prometheus", "blackbox-exporter")
    images = {**stack.images, **chosen(ImageSettings(), WATCHING)}
    stack.compose("up", "--detach", "--wait", "--no-build", "--no-deps", *watched, images=images)
    try:
        seen = Prometheus(f"http://127.0.0.1:{stack.ports.prometheus_port}")
        left = "(probe_ssl_earliest_cert_expiry - time()) / 86400 > 14"
        wait_until(lambda: {one["metric"]["server"] for one in seen.query(left)} == set(SERVERS), within=90)
    finally:
        stack.compose("rm", "--stop", "--force", *watched)


async def test_in_the_clear_nobody_gets_in(stack: ComposeStack, addresses: dict[str, str]) -> None:
    """A password in the clear is everybody's."""
    assert await opens(addresses["RABBITMQ_URL"])
    with pytest.raises(AMQPConnectionError):
        await opens(addresses["RABBITMQ_URL"].replace("amqps:", "amqp:"))
    assert answers(addresses["MONGO_URL"])
    with pytest.raises(ConnectionFailure):
        answers(addresses["MONGO_URL"].partition("&tls=true")[0])
    listeners = stack.compose("exec", "-T", "rabbitmq", "rabbitmq-diagnostics", "--quiet", "listeners", captured=True)
    assert "port: 5671, protocol: amqp/ssl" in listeners
    assert "port: 15671, protocol: https" in listeners
    assert not {"5672", "15672"} & set(listeners.replace(",", " ").split())


async def test_an_impostor_is_refused(addresses: dict[str, str], impostor: str) -> None:
    """The twins, which do not verify, would have told it their password."""
    broker, database = URL(addresses["RABBITMQ_URL"]), addresses["MONGO_URL"].partition("&tlsCAFile=")[0]
    elsewhere = broker.update_query(cafile=impostor)
    with pytest.raises(AMQPConnectionError, match=UNTRUSTED):
        await opens(str(elsewhere))
    assert await opens(str(elsewhere.update_query(no_verify_ssl="1")))
    with pytest.raises(ConnectionFailure, match=UNTRUSTED):
        answers(database, tlsCAFile=impostor)
    assert answers(database, tlsCAFile=impostor, tlsAllowInvalidCertificates=True)


async def test_a_certificate_holds_for_its_own_hosts_only(stack: ComposeStack, addresses: dict[str, str]) -> None:
    """Else one server could pass for the other; an address inside the network is none of the names."""
    broker, database = (address_of(stack, server) for server in SERVERS)
    direct = URL(addresses["RABBITMQ_URL"]).with_host(broker).with_port(5671)
    with pytest.raises(AMQPConnectionError, match="mismatch"):
        await opens(str(direct))
    assert await opens(str(direct.update_query(no_verify_ssl="1")))
    there = addresses["MONGO_URL"].replace(f"127.0.0.1:{stack.ports.mongo_port}", f"{database}:27017")
    with pytest.raises(ConnectionFailure, match="mismatch"):
        answers(there)
    assert answers(there, tlsAllowInvalidHostnames=True)


def address_of(stack: ComposeStack, server: str) -> str:
    """Return where the host reaches a container without a name."""
    (container,) = containers(stack, server)
    address: str = container["NetworkSettings"]["Networks"][f"{stack.project}_outside"]["IPAddress"]
    return address


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("port", ["amqp_port", "management_port", "mongo_port"])
def test_an_old_version_of_tls_is_refused(stack: ComposeStack, port: str) -> None:
    """TLS 1.1 can be broken; 1.2 is what the same client gets in with."""
    where = ("127.0.0.1", getattr(stack.ports, port))
    assert ssl.get_server_certificate(where, ca_certs=str(stack.ca_file))
    old = ssl.create_default_context(cafile=stack.ca_file)
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    for version, is_taken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
        old.minimum_version = old.maximum_version = version
        assert shakes_hands(where, old) == is_taken


def shakes_hands(where: tuple[str, int], context: ssl.SSLContext) -> bool:
    """Tell whether a server agrees to a client's terms; where it does not, it must be for the version."""
    with socket.create_connection(where, timeout=5) as plain:
        try:
            context.wrap_socket(plain, server_hostname=where[0]).close()
        except ssl.SSLError as error:
            if "PROTOCOL_VERSION" in str(error):
                return False
            raise
    return True


def test_the_management_pages_are_verified_too(stack: ComposeStack, addresses: dict[str, str], impostor: str) -> None:
    """An administrator types a password there."""
    page = addresses["RABBITMQ_MANAGEMENT_URL"]
    verified, misled = (ssl.create_default_context(cafile=ca) for ca in (stack.ca_file, impostor))
    with urllib.request.urlopen(page, context=verified) as answer:  # noqa: S310  https, by its certificate
        assert answer.status == 200
    with pytest.raises(OSError, match=UNTRUSTED):
        urllib.request.urlopen(page, context=misled)  # noqa: S310  the same


def test_a_key_is_where_it_is_used_and_nowhere_else(stack: ComposeStack) -> None:
    """Who has the authority's key can pass for any server; who has a server's, for that one."""
    for service in (*SERVICES, *SERVERS):
        (container,) = containers(stack, service)
        kept = docker("exec", container["Id"], "sh", "-c", "cat /run/instroom/*")
        assert kept.count("BEGIN PRIVATE KEY") == {"rabbitmq": 1, "mongodb": 1}.get(service, 0)
    holders = {
        service
        for service in (*SERVICES, *SERVERS, "secrets", "founding", "mail")
        for container in containers(stack, service)
        if any(mount.get("Name") == f"{stack.project}_authority" for mount in container["Mounts"])
    }
    assert holders == {"secrets"}


def test_a_renewed_certificate_is_picked_up_by_a_restart(stack: ComposeStack) -> None:
    """Services connect again by themselves. A certificate that is gone is renewed, as one that expires is."""
    before = shown(stack)
    renewing = ("run", "--rm", "--no-deps", "secrets")
    stack.compose(*renewing, "sh", "-c", "rm /secrets/authority/rabbitmq.pem", images=stack.images)
    assert "rabbitmq: certificate until" in stack.compose(*renewing, captured=True, images=stack.images)
    stack.compose("restart", *SERVERS)
    wait_until(stack.status, within=60)
    assert shown(stack) != before
    assert request(stack, "sam") == 0


def shown(stack: ComposeStack) -> str:
    """Return the certificate that the broker shows, once verified."""
    where = ("127.0.0.1", stack.ports.amqp_port)
    return ssl.get_server_certificate(where, ca_certs=str(stack.ca_file))


def test_an_operator_brings_certificates(stack: ComposeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an authority that integrators trust already; everything is started with them."""
    hosts = {server: [server, "localhost", "127.0.0.1"] for server in SERVERS}
    certificates.renew(tmp_path, hosts)
    monkeypatch.setenv("INSTROOM_TLS_DIR", str(tmp_path))
    stack.down()
    stack.up()
    assert stack.ca_file.read_text(encoding="utf-8") == (tmp_path / "ca.pem").read_text(encoding="utf-8")
    assert stack.status()
    assert request(stack, "sam") == 4, "already enrolled"
