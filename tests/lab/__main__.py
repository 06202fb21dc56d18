"""``python -m tests.lab``."""

import sys

from tests.lab.run_lab import main

sys.exit(main(sys.argv[1:]))
