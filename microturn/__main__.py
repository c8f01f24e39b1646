"""`python -m microturn`."""

import sys

from microturn.cli import main

if __name__ == "__main__":
    sys.exit(main())
