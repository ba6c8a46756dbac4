"""The Dramatiq broker: the doorbell. PostgreSQL knows the jobs, Redis only says there is one.

Defaults would bring back a killed worker's message after minutes and by chance; with these settings
it takes about ten seconds. Dramatiq's own retries and time limits are off: the state machine of the
job row decides both.
"""

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tenant_agent.settings import Settings

HEARTBEAT_MILLISECONDS = 10_000
ALWAYS = 1_000_000
SOCKET_SECONDS = 5.0


def make_broker(settings: Settings) -> dramatiq.Broker:
    """Return a broker on the tenant's Redis; connects at first use."""
    password = settings.optional_secret("redis_password")
    return RedisBroker(  # type: ignore[no-untyped-call]
        host=settings.redis_host,
        port=settings.redis_port,
        password=password.get_secret_value() if password else None,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        heartbeat_timeout=HEARTBEAT_MILLISECONDS,
        maintenance_chance=ALWAYS,
        middleware=[],
    )
