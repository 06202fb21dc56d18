"""Where the frozen ``crossplyctl`` starts: the command line."""

import sys

from started_as_module import run_module_if_asked

if __name__ == "__main__":
    run_module_if_asked()
    from engine.cli.main import main

    sys.exit(main())
