"""Puts the parts together; the only module that knows all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis

from tenant_agent.agent.models.gemini import GeminiChat, GeminiClient, GeminiEmbeddings
from tenant_agent.services.accounts import Accounts
from tenant_agent.services.answer_log import AnswerLog
from tenant_agent.services.answering import Answering
from tenant_agent.services.branding import Branding
from tenant_agent.services.chat import Chat
from tenant_agent.services.conversations import Conversations
from tenant_agent.services.documents import Documents
from tenant_agent.services.files import Files
from tenant_agent.services.health import Health
from tenant_agent.services.ingest import Ingest
from tenant_agent.services.job_queue import Queue
from tenant_agent.services.limits import AttemptLimit
from tenant_agent.services.progress import Progress
from tenant_agent.services.registry import Services
from tenant_agent.services.search import Search
from tenant_agent.services.writing import Writing
from tenant_agent.settings import Settings
from tenant_agent.store.pool import Database

REDIS_CONNECTIONS = 200
REDIS_SECONDS = 10.0


def connect_redis(settings: Settings) -> Redis:
    """Return a Redis client; connects at first use. Reads block shorter than its time limit."""
    password = settings.optional_secret("redis_password")
    pool = BlockingConnectionPool(
        host=settings.redis_host,
        port=settings.redis_port,
        password=password.get_secret_value() if password else None,
        max_connections=REDIS_CONNECTIONS,
        timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=3,
        health_check_interval=30,
    )
    return Redis.from_pool(pool)


def build_services(settings: Settings, database: Database, redis: Redis) -> Services:
    """Return all services over open connections."""
    client = GeminiClient(settings)
    embeddings, chat = GeminiEmbeddings(client, settings), GeminiChat(client, settings)
    search = Search(database, embeddings)
    files = Files(settings.data_dir, settings.max_upload_bytes)
    limit = AttemptLimit(redis, window=settings.login_window_seconds)
    answer_log = AnswerLog(redis, settings.answer_unread_seconds)
    writing = Writing(database, answer_log, lambda: Answering(search, chat, embeddings), settings)
    return Services(
        settings=settings,
        accounts=Accounts(database, limit, settings),
        branding=Branding(settings),
        chat=Chat(database, answer_log, writing, settings),
        conversations=Conversations(database),
        documents=Documents(database, files),
        health=Health(database, redis, settings),
        ingest=Ingest(database, embeddings, files, settings),
        progress=Progress(database),
        queue=Queue(
            database,
            heartbeat=settings.worker_heartbeat_seconds,
            threads=settings.worker_threads,
        ),
        client=client,
    )


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Connect, give the services, let running answers end, disconnect."""
    Files(settings.data_dir, settings.max_upload_bytes).prepare()
    database, redis = Database(settings), connect_redis(settings)
    await database.open()
    services = build_services(settings, database, redis)
    try:
        yield services
    finally:
        await services.chat.close()
        await services.client.close()
        await redis.aclose()
        await database.close()
