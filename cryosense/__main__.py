"""``python -m cryosense``: the command line."""

import sys

from cryosense.cli.main import main

sys.exit(main())
