"""The whole chain on container machines: how long, how many requests, how much memory.

Images are built and the Fleet has baked its snapshot before anything is measured. A Tenant is
created, looked at and deleted `runs` times; times are medians, counts of requests the highest.

Operator's own share: from the Tenant's creation to Ready, less the union of these waits, all read
afterwards from notes of those who worked:

- boot: from the operator's request for the server to the end of cloud-init on the machine;
- deploy: the job on the machine that pulls images, starts the services, waits for their health
  and for the certificate.

Everything else is the operator's: its other jobs on the machine (host key, hardening, disk) unless
the machine still boots meanwhile, the volume's and the address's making, connections, polls that
come late, writes to the API server.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controlplane import cluster
from demo import objects
from demo.agent_services import free_port
from demo.chain import Chain, Options, conditions
from demo.process import Child
from load.figures import Figure, emit, median, percentile, resident_mib, say
from load.first_byte import measure
from load.kube import Tenants, tenants
from load.machine_notes import effects, find_machine
from load.provider_calls import Count, count
from load.split import Interval, gaps, own_share, steps

SUBNET = "198.18.88.0/24"
SUMMARY = frozenset({"Ready", "Reconciling", "Stalled"})
IDLE_SECONDS = 300.0
SETTLE_SECONDS = 20.0
MEGABYTE = 1_000_000
WAITS = frozenset({"boot", "deploy"})
OWN = ("servers", "volumes", "primary_ips")


class MeasuredChain(Chain):
    """The chain whose operator shows its metrics."""

    metrics_port: int = 0

    @property
    def metrics(self) -> str:
        """Where the operator's metrics are."""
        return f"http://127.0.0.1:{self.metrics_port}/metrics"

    @property
    def operator(self) -> Child:
        """The operator's process."""
        return next(child for child in self.children if child.name == "operator")

    @property
    def control_plane(self) -> cluster.ControlPlane:
        """The control plane, which always is one of its own here."""
        if self.plane is None:
            raise RuntimeError("the bench runs on a control plane of its own")
        return self.plane

    def requests(self) -> Count:
        """Requests to the cloud so far."""
        return count(self.endpoints["hetzner"], self.metrics)

    def _start(
        self, name: str, argv: list[str], environment: dict[str, str] | None = None
    ) -> Child:
        if name == "operator":
            self.metrics_port = free_port()
            environment = {**(environment or {}), "OPERATOR_METRICS_PORT": str(self.metrics_port)}
        return super()._start(name, argv, environment)


@dataclass(frozen=True)
class Birth:
    """A Tenant's way to Ready; `own` is the operator's share of `whole`."""

    whole: Interval
    steps: dict[str, float]
    waits: list[Interval]
    requests: Count

    @property
    def own(self) -> float:
        """Seconds that are neither boot nor deploy."""
        return own_share(self.whole, [each for each in self.waits if each.name in WAITS])

    @property
    def between(self) -> float:
        """Seconds of it in which nothing ran on the machine; the rest are its other jobs there."""
        return own_share(self.whole, self.waits)


@dataclass(frozen=True)
class Death:
    """A Tenant's way from the wish to delete it until it is gone."""

    seconds: float
    requests: Count


def run(*, runs: int = 3, idle: float = IDLE_SECONDS) -> None:
    """Measure everything of this file."""
    with running() as chain:
        client = tenants(chain.control_plane.kubeconfig, objects.NAMESPACE)
        births, deaths = [], []
        for number in range(1, runs + 1):
            name = f"bench{number}"
            births.append(create(chain, client, name))
            if number == 1:
                while_it_lives(chain, client.get(name), idle)
            deaths.append(delete(chain, client, name))
        report_births(births)
        report_deaths(deaths)


@contextmanager
def running() -> Iterator[MeasuredChain]:
    """A chain with a Fleet that is ready; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-chain-") as folder:
        arguments = ("--subnet", SUBNET, "--port-base", "0")
        chain = MeasuredChain(Options(Path(folder), cloud_arguments=arguments))
        try:
            for part in (
                chain.prepare,
                chain.start_cloud,
                chain.build_images,
                chain.start_cluster,
                chain.start_operator,
                chain.apply_fleet,
            ):
                say(part())
            started = time.monotonic()
            for _ in chain.follow("fleet", "demo"):
                pass
            say(f"fleet ready after {time.monotonic() - started:.0f} s; its snapshot is baked")
            yield chain
        finally:
            say("stopping the chain")
            chain.stop()


def create(chain: MeasuredChain, client: Tenants, name: str) -> Birth:
    """Create a Tenant and see it become ready."""
    chain.give_model_key(name)
    before, start = chain.requests(), time.time()
    version = client.create(objects.tenant(name))
    reached: dict[str, float] = {}
    for seen in client.watch(name, version):
        found = conditions(seen.body)
        for kind, (status, _, _) in found.items():
            if status == "True":
                reached.setdefault(kind, seen.moment)
        if "Ready" in reached:
            break
    order = [kind for kind in found if kind not in SUMMARY]
    birth = Birth(
        Interval(start, reached["Ready"]),
        dict(steps(order, reached, start=start)),
        waits(chain, name, client.get(name)["status"]["server"]["id"]),
        chain.requests().since(before),
    )
    say(f"{name} ready after {birth.whole.seconds:.1f} s, {birth.own:.1f} s of it the operator's")
    return birth


def waits(chain: Chain, name: str, server_id: int) -> list[Interval]:
    """When the tenant's machine booted and when jobs ran on it."""
    log = chain.logs / "operator.log"
    asked = dict(effects(log, f"{objects.NAMESPACE}/{name}"))["CreateServer"]
    machine = find_machine(chain.cloud_folder, server_id)
    return [Interval(asked, machine.booted(), "boot"), *machine.jobs()]


def delete(chain: MeasuredChain, client: Tenants, name: str) -> Death:
    """Delete a Tenant and see that it is gone, at the cloud too."""
    before, start = chain.requests(), time.time()
    version = client.delete(name)
    for seen in client.watch(name, version):
        if seen.kind == "DELETED":
            break
    death = Death(seen.moment - start, chain.requests().since(before))
    left = [each["name"] for kind in OWN for each in chain.cloud_list(kind)]
    say(f"{name} gone after {death.seconds:.1f} s; left at the cloud: {left or 'nothing'}")
    return death


def while_it_lives(chain: MeasuredChain, tenant: objects.Document, idle: float) -> None:
    """Answers through the public name, then what the chain does and takes while nobody asks."""
    report_answers(chain, tenant)
    say(f"waiting {SETTLE_SECONDS:.0f} s, then watching {idle:.0f} s of idleness")
    time.sleep(SETTLE_SECONDS)
    before, start = chain.requests(), time.monotonic()
    time.sleep(idle)
    seconds = time.monotonic() - start
    report_idle(chain.requests().since(before), seconds)
    report_memory(chain, tenant)


# -- figures -------------------------------------------------------------------------------------
def report_births(births: list[Birth]) -> None:
    """Times and requests of creating."""
    totals = [birth.whole.seconds for birth in births]
    middle = next(birth for birth in births if birth.whole.seconds == median(totals))
    named = {each.name: round(each.seconds, 2) for each in middle.waits}
    context = {"runs": spread(totals), "images": "cached, snapshot baked"}
    floor = {"floor": "boot and deploy alone", "floor_s": round(median(totals) - middle.own, 2)}
    emit(
        Figure(
            name="chain_ready",
            value=median(totals),
            unit="s",
            bar=60,
            context={**context, **floor, "on_the_machine_s": named},
        )
    )
    for step, seconds in middle.steps.items():
        emit(Figure(name=f"chain_step_{step}", value=seconds, unit="s", context=context))
    shares = [birth.own for birth in births]
    without = {
        "of_it_jobs_on_the_machine_s": round(middle.own - middle.between, 2),
        "between_s": {k: round(v, 2) for k, v in gaps(middle.whole, middle.waits).items()},
    }
    emit(
        Figure(
            name="chain_own_share",
            value=median(shares),
            unit="s",
            bar=2,
            context={"runs": spread(shares), **without},
        )
    )
    between = [birth.between for birth in births]
    emit(
        Figure(
            name="chain_between_jobs",
            value=median(between),
            unit="s",
            context={"runs": spread(between)},
        )
    )
    emit(requests_figure("chain_calls_create", [birth.requests for birth in births], bar=15))


def report_deaths(deaths: list[Death]) -> None:
    """Times and requests of deleting."""
    seconds = [death.seconds for death in deaths]
    emit(
        Figure(
            name="chain_gone",
            value=median(seconds),
            unit="s",
            bar=30,
            context={"runs": spread(seconds)},
        )
    )
    emit(requests_figure("chain_calls_delete", [death.requests for death in deaths], bar=10))


def requests_figure(name: str, counts: list[Count], *, bar: float) -> Figure:
    """The highest number of requests without sweeps, and which they were."""
    worst = max(counts, key=lambda each: each.work)
    context = {
        "runs": [each.work for each in counts],
        "all": dict(worst.wire),
        "of_it_sweeps": dict(worst.swept),
    }
    return Figure(name=name, value=worst.work, unit="requests", bar=bar, context=context)


def report_idle(found: Count, seconds: float) -> None:
    """All requests of an idle hour, carried forward from a shorter time."""
    context = {
        "counted": dict(found.wire),
        "seconds": round(seconds),
        "note": "carried forward to an hour; the two sweeps per hour of volumes and addresses "
        "are in it only when they fell into the time",
    }
    emit(
        Figure(
            name="chain_calls_idle",
            value=found.total * 3600 / seconds,
            unit="requests/h",
            bar=60,
            context=context,
        )
    )


def report_memory(chain: MeasuredChain, tenant: objects.Document) -> None:
    """What the stack and the operator hold after the idle time."""
    machine = find_machine(chain.cloud_folder, tenant["status"]["server"]["id"])
    services = machine.memory()
    shown = {name: round(size / MEGABYTE, 1) for name, size in services.items()}
    empty = machine.empty() * len(services) / MEGABYTE
    floor = {"floor": "as many containers that only sleep", "floor_mb": round(empty, 1)}
    emit(
        Figure(
            name="stack_memory",
            value=sum(services.values()) / MEGABYTE,
            unit="MB",
            bar=600,
            context={"services": shown, **floor},
        )
    )
    resident = resident_mib(chain.operator.process.pid) * 1024**2 / MEGABYTE
    emit(
        Figure(
            name="operator_memory",
            value=resident,
            unit="MB",
            bar=120,
            context={"measure": "resident set", "tenants": 1},
        )
    )


def report_answers(chain: MeasuredChain, tenant: objects.Document) -> None:
    """How long the model's first byte takes to the browser's side."""
    found, nothing = measure(chain, tenant, rounds=10)
    first = [each.first_byte for each in found]
    context = {
        "answers": len(found),
        "p95": round(percentile(first, 0.95), 1),
        "max": round(max(first), 1),
        "question_to_model_ms": round(statistics.median(each.before for each in found), 1),
        "floor": "a request for nothing there and back through the same name",
        "floor_ms": round(statistics.median(nothing), 1),
    }
    emit(
        Figure(
            name="chat_first_byte",
            value=statistics.median(first),
            unit="ms",
            bar=50,
            context=context,
        )
    )
    sentences = [each.first_sentence for each in found]
    emit(
        Figure(
            name="chat_first_sentence",
            value=statistics.median(sentences),
            unit="ms",
            context={
                "p95": round(percentile(sentences, 0.95), 1),
                "note": "after the model's first byte; proven against its sources",
            },
        )
    )


def spread(values: list[float]) -> list[float]:
    """The single values, rounded."""
    return [round(value, 2) for value in values]
