"""Actors: take an id, call a service. Registered by call, so that importing does nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import dramatiq

INGEST_QUEUE = "ingest"


@dataclass(frozen=True, slots=True)
class Actors:
    """The registered actors."""

    ingest: "dramatiq.Actor[[str], None]"


def register(broker: dramatiq.Broker, run_job: Callable[[UUID], None]) -> Actors:
    """Register the actors on `broker`; `run_job` blocks until the job is over."""

    def ingest(job_id: str) -> None:
        run_job(UUID(job_id))

    declare = dramatiq.actor(broker=broker, actor_name="ingest", queue_name=INGEST_QUEUE)
    return Actors(declare(ingest))
