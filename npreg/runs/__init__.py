"""What stands behind `train`."""

from npreg.runs.arrival import ConvergenceWarning
from npreg.runs.blocks import RowBlocks
from npreg.runs.callbacks import Progress, ProgressBar, Record, Step
from npreg.runs.checkpoint import Checkpoint, CheckpointError
from npreg.runs.plan import EarlyStopping

__all__ = ["Checkpoint", "CheckpointError", "ConvergenceWarning", "EarlyStopping", "Progress", "ProgressBar"]
__all__ += ["Record", "RowBlocks", "Step"]
