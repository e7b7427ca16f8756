"""The configuration of a run: its schema, its checks, and the families its choices come from."""

from workbench.config.allowed import allowed, limits, meant
from workbench.config.families import FAMILIES, Choices, table
from workbench.config.reading import Unread, as_read, unread
from workbench.config.schema import (
    SECTIONS,
    SETTINGS,
    DataConfig,
    DropoutConfig,
    NetworkConfig,
    OptimizerConfig,
    PenaltyConfig,
    RunConfig,
    SlurmConfig,
    TrackingConfig,
    TrainingConfig,
)
from workbench.config.setting import Setting
from workbench.config.validate import check, flatten, run_config, setting_of, unknown

__all__ = [
    "FAMILIES",
    "SECTIONS",
    "SETTINGS",
    "Choices",
    "DataConfig",
    "DropoutConfig",
    "NetworkConfig",
    "OptimizerConfig",
    "PenaltyConfig",
    "RunConfig",
    "Setting",
    "SlurmConfig",
    "TrackingConfig",
    "TrainingConfig",
    "Unread",
    "allowed",
    "as_read",
    "check",
    "flatten",
    "limits",
    "meant",
    "run_config",
    "setting_of",
    "table",
    "unknown",
    "unread",
]
