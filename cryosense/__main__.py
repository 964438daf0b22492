"""The command line, for ``python -m cryosense``."""

import sys

from cryosense.cli.main import main

sys.exit(main())
