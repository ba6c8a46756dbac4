"""What a rendered release holds, what it never holds, and what changes its digest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tenant_operator.bundle.render import BundleError, render
from tenant_operator.core.stack import Branding, Bundle, RegistryAccess
from unit.operator_bundle.conftest import PLAIN, StackMaker

SECRETS = [*vars(PLAIN.secrets).values(), PLAIN.model.api_key]
BRANDING = "root/opt/tenant/config/branding/branding.json"


def labels(bundle: Bundle) -> dict[str, str]:
    """The label of each service that makes Compose recreate it."""
    services = yaml.safe_load(bundle.files["compose.yaml"].content)["services"]
    return {name: item["labels"]["io.blueagency.files"] for name, item in services.items()}


def without_labels(bundle: Bundle) -> dict[str, Any]:
    """The Compose file less those labels."""
    project: dict[str, Any] = yaml.safe_load(bundle.files["compose.yaml"].content)
    for service in project["services"].values():
        del service["labels"]
    return project


def test_equal_inputs_give_equal_bytes() -> None:
    assert render(PLAIN) == render(replace(PLAIN))


def test_every_yaml_and_json_file_parses() -> None:
    for path, file in render(PLAIN).files.items():
        if path.endswith((".yaml", ".yml")):
            assert isinstance(yaml.safe_load(file.content), dict)
        if path.endswith(".json"):
            json.loads(file.content)


@pytest.mark.parametrize("value", SECRETS)
def test_a_secret_is_only_in_files_that_one_user_can_read(value: str) -> None:
    for path, file in render(PLAIN).files.items():
        if value.encode() in file.content or json.dumps(value)[1:-1].encode() in file.content:
            assert file.mode == 0o400, path
            assert path.startswith("root/opt/tenant/secrets/")


def test_secret_files_belong_to_the_user_that_reads_them() -> None:
    files = render(PLAIN).files
    owners = {path: file.owner for path, file in files.items() if "/secrets/" in path}
    assert {owner for path, owner in owners.items() if "/agent/" in path} == {"10001:10001"}
    assert {owner for path, owner in owners.items() if "/postgres/" in path} == {"999:999"}
    assert {owner for path, owner in owners.items() if "/redis/" in path} == {"999:999"}


def test_the_redis_password_survives_its_configuration_file() -> None:
    line = next(
        line
        for line in render(PLAIN)
        .files["root/opt/tenant/secrets/redis/redis_config"]
        .content.decode()
        .splitlines()
        if line.startswith("requirepass")
    )
    assert line == 'requirepass "secret-redis\\"\\\\"'


def test_new_branding_changes_the_release_but_restarts_nothing(stack: StackMaker) -> None:
    other = Branding(name="Beta", logo="", primary="#000000", accent="#ffffff")
    before, after = render(stack()), render(stack(branding=other))
    assert before.digest != after.digest
    assert before.files["compose.yaml"] == after.files["compose.yaml"]
    changed = {path for path in before.files if before.files[path] != after.files[path]}
    assert changed == {BRANDING}


def test_a_new_secret_recreates_only_its_readers(stack: StackMaker) -> None:
    other = replace(PLAIN.secrets, redis_password="another-password")
    before, after = labels(render(stack())), labels(render(stack(secrets=other)))
    assert {name for name in before if before[name] != after[name]} == {
        "agent-blue",
        "agent-green",
        "worker",
        "redis",
    }


def test_new_trust_recreates_what_calls_out(stack: StackMaker) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    before, after = labels(render(stack())), labels(render(stack(ca_bundle=pem)))
    assert {name for name in before if before[name] == after[name]} == {"postgres", "redis"}


def test_labels_are_the_only_thing_a_secret_changes_in_the_compose_file(stack: StackMaker) -> None:
    other = replace(PLAIN.secrets, session_key="another-key")
    assert without_labels(render(stack())) == without_labels(render(stack(secrets=other)))


def test_a_tag_is_refused(stack: StackMaker) -> None:
    images = replace(PLAIN.images, redis="registry.example/blueagency/redis:latest")
    with pytest.raises(BundleError, match="needs a digest"):
        render(stack(images=images))


@pytest.mark.parametrize("value", ["", "two\nlines", "nul\0"])
def test_a_secret_that_no_file_can_carry_is_refused(stack: StackMaker, value: str) -> None:
    with pytest.raises(BundleError, match="session_key"):
        render(stack(secrets=replace(PLAIN.secrets, session_key=value)))


def test_a_registry_login_is_roots_alone(stack: StackMaker) -> None:
    access = RegistryAccess(host="registry.example:5000", username="puller", password="pull-pass")
    file = render(stack(registry=access)).files["root/root/.docker/config.json"]
    assert file.mode == 0o600
    assert list(json.loads(file.content)["auths"]) == ["registry.example:5000"]


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=80))
def test_any_brand_name_comes_back_out_of_the_branding_file(name: str) -> None:
    branding = Branding(name=name, logo="", primary="#000000", accent="#ffffff")
    content = render(replace(PLAIN, branding=branding)).files[BRANDING].content
    assert json.loads(content)["name"] == name


@pytest.mark.parametrize(
    ("port", "url"),
    [(443, "https://agent.acme.example"), (8443, "https://agent.acme.example:8443")],
)
def test_the_public_url_names_a_port_only_when_browsers_would_not(
    stack: StackMaker, port: int, url: str
) -> None:
    project = yaml.safe_load(render(stack(public_port=port)).files["compose.yaml"].content)
    assert project["services"]["agent-blue"]["environment"]["AGENT_PUBLIC_URL"] == url
