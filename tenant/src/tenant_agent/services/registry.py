"""All services of one process; what `web` and `jobs` get to see."""

from dataclasses import dataclass

from tenant_agent.agent.models.gemini import GeminiClient
from tenant_agent.services.accounts import Accounts
from tenant_agent.services.branding import Branding
from tenant_agent.services.chat import Chat
from tenant_agent.services.conversations import Conversations
from tenant_agent.services.documents import Documents
from tenant_agent.services.health import Health
from tenant_agent.services.ingest import Ingest
from tenant_agent.services.job_queue import Queue
from tenant_agent.services.progress import Progress
from tenant_agent.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """One instance of each use case."""

    settings: Settings
    accounts: Accounts
    branding: Branding
    chat: Chat
    conversations: Conversations
    documents: Documents
    health: Health
    ingest: Ingest
    progress: Progress
    queue: Queue
    client: GeminiClient
