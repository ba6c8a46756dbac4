"""A release's digest is known for a whole fleet; its files are rendered when it is started."""

from __future__ import annotations

import pytest
from tenant_operator import rendering
from tenant_operator.bundle.render import render
from tenant_operator.core.stack import Bundle, StackInputs
from tenant_operator.core.world import File
from tenant_operator.host import bootstrap
from tenant_operator.rendering import Digests, deploy_job
from unit.operator_bundle.conftest import StackMaker

THOUSANDS = 2000


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which tenants' releases were rendered, by a renderer that costs nothing."""
    seen: list[str] = []

    def cheap(inputs: StackInputs) -> Bundle:
        seen.append(inputs.tenant)
        file = File(path="hostname", content=inputs.hostname.encode())
        return Bundle(digest=f"{inputs.tenant} {inputs.model.api_key}", files={"hostname": file})

    monkeypatch.setattr(rendering, "render", cheap)
    monkeypatch.setattr(rendering, "DIGESTS", Digests(limit=8192))
    return seen


def test_nothing_is_rendered_twice_to_be_compared(stack: StackMaker, rendered: list[str]) -> None:
    fleet = [stack(tenant=f"t{number}") for number in range(THOUSANDS)]
    for _ in range(2):
        assert [deploy_job(inputs).digest for inputs in fleet][7] == "t7 secret-model-key"
    assert len(rendered) == THOUSANDS


def test_files_come_when_they_are_asked_for(stack: StackMaker, rendered: list[str]) -> None:
    job = deploy_job(stack())
    before = len(rendered)
    (file,) = job.files
    assert (file.path, file.content) == (
        f"/opt/tenant/releases/{job.digest}/hostname",
        b"agent.acme.example",
    )
    assert job.files[0] is file
    assert len(rendered) == before + 1


def test_the_oldest_is_forgotten(stack: StackMaker, rendered: list[str]) -> None:
    digests = Digests(limit=2)
    first, second, third = (stack(tenant=name) for name in "abc")
    for inputs in (first, second, first, third, first, second):
        digests.of(inputs)
    assert rendered == ["a", "b", "c", "b"]


def test_a_job_is_the_same_as_one_rendered_at_once(stack: StackMaker) -> None:
    lazy, whole = deploy_job(stack()), bootstrap.deploy(render(stack()))
    assert (lazy.name, lazy.digest, lazy.arguments) == (whole.name, whole.digest, whole.arguments)
    assert tuple(lazy.files) == whole.files
