"""``python -m embedviz``."""

import sys

from embedviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
