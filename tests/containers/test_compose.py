"""docker-compose.yml on a real engine: how the containers are held, who gets in, and what the stack does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aiormq.exceptions import AMQPConnectionError
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from deploy.compose.stack import ComposeStack
from deploy.homes import ROOT
from deploy.web import page
from tests.support.eventually import wait_until

SERVICES = ("catalog", "enrolment", "notification")
SERVERS = ("rabbitmq", "mongodb")
PAGES = ("mail", "contract")
DOCKER = shutil.which("docker") or "docker"
INSTROOM = str(ROOT / ".venv/bin/instroom")
REQUEST = {
    "--edition": "cmo-stamm-participatie-2021",
    "--name": "Robin Jansen",
    "--organisation": "Gemeente Voorbeeld",
    "--role": "beleidsmedewerker",
    "--region": "groningen",
    "--time": "2021-05-20T11:30:00+02:00",
}


def docker(*words: str) -> str:
    """Ask the engine."""
    return subprocess.run([DOCKER, *words], check=True, capture_output=True, text=True).stdout


def containers(stack: ComposeStack, service: str) -> list[dict[str, Any]]:
    """Return what the engine says of a service's containers."""
    ids = stack.compose("ps", "--all", "--quiet", service, captured=True).split()
    found: list[dict[str, Any]] = json.loads(docker("inspect", *ids))
    return found


def instroom(stack: ComposeStack, *words: str) -> int:
    """Run the command as an operator on the host; return its exit code."""
    return subprocess.run([INSTROOM, "--env-file", str(stack.env_file), *words], check=False).returncode


def request(stack: ComposeStack, name: str) -> int:
    """Ask for a place; return the command's exit code."""
    flags = {**REQUEST, "--email": f"{name}@example.org"}
    return instroom(stack, "request", *(word for flag in flags.items() for word in flag))


@pytest.mark.parametrize("service", [*SERVICES, *SERVERS, *PAGES])
def test_a_container_can_do_no_more_than_it_must(stack: ComposeStack, service: str) -> None:
    """Who breaks into one finds no root, nothing to write to, and nothing to become."""
    assert_contained(stack, service)


def assert_contained(stack: ComposeStack, service: str) -> None:
    """Assert that the engine holds a service's container as x-contained says."""
    (container,) = containers(stack, service)
    host = container["HostConfig"]
    assert container["Config"]["User"].partition(":")[0] not in {"", "0", "root"} or service == "mail"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert host["LogConfig"]["Config"]["max-size"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_sees_its_own_secrets_alone(stack: ComposeStack, service: str) -> None:
    """Another service's account, or an administrator's, is not there to be read."""
    (container,) = containers(stack, service)
    volumes = [mount["Name"].removeprefix(f"{stack.project}_") for mount in container["Mounts"]]
    assert volumes == [f"{service}-secrets"]
    assert not any("@" in variable for variable in container["Config"]["Env"]), "a password in the environment"


def test_only_the_host_itself_reaches_the_servers(stack: ComposeStack) -> None:
    """What listens on every address is found within minutes."""
    published = {
        (service, binding["HostIp"])
        for service in (*SERVICES, *SERVERS, *PAGES)
        for container in containers(stack, service)
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }
    assert published == {(service, "127.0.0.1") for service in (*SERVERS, *PAGES)}


async def test_no_password_that_everybody_knows_lets_anybody_in(stack: ComposeStack) -> None:
    """RabbitMQ comes with guest, and MongoDB with nobody at all."""
    with pytest.raises(AMQPConnectionError):
        await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{stack.ports.amqp_port}/")
    address = f"mongodb://127.0.0.1:{stack.ports.mongo_port}/?directConnection=true"
    with MongoClient[dict[str, Any]](address) as nobody, pytest.raises(OperationFailure, match="authentication"):
        nobody.list_database_names()


def test_our_image_adds_little_to_its_base(stack: ComposeStack) -> None:
    """It is pulled at every upgrade."""
    ours, base = (
        json.loads(docker("image", "inspect", name))[0]["Size"]
        for name in (stack.project, stack.images["INSTROOM_PYTHON_IMAGE"])
    )
    assert ours - base < 150_000_000


def test_a_request_from_the_host_is_decided_and_mailed(stack: ComposeStack) -> None:
    """The whole way, through containers that share nothing but the broker."""
    assert request(stack, "robin") == 0
    wait_until(lambda: any(b"robin@example.org" in mail.read_bytes() for mail in mails(stack)), within=20)
    assert b"robin@example.org" in page(stack.mail_page_url)


def test_the_contract_can_be_read(stack: ComposeStack) -> None:
    """The image brings the document and everything that its page loads."""
    assert page(f"{stack.contract_url}/asyncapi.json") == (ROOT / "contracts/asyncapi.json").read_bytes()
    for path in re.findall(r'(?:href|src)="([\w./-]+)"', page(stack.contract_url).decode()):
        assert page(f"{stack.contract_url}/{path}")


def test_a_container_that_stopped_is_noticed(stack: ComposeStack, capsys: pytest.CaptureFixture[str]) -> None:
    """A person who asks whether it works wants to know of the one part that does not."""
    assert stack.status()
    stack.compose("stop", "catalog")
    assert not stack.status()
    assert "catalog does not work" in capsys.readouterr().out
    stack.compose("start", "catalog")
    wait_until(stack.status, within=60)


def mails(stack: ComposeStack) -> list[Path]:
    """Return the mails that arrived on the host."""
    return list(stack.mail_directory.glob("*.eml"))


def test_an_integrator_is_added_from_inside(stack: ComposeStack) -> None:
    """The administrator's account is in one container's volume, and that runs only when it is asked for."""
    told = stack.compose(
        "run", "--rm", "admin", "integrator", "add", "website", "--may-read", "all", captured=True, images=stack.images
    )
    assert told.startswith("RABBITMQ_URL=amqp://website:")
    listed = stack.compose("run", "--rm", "admin", "integrator", "list", captured=True, images=stack.images)
    assert "website" in listed


def test_three_replicas_keep_every_promise(stack: ComposeStack, tmp_path: Path) -> None:
    """An operator scales with one flag; the audit looks at the live data."""
    stack.compose("up", "--detach", "--wait", "--no-build", "--scale", "enrolment=3", images=stack.images)
    assert len(containers(stack, "enrolment")) == 3
    rows = "\n".join(f"Deelnemer {n},deelnemer{n}@example.org" for n in range(300))
    file = tmp_path / "aanmeldingen.csv"
    file.write_text(f"name,email\n{rows}\n", encoding="utf-8")
    flags = {**REQUEST, "--edition": "vng-participatieweek-2021-noord", "--role": "projectleider", "--region": "noord"}
    flags |= {"--session": "participatie-als-proces", "--csv": str(file)}
    del flags["--name"]
    instroom(stack, "request", *(word for flag in flags.items() for word in flag))
    with MongoClient[dict[str, Any]](stack.addresses()["MONGO_URL"]) as mongo:
        assert mongo["instroom_enrolment"]["enrolments"].count_documents({"editionId": flags["--edition"]}) == 300
    wait_until(lambda: instroom(stack, "audit") == 0, within=60)


def test_data_and_accounts_outlive_the_containers(stack: ComposeStack) -> None:
    """`make down` and `make up` again: nobody is enrolled twice, and integrators keep their password."""
    before = stack.env_file.read_text(encoding="utf-8")
    stack.down()
    assert not stack.env_file.exists()
    stack.up()
    assert stack.env_file.read_text(encoding="utf-8") == before
    assert request(stack, "robin") == 4, "already enrolled"


def test_a_setting_in_services_env_reaches_the_services(tmp_path: Path) -> None:
    """Every setting that is documented can be set, without editing what an upgrade replaces."""
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "services.env").write_text("COURSE_DESKS=urn:nld:oin:1:systeem:desk\n", encoding="utf-8")
    done = subprocess.run(
        [DOCKER, "compose", "config", "--format", "json"], cwd=tmp_path, check=True, capture_output=True
    )
    services = json.loads(done.stdout)["services"]
    assert all("COURSE_DESKS" in services[name]["environment"] for name in SERVICES)


def test_the_configuration_is_what_compose_reads() -> None:
    """A misspelt key is an error, not a default."""
    environment = {**os.environ, "COMPOSE_PROFILES": "*"}
    subprocess.run([DOCKER, "compose", "config", "--quiet"], cwd=ROOT, env=environment, check=True)
