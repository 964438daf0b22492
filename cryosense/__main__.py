"""The command line, for ``python -m cryosense``."""

from cryosense.cli.main import program

program()
