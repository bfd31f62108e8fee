"""Services replaced by a new image while another system asks for places."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator

import pytest

from deploy import accounts
from deploy.compose.stack import ComposeStack
from deploy.errors import StackError
from tests.cluster.cluster import DOCKER, Asking, Cluster, docker
from tests.cluster.test_cluster import note
from tests.support.eventually import wait_until

NEW = "instroom-of-a-test:new"


Build = Callable[..., None]


@pytest.fixture
def build(stack: ComposeStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Provide what builds an operator's own image from the stack's, by instructions, and names it for the upgrade."""

    def built(*instructions: str) -> None:
        recipe = "\n".join((f"FROM {stack.project}", *instructions))
        subprocess.run([DOCKER, "build", "--quiet", "--tag", NEW, "-"], input=recipe, text=True, check=True)
        monkeypatch.setenv("INSTROOM_IMAGE", NEW)

    yield built
    docker("image", "rm", "--force", NEW)


def releases(stack: ComposeStack) -> dict[str, list[str | None]]:
    """Return the release of each container, by service, as its image's label tells."""
    return {service: [_release(one) for one in _containers(stack, service)] for service in accounts.SERVICES}


def _containers(stack: ComposeStack, service: str) -> list[str]:
    return stack.compose("ps", "--quiet", service, captured=True).split()


def _release(container: str) -> str | None:
    (found,) = json.loads(docker("inspect", container))
    release: str | None = found["Config"]["Labels"].get("release")
    return release


def answers(asking: Asking, more: int = 40) -> None:
    """Wait until so many more requests are answered."""
    enough = asking.report()["answered"] + more
    wait_until(lambda: asking.report()["answered"] >= enough, within=60)


def test_a_new_image_under_load_loses_nothing(stack: ComposeStack, build: Build) -> None:
    """A new container works before the old one is told to stop."""
    doubled = ("--no-recreate", "--scale", "enrolment=2", "enrolment")
    stack.compose("up", "--detach", "--wait", *doubled, images=stack.images)
    build("LABEL release=new")
    broker, policy = stack.endpoints().administration(), "policies/instroom/dead-letters"
    broker.call("DELETE", policy)  # as if the release that is there had none
    cluster = Cluster(stack)
    with cluster.asking("upgrade") as asking:
        answers(asking)
        stack.upgrade()
        answers(asking)
        books = asking.end()
    assert releases(stack) == {"catalog": ["new"], "enrolment": ["new", "new"], "notification": ["new"]}
    assert books["answered"] == books["confirmed"] == books["asked"]
    assert not books["answered_twice"]
    assert broker.call("GET", policy)["pattern"]
    wait_until(cluster.keeps_every_promise, within=60)
    note("upgrade", books, 0)


BROKEN = "echo this release is broken; exit 1"
AS_A_SERVICE = f'case "$*" in *services.*) {BROKEN};; esac; exec "$@"'


@pytest.mark.parametrize("script", [BROKEN, AS_A_SERVICE])
def test_an_image_that_does_not_work_is_taken_back(
    stack: ComposeStack, build: Build, capfd: pytest.CaptureFixture[str], script: str
) -> None:
    """The old one goes on, and the person sees what the new one said."""
    before = [_containers(stack, service) for service in accounts.SERVICES]
    with Cluster(stack).asking(f"broken{len(script)}") as asking:
        build(f"ENTRYPOINT {json.dumps(['sh', '-c', script, '--'])}")
        with pytest.raises(StackError, match="the old one goes on"):
            stack.upgrade()
        assert "this release is broken" in capfd.readouterr().out
        answers(asking)
        books = asking.end()
    assert [_containers(stack, service) for service in accounts.SERVICES] == before
    assert books["answered"] == books["confirmed"]
