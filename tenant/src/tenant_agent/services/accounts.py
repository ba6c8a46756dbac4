from tenant_agent.store.records import SessionRecord as Session


class Accounts: ...
