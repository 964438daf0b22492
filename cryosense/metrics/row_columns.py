"""The columns of a run's rows, a module of its own: they are a schema of pyarrow, which scores alone can do without."""

from cryosense.metrics.score_table import SCORES
from cryosense.runs.rows import row_schema

SCHEMA = row_schema([score.name for score in SCORES])
