"""What the stack in containers is made of, as far as no engine is needed to tell."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from chassis.settings import ServiceSettings
from deploy import accounts
from deploy.compose import secrets
from deploy.compose.images import ImageSettings, chosen
from deploy.compose.stack import ComposeStack
from deploy.errors import StackError
from deploy.homes import ROOT, SANDBOX_HOME
from deploy.settings import Ports, SandboxPorts

OWNERS: dict[str, int] = {}
PASSWORDS = '{"integrator": "-", "operator": "-", "admin": "-"}'
PACKAGE = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide volumes with every secret; who owns a file is noted instead of changed, which would take root."""
    monkeypatch.setattr("os.chown", lambda file, user, _: OWNERS.update({file.parent.name + "/" + file.name: user}))
    monkeypatch.setenv("SMTP_URL", "smtp://mail:1025")
    secrets.main(tmp_path)
    return tmp_path


def test_secrets_are_made_once(volumes: Path) -> None:
    """An upgrade must not lock anybody out."""
    before = {
        file: file.read_bytes() for file in volumes.rglob("*") if file.is_file() and file.name != "definitions.json"
    }
    secrets.main(volumes)
    assert {file: file.read_bytes() for file in before} == before


def test_a_secret_is_for_its_own_container(volumes: Path) -> None:
    """Nobody else may read the file, and it names no account but one."""
    passwords = accounts.load_passwords(volumes / "all")
    for service in accounts.SERVICES:
        for file in (volumes / service).iterdir():
            text = file.read_text(encoding="utf-8")
            assert {name for name, password in passwords.items() if password in text} <= {service}
            assert file.stat().st_mode & 0o777 == 0o600
            assert OWNERS[f"{service}/{file.name}"] == secrets.OURS
    assert OWNERS["rabbitmq/definitions.json"] == OWNERS["mongodb/mongod.key"] == secrets.SERVERS


def test_a_service_reads_its_secrets_from_files(volumes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable is seen by whoever may inspect the container."""
    for name in ("RABBITMQ_URL", "MONGO_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = ServiceSettings(_secrets_dir=volumes / "catalog", mongo_database="x", http_port=1)
    assert settings.mongo_url == SecretStr((volumes / "catalog" / "mongo_url").read_text(encoding="utf-8"))
    assert settings.broker_url("catalog").startswith("amqp://catalog:")


def test_the_mail_server_comes_from_a_file_where_there_is_one(volumes: Path) -> None:
    """Its address has a password, mostly; an empty file is what compose mounts where none is named."""
    given = volumes / "notification" / "smtp_url"
    assert given.read_text(encoding="utf-8") == "smtp://mail:1025"
    for content, address in (("smtps://robin:geheim@mail\n", "smtps://robin:geheim@mail"), ("", "smtp://mail:1025")):
        (volumes / "smtp_url").write_text(content, encoding="utf-8")
        secrets.main(volumes)
        assert given.read_text(encoding="utf-8") == address


def test_the_broker_gets_hashes_of_the_passwords_only(volumes: Path) -> None:
    """Its definitions can be exported by whoever administers it."""
    definitions = (volumes / "rabbitmq" / "definitions.json").read_text(encoding="utf-8")
    assert not any(password in definitions for password in accounts.load_passwords(volumes / "all").values())
    known = {user["name"] for user in json.loads(definitions)["users"]}
    assert known == accounts.load_passwords(volumes / "all").keys() - {accounts.WATCHER}


def test_the_image_has_the_packages_that_were_tested() -> None:
    """Two locks that disagree would test one thing and run another."""
    tested, run = (
        dict(PACKAGE.findall((ROOT / file).read_text(encoding="utf-8")))
        for file in ("requirements.lock", "deploy/runtime.lock")
    )
    assert run.items() <= tested.items()
    assert "uvicorn" in run
    assert "pytest" not in run


@pytest.mark.parametrize("key", ["rabbitmq/.erlang.cookie", "mongodb/mongod.key"])
def test_servers_of_one_kind_know_each_other_by_a_key_of_their_own(volumes: Path, key: str) -> None:
    """Who has it is a member: it is made here, only the server may read it, and both programs take its length."""
    assert (volumes / key).stat().st_mode & 0o777 == 0o600
    assert OWNERS[key] == secrets.SERVERS
    assert 6 <= len((volumes / key).read_text(encoding="utf-8")) <= 255
    made = {file.read_text(encoding="utf-8") for file in (volumes / "all").iterdir()}
    assert len(made) == len(list((volumes / "all").iterdir()))


def test_an_overlay_is_kept_until_the_data_are_wiped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, `make down` would leave servers running, and `make reset` their data."""
    stack = ComposeStack(tmp_path, Ports())
    monkeypatch.setattr(ComposeStack, "compose", lambda *_, **__: PASSWORDS)
    monkeypatch.setattr(ComposeStack, "images", {})
    assert stack.overlays == []
    monkeypatch.setenv("INSTROOM_CLUSTER", "1")
    stack.up()
    monkeypatch.delenv("INSTROOM_CLUSTER")
    assert stack.overlays == ["cluster"]
    stack.reset()
    assert stack.overlays == []


def test_an_image_of_one_s_own_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named in .env, like every setting of compose, it was overruled there; and where it was not, built over."""
    said: list[str] = []

    def note(_: ComposeStack, *words: str, **__: object) -> str:
        said.extend(words)
        return PASSWORDS

    monkeypatch.setattr(ComposeStack, "compose", note)
    monkeypatch.setattr(ComposeStack, "images", {})
    monkeypatch.chdir(tmp_path)
    stack = ComposeStack(tmp_path, Ports())
    assert stack._variables()["INSTROOM_IMAGE"] == stack.project
    (tmp_path / ".env").write_text("INSTROOM_IMAGE=registry.example.org/instroom:3\n", encoding="utf-8")
    assert stack._variables()["INSTROOM_IMAGE"] == "registry.example.org/instroom:3"
    clocks = [ComposeStack(tmp_path, ports)._variables()["INSTROOM_CLOCK"] for ports in (Ports(), SandboxPorts())]
    assert clocks == ["real", "settable"]
    stack.up()
    assert "--build" not in said
    (tmp_path / ".env").unlink()
    stack.up()
    assert "--build" in said


def test_one_broker_with_data_is_not_made_three_by_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started all at once, the two that are new would make a cluster without it."""
    stack = ComposeStack(tmp_path, Ports())
    monkeypatch.setattr(ComposeStack, "compose", lambda *_, **__: PASSWORDS)
    monkeypatch.setattr("deploy.compose.project.chosen", lambda _, images: {image.variable: "x" for image in images})
    stack.up()
    monkeypatch.setenv("INSTROOM_CLUSTER", "1")
    with pytest.raises(StackError, match="From one to three"):
        stack.up()


def test_every_setting_of_compose_can_be_set_where_the_others_are() -> None:
    """A variable that nobody documents is set by nobody."""
    text = "".join(file.read_text(encoding="utf-8") for file in ROOT.glob("docker-compose*.yml"))
    documented = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    made_by_us = {"INSTROOM_MAIL_DIR", "INSTROOM_MAIL_USER", "INSTROOM_CLOCK"}
    assert {name for name in re.findall(r"\$\{(\w+)", text) if f"`{name}`" not in documented} == made_by_us


def test_every_container_is_held_alike() -> None:
    """One that is added without limits would be the weakest."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "mem_limit" in service, name
        assert "pids_limit" in service, name


def test_an_image_that_is_set_is_neither_looked_for_nor_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator's own registry is the last word, on a machine without Docker as well."""
    monkeypatch.setenv("PATH", "")
    names = {f"{kind}_image": f"registry.example.org/{kind}" for kind in ("python", "rabbitmq", "mongodb")}
    images = chosen(ImageSettings.model_validate(names))
    assert images == {f"INSTROOM_{setting.upper()}": name for setting, name in names.items()}


def test_another_home_is_another_project(tmp_path: Path) -> None:
    """`make demo` and tests must not touch the stack that somebody works with, nor each other's."""
    homes = (ROOT / ".local", ROOT / ".local" / "demo", tmp_path / "demo")
    projects = [ComposeStack(home, Ports()).project for home in homes]
    assert projects[0] == "instroom"
    assert len(set(projects)) == 3


def test_a_cluster_over_tls_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of its servers would speak in the clear."""
    for overlay in ("CLUSTER", "TLS"):
        monkeypatch.setenv(f"INSTROOM_{overlay}", "1")
    with pytest.raises(StackError, match="not both"):
        ComposeStack(tmp_path, Ports()).up()


def test_the_sandbox_is_a_project_by_name(tmp_path: Path) -> None:
    """Who lists projects sees which of them may be wiped."""
    projects = [ComposeStack(home, Ports()).project for home in (ROOT / ".local", SANDBOX_HOME, tmp_path)]
    assert projects[:2] == ["instroom", "instroom-sandbox"]
    assert len(set(projects)) == 3
