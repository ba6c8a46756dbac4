"""Entry of `hack/test` and `hack/check`; see `testlanes.cli`."""

import sys

from testlanes.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
