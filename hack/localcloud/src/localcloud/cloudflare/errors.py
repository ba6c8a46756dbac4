"""Cloudflare's errors by number, in one place.

Numbers and texts are those that clients' own tests assert (81053, 81057, 81058) or that the API is
known to answer (1004, 6003, 7003, 9109, 10000, 81044); where only the number is documented the text
is ours. Every error becomes the envelope that `envelope` writes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One error of the API: HTTP status, Cloudflare's number and its text."""

    status: int
    code: int
    message: str

    def refused(self, message: str | None = None) -> RefusedError:
        """This error, to be raised; `message` says more than the general text."""
        return RefusedError(Problem(self.status, self.code, message or self.message))


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


NO_HEADER = Problem(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
BAD_HEADER = Problem(400, 6003, "Invalid request headers")
BAD_TOKEN = Problem(401, 1000, "Invalid API Token")
NOT_ALLOWED = Problem(403, 10000, "Authentication error")
ACCESS_DENIED = Problem(403, 9109, "Unauthorized to access requested resource")
TOO_MANY = Problem(429, 971, "Please wait and consider throttling your request speed")
NO_ROUTE = Problem(404, 7000, "No route for that URI")
NO_METHOD = Problem(405, 10405, "Method not allowed for this endpoint")
NO_ZONE = Problem(
    404, 7003, "Could not route to the zone, perhaps your object identifier is invalid?"
)
ZONE_EXISTS = Problem(400, 1061, "This zone already exists")
BAD_ZONE_NAME = Problem(400, 1049, "The name is not a registered domain")
BAD_JSON = Problem(400, 9207, "Request body is invalid.")
TOO_LARGE = Problem(413, 9207, "Request body is too large.")
BAD_RECORD = Problem(400, 1004, "DNS Validation Error")
BAD_TYPE = Problem(400, 1004, "DNS Validation Error: Invalid type.")
BAD_NAME = Problem(400, 9000, "DNS name is invalid.")
BAD_A = Problem(400, 9005, "Content for A record must be a valid IPv4 address.")
BAD_AAAA = Problem(400, 9006, "Content for AAAA record must be a valid IPv6 address.")
BAD_CNAME = Problem(400, 9007, "Content for CNAME record is invalid.")
BAD_TTL = Problem(
    400, 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic."
)
NOT_PROXIABLE = Problem(400, 9041, "This DNS record cannot be proxied.")
TOO_MANY_TAGS = Problem(400, 9300, "DNS record has more tags than the plan's quota allows.")
COMMENT_TOO_LONG = Problem(400, 9313, "DNS record comment exceeds the plan's length.")
NO_RECORD = Problem(404, 81044, "Record does not exist.")
QUOTA = Problem(400, 81045, "Record quota exceeded.")
HOST_TAKEN = Problem(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
IDENTICAL = Problem(400, 81058, "An identical record already exists.")
INJECTED = Problem(500, 10001, "Internal server error")
