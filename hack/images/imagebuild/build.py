"""Builds and pushes product images, each only when something it is made of has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from imagebuild import engine, host, progress, registry
from imagebuild.products import Product, Request, build_words, product_key

_KEPT: Final = timedelta(days=1)


class DashboardMissing(Exception):
    """The agent's image was asked for with a dashboard that is not there."""


def products(chosen: Sequence[Product], request: Request) -> dict[Product, str]:
    """Build what is not there yet; returns each product's content key."""
    if request.dashboard and not (request.root / "tenant/dashboard/package.json").is_file():
        raise DashboardMissing(
            "tenant/dashboard has no package.json: add the dashboard or say --without-dashboard"
        )
    keys = {product: product_key(product, request) for product in chosen}
    with host.secrets() as secrets:
        for product, key in keys.items():
            _provide(product, request, key=key, secrets=secrets)
    return keys


def _provide(product: Product, request: Request, *, key: str, secrets: Mapping[str, Path]) -> None:
    tag = f"{product.repository}:{key}"
    found = engine.image(tag)
    if found:
        progress.say(f"  {tag}: reused, {_megabytes(found['Size'])}")
    else:
        words = build_words(product, request, tag=tag, secrets=secrets)
        progress.run(tag, [engine.client(), *words], environment=engine.environment())
        progress.say(f"  {tag}: {_megabytes((engine.image(tag) or {}).get('Size', 0))}")
    engine.tag(tag, f"{product.repository}:local")
    _forget_older(product, key)


def _forget_older(product: Product, key: str) -> None:
    """Drop the names of builds that nobody asked for in a day; one in use by a container stays.

    Younger ones may be what another checkout or a running test works with.
    """
    listed = engine.ask("image", "ls", product.repository, "--format", "{{.Tag}}") or ""
    for tag in set(listed.split()) - {key, "local", "<none>"}:
        if _tagged_before(datetime.now(UTC) - _KEPT, f"{product.repository}:{tag}"):
            engine.ask("image", "rm", f"{product.repository}:{tag}")


def _tagged_before(moment: datetime, reference: str) -> bool:
    stamp = str((engine.image(reference) or {}).get("Metadata", {}).get("LastTagTime", ""))
    return bool(stamp) and datetime.fromisoformat(f"{stamp[:19]}+00:00") < moment


def push(keys: Mapping[Product, str], *, target: str, name: str | None) -> dict[str, str]:
    """Push every image to `target`; returns references under the registry's `name`."""
    return {
        product.name: f"{name or target}/{product.repository}@"
        + _push(product, key=key, target=target)
        for product, key in keys.items()
    }


def _push(product: Product, *, key: str, target: str) -> str:
    source = f"{product.repository}:{key}"
    return registry.push(source, registry=target, repository=product.repository, tag=key)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
