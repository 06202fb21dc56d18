"""Where the frozen ``crossply`` starts: the window."""

import sys

from started_as_module import run_module_if_asked

if __name__ == "__main__":
    run_module_if_asked()
    from gui.__main__ import main

    sys.exit(main())
