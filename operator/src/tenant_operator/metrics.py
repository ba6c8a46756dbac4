"""What the operator counts. Names carry units; no label holds a tenant's name, so that the number
of series does not grow with the number of tenants.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()

RECONCILES: Final = Counter(
    "operator_reconciles",
    "Passes of the loop, by kind of object and how they ended.",
    ("kind", "outcome"),
    registry=REGISTRY,
)
RECONCILE_SECONDS: Final = Histogram(
    "operator_reconcile_seconds",
    "Length of a pass.",
    ("kind",),
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
EFFECTS: Final = Counter(
    "operator_effects",
    "Effects carried out, by name and result.",
    ("effect", "result"),
    registry=REGISTRY,
)
PROVIDER_CALLS: Final = Counter(
    "operator_provider_calls",
    "Requests to cloud and DNS providers; purpose sweep is the shared inventory.",
    ("provider", "operation", "purpose", "result"),
    registry=REGISTRY,
)
BUDGET_LEFT: Final = Gauge(
    "operator_cloud_budget_remaining",
    "Requests left in the cloud project's rate limit, by its last answer.",
    ("fleet",),
    registry=REGISTRY,
)
INVENTORY_AGE: Final = Gauge(
    "operator_inventory_swept_timestamp_seconds",
    "When servers and DNS records were last read completely.",
    ("fleet",),
    registry=REGISTRY,
)
KUBERNETES_CALLS: Final = Counter(
    "operator_kubernetes_calls",
    "Requests of the operator's own client to the API server.",
    ("verb", "status"),
    registry=REGISTRY,
)
QUEUE_DEPTH: Final = Gauge(
    "operator_queue_depth",
    "Keys that wait for a worker, by lane.",
    ("lane",),
    registry=REGISTRY,
)
QUEUE_OLDEST: Final = Gauge(
    "operator_queue_oldest_seconds",
    "How long the oldest waiting key has waited.",
    registry=REGISTRY,
)
CONDITIONS: Final = Gauge(
    "operator_objects",
    "Objects by kind and by the reason of their Ready condition.",
    ("kind", "ready", "reason"),
    registry=REGISTRY,
)
TIME_TO_READY: Final = Histogram(
    "operator_time_to_ready_seconds",
    "From a Tenant's creation to its first Ready.",
    registry=REGISTRY,
    buckets=(10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 3600),
)
STEP_SECONDS: Final = Histogram(
    "operator_step_seconds",
    "How long a step was the present one before it was done.",
    ("condition",),
    registry=REGISTRY,
    buckets=(0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
)
LOOP_LAG: Final = Gauge(
    "operator_event_loop_lag_seconds",
    "How late the event loop came back from a short sleep.",
    registry=REGISTRY,
)
WATCH_EVENTS: Final = Counter(
    "operator_watch_events",
    "Events that the watches delivered.",
    ("kind",),
    registry=REGISTRY,
)
ORPHANS: Final = Gauge(
    "operator_orphans",
    "Cloud objects of this installation whose tenant is unknown.",
    ("fleet",),
    registry=REGISTRY,
)
