"""Prometheus metrics of one process; labels are codes, never content."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
ANSWERS = Counter(
    "agent_answers_total", "Answers by outcome or failure code", ["outcome"], registry=REGISTRY
)
ANSWER_SECONDS = Histogram(
    "agent_answer_seconds",
    "Time from question to stored answer",
    buckets=(0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
    registry=REGISTRY,
)
MODEL_TOKENS = Counter(
    "agent_model_tokens_total",
    "Tokens as billed: prompt includes cached, output includes thoughts",
    ["kind"],
    registry=REGISTRY,
)
JOBS = Gauge("agent_jobs", "Document jobs by state", ["state"], registry=REGISTRY)
READY = Gauge("agent_ready", "1 while every dependency is there", registry=REGISTRY)
