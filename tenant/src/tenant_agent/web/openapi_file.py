"""`python -m tenant_agent.web.openapi_file [PATH]` writes the OpenAPI document.

`tenant/openapi.json` is made by it; a test holds that it is current.
"""

import json
import sys
from pathlib import Path

from tenant_agent.web.app import create_documented_app
from tenant_agent.web.openapi import build_document


def main() -> None:
    """Write the document to the path given, or to standard output."""
    text = json.dumps(build_document(create_documented_app()), indent=2, ensure_ascii=False) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
