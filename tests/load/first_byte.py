"""The first byte of an answer: when the model sent it, and when it came out at the browser's side.

Both moments are read from one clock. The model server notes when the first piece of a stream left
it; the customer, who came in through the edge and the public name, notes when the first event
arrived that the agent sends because of it (`status` = `answering`). The first sentence comes later:
the agent proves it against its sources before it shows it.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from demo import objects
from demo.chain import Chain
from demo.customer import Customer, RefusedError, events
from localcloud.administration import Administration, origin_of

HANDBOOK = objects.SAMPLES / "documents" / "handbuch.pdf"
QUESTIONS = (
    "Bis wann muss ich Belege nach einer Dienstreise einreichen?",
    "How many days of vacation do employees have per year?",
)


@dataclass(frozen=True)
class Passage:
    """How long parts of one answer took, in milliseconds after the model's first byte.

    `before` is what came before: the question's way to the model, retrieval included.
    """

    first_byte: float
    first_sentence: float
    before: float


class TimedCustomer(Customer):
    """A browser session that notes when events arrive."""

    def timed(self, question: str) -> dict[str, float]:
        """Ask; returns when the question was sent and when each kind of event first arrived."""
        conversation = self._json("POST", "/api/v1/conversations", json={})
        url = f"/api/v1/conversations/{conversation['id']}/messages"
        moments = {"sent": time.time()}
        with self._stream("POST", url, json={"question": question}) as response:
            for name, data in events(response.iter_lines()):
                moments.setdefault(str(data.get("stage", name)), time.time())
                if name == "error":
                    raise RefusedError(data["failure"]["message"])
        return moments

    def nothing(self) -> float:
        """Milliseconds of a request through the same door that asks for nothing."""
        started = time.perf_counter()
        self._json("GET", "/healthz")
        return (time.perf_counter() - started) * 1000


def passage(moments: dict[str, float], model: float) -> Passage:
    """The times of one answer whose first byte left the model at `model`."""
    return Passage(
        first_byte=(moments["answering"] - model) * 1000,
        first_sentence=(moments["token"] - model) * 1000,
        before=(model - moments["sent"]) * 1000,
    )


def measure(
    chain: Chain, tenant: objects.Document, *, rounds: int
) -> tuple[list[Passage], list[float]]:
    """Sign in, upload the handbook and ask, `rounds` times each question; then ask for nothing.

    Returns the answers' times, and the milliseconds of as many requests that ask for nothing.
    """
    name, email = tenant["metadata"]["name"], tenant["spec"]["agent"]["adminEmail"]
    once = chain.secret(f"{name}-secrets", "bootstrap_password")
    model = Administration(origin_of(chain.endpoints["model_local"]))
    with TimedCustomer(chain.door(tenant)) as customer:
        customer.sign_in(email, once)
        customer.change_password(once, secrets.token_urlsafe(12))
        customer.upload(HANDBOOK.name, HANDBOOK.read_bytes())
        customer.timed(QUESTIONS[0])
        asked = [question for _ in range(rounds) for question in QUESTIONS]
        answers = [_ask(customer, model, question) for question in asked]
        return answers, [customer.nothing() for _ in asked]


def _ask(customer: TimedCustomer, model: Administration, question: str) -> Passage:
    model.ask("DELETE", "calls")
    moments = customer.timed(question)
    calls = model.ask("GET", "calls")["calls"]
    (began,) = [call["first_byte"] for call in calls if "first_byte" in call]
    return passage(moments, began)
