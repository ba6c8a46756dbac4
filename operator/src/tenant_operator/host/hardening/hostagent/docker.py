"""The Docker engine: images by digest and what its failures mean."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from .failures import JobError, brief, classify
from .process import run
from .records import Progress

TRIES = 3
FINAL = {"image-missing", "registry-denied", "disk-full"}


def pull_all(images: Sequence[str], progress: Progress) -> None:
    """Have every image; layers shared between them are fetched once, so the first goes alone.

    Raises:
        JobError: image-missing, registry-denied, disk-full or pull-failed.
    """
    absent = [image for image in images if not run(["docker", "image", "inspect", image]).ok]
    if not absent:
        return
    progress.say(f"pulling {len(absent)} images")
    first, *others = absent
    pull(first)
    with ThreadPoolExecutor(max_workers=3) as pool:
        list(pool.map(pull, others))


def pull(image: str) -> None:
    """Fetch one image, trying again where another try can help."""
    for attempt in range(1, TRIES + 1):
        ended = run(["docker", "pull", "--quiet", image], limit=600)
        if ended.ok:
            return
        failure = classify(ended.err, otherwise="pull-failed")
        if failure in FINAL or attempt == TRIES:
            raise JobError(failure, f"docker pull {image}: {brief(ended.err)}")
        time.sleep(2 * attempt)


def present(repositories: set[str]) -> set[str]:
    """References with digest of the local images that come from these repositories."""
    listed = run(["docker", "image", "ls", "--digests", "--format={{.Repository}}@{{.Digest}}"])
    return {
        line
        for line in listed.out.splitlines()
        if line.partition("@")[0] in repositories and "sha256:" in line
    }
