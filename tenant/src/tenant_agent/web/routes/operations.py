"""Probes, version and metrics; outside `/api/v1` because machines ask, not people."""

from fastapi import APIRouter, Response

from tenant_agent.web.deps import ServicesDep
from tenant_agent.web.models import Health, Readiness, Version

router = APIRouter(tags=["operations"])


@router.get("/healthz", operation_id="getHealth")
async def healthz() -> Health:
    """Say that the process lives; asks nothing else."""
    return Health(status="ok")


@router.get(
    "/readyz",
    operation_id="getReadiness",
    responses={503: {"model": Readiness, "description": "A dependency is missing"}},
)
async def readyz(response: Response, services: ServicesDep) -> Readiness:
    """Say whether database, Redis and schema are as this release needs them."""
    checks = await services.health.checks()
    ready = all(value == "ok" for value in checks.values())
    response.status_code = 200 if ready else 503
    return Readiness(status="ready" if ready else "not ready", checks=checks)


@router.get("/version", operation_id="getVersion")
async def version(services: ServicesDep) -> Version:
    """Say what runs."""
    return Version.model_validate(services.health.version())


@router.get("/metrics", operation_id="getMetrics", response_class=Response)
async def metrics(services: ServicesDep) -> Response:
    """Return Prometheus text; the proxy does not route this from outside."""
    body, media_type = await services.health.metrics()
    return Response(body, media_type=media_type)
