"""Traefik's two files: the static one (entry points, ACME, logs) and the routes it watches.

Only the routes change when a release switches colour; the file is replaced by rename and Traefik
reads it while running. TLS 1.3 only, curves as Mozilla's "modern" asks (sslyze checks both).
"""

from __future__ import annotations

from typing import Any

from tenant_operator.bundle.layout import Color
from tenant_operator.core.stack import StackInputs

HSTS_SECONDS = 63_072_000  # two years: the hstspreload.org and Mozilla "modern" minimum
CURVES = ["X25519MLKEM768", "X25519", "CurveP256", "CurveP384"]
UPLOAD_SECONDS = "900s"


def static(stack: StackInputs) -> dict[str, Any]:
    """Traefik's static configuration; a change restarts the proxy."""
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "WARN", "format": "json"},
        "accessLog": access_log(),
        "ping": {"entryPoint": "ping"},
        "entryPoints": entry_points(stack),
        "providers": {"file": {"directory": "/etc/traefik/dynamic", "watch": True}},
        "certificatesResolvers": {"acme": {"acme": acme(stack)}},
    }


def access_log() -> dict[str, Any]:
    """Who asked for what, without the query string and headers: they can carry tokens."""
    return {
        "format": "json",
        "fields": {
            "defaultMode": "keep",
            "names": dict.fromkeys(("ClientUsername", "ClientPort"), "drop"),
            "queryParameters": {"defaultMode": "drop"},
            "headers": {"defaultMode": "drop"},
        },
    }


def entry_points(stack: StackInputs) -> dict[str, Any]:
    """80 redirects (and answers HTTP-01), 443 serves, the ping stays inside the container."""
    target = "websecure" if stack.public_port == 443 else f":{stack.public_port}"
    redirect = {"to": target, "scheme": "https", "permanent": True}
    forwarded = {"forwardedHeaders": {"trustedIPs": list(stack.trusted_proxies)}}
    return {
        "web": {
            "address": ":80",
            "http": {"redirections": {"entryPoint": redirect}, **strict_requests()},
            **forwarded,
        },
        "websecure": {
            "address": ":443",
            "http": strict_requests(),
            **forwarded,
            "transport": {
                "respondingTimeouts": {"readTimeout": UPLOAD_SECONDS},
                "lifeCycle": {"graceTimeOut": "20s"},
            },
        },
        "ping": {"address": "127.0.0.1:8082", "http": strict_requests()},
    }


def strict_requests() -> dict[str, Any]:
    """No header that only looks like one of Traefik's, no control characters in a path."""
    return {
        "aliasHeadersStrategy": "delete",
        "encodedCharacters": {"allowEncodedNullCharacter": False, "allowEncodedBackSlash": False},
    }


def acme(stack: StackInputs) -> dict[str, Any]:
    """HTTP-01; the private CA of an own ACME server is in the host's trust store."""
    return {
        "caServer": stack.acme_directory,
        "email": stack.acme_email,
        "storage": "/var/lib/traefik/acme.json",
        "keyType": "EC256",
        "httpChallenge": {"entryPoint": "web"},
    }


def routes(stack: StackInputs, color: Color) -> dict[str, Any]:
    """The watched file: which colour serves, and the headers every answer carries."""
    return {
        "http": {
            "routers": {
                "agent": {
                    "rule": f"Host(`{stack.hostname}`) && !PathPrefix(`/metrics`)",
                    "entryPoints": ["websecure"],
                    "service": "agent",
                    "middlewares": ["security"],
                    "tls": {"certResolver": "acme", "domains": [{"main": stack.hostname}]},
                }
            },
            "middlewares": {"security": {"headers": security_headers()}},
            "services": {
                "agent": {"loadBalancer": {"servers": [{"url": f"http://agent-{color}:8000"}]}}
            },
        },
        "tls": {
            "options": {
                "default": {
                    "minVersion": "VersionTLS13",
                    "curvePreferences": CURVES,
                    "sniStrict": True,
                }
            }
        },
    }


def security_headers() -> dict[str, Any]:
    """Headers every response gets; the content policy is the agent's, which knows its nonces."""
    return {
        "stsSeconds": HSTS_SECONDS,
        "stsIncludeSubdomains": True,
        "contentTypeNosniff": True,
        "frameDeny": True,
        "referrerPolicy": "strict-origin-when-cross-origin",
        "permissionsPolicy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "customResponseHeaders": {
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Server": "",
            "X-Powered-By": "",
        },
    }
