"""The brand, readable before sign-in because the sign-in page wears it."""

from fastapi import APIRouter

from tenant_agent.web.deps import ServicesDep
from tenant_agent.web.models import Branding

router = APIRouter(prefix="/branding", tags=["branding"])


@router.get("", operation_id="getBranding")
async def get_branding(services: ServicesDep) -> Branding:
    """Return name, logo, colours and languages."""
    return Branding.model_validate(services.branding.current())
