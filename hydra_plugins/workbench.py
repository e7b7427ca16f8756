"""What Hydra must find in its own namespace: our sweeper, our launcher, and a person's own `conf/` folder.

No `from __future__ import annotations` here: Hydra's scanner executes this module outside `sys.modules`.
"""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from workbench import places
from workbench.sweep.hydra import launcher, register, search, sweeper

register.register()


class OwnConf(SearchPathPlugin):
    """A `conf` folder in the working folder joins ours; of two files with one name, ours counts."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if own := places.theirs("conf"):
            search_path.append(provider="working-folder", path=f"file://{own}")


class GridSweeper(sweeper.GridSweeper):
    """See workbench.sweep.hydra.sweeper."""


class OptunaSweeper(search.OptunaSweeper):
    """See workbench.sweep.hydra.search."""


class PackedLauncher(launcher.PackedLauncher):
    """See workbench.sweep.hydra.launcher. The application is imported when there are cells to train."""

    def application(self) -> launcher.Application:
        """Who trains the cells: here the two are brought together."""
        from workbench import app

        return app
