"""Arrays to put into files."""

from tests.data.conftest import noise

__all__ = ["noise"]
