"""The figures of every page. These tables are registry, list of choices and list of test cases at once."""

from __future__ import annotations

from workbench.report.figures.analysed import Analyses
from workbench.report.figures.answered import Confusion, Mistakes, Predictions
from workbench.report.figures.base import DrawsFrom
from workbench.report.figures.best_trials import BestTrials
from workbench.report.figures.changes import Changes
from workbench.report.figures.differences import Differences
from workbench.report.figures.effects_overview import EffectsOverview
from workbench.report.figures.feature_maps import FeatureMaps
from workbench.report.figures.filter_tiles import Filters
from workbench.report.figures.findings import Findings
from workbench.report.figures.interactions import Interactions
from workbench.report.figures.layers import Layers
from workbench.report.figures.learning_curves import LearningCurves
from workbench.report.figures.main_effects import MainEffects
from workbench.report.figures.networks import Networks
from workbench.report.figures.own_figures import OwnFigures
from workbench.report.figures.parallel_coordinates import ParallelCoordinates
from workbench.report.figures.pareto_front import ParetoFront
from workbench.report.figures.search_history import SearchHistory
from workbench.report.figures.search_importance import SearchImportance
from workbench.report.figures.search_trends import SearchTrends
from workbench.report.figures.single_factor import SingleFactor
from workbench.report.figures.specifications import Specifications
from workbench.report.figures.spread import Spreads
from workbench.report.figures.two_curves import TwoCurves
from workbench.report.figures.whole_curves import WholeCurves
from workbench.report.statistics.comparison import Comparison

FIGURES: dict[str, DrawsFrom[Findings]] = {  # of a sweep's page, within a section in this order
    "differences": Differences(),
    "specifications": Specifications(),
    "pareto_front": ParetoFront(),
    "search_history": SearchHistory(),
    "best_trials": BestTrials(),
    "parallel_coordinates": ParallelCoordinates(),
    "search_trends": SearchTrends(),
    "search_importance": SearchImportance(),
    "own": OwnFigures(),
    "effects_overview": EffectsOverview(),
    "single_factor": SingleFactor(),
    "whole_curves": WholeCurves(),
    "confusion": Confusion(),
    "mistakes": Mistakes(),
    "predictions": Predictions(),
    "networks": Networks(),
    "main_effects": MainEffects(),
    "learning_curves": LearningCurves(),
    "interactions": Interactions(),
    "filters": Filters(),
    "feature_maps": FeatureMaps(),
    "layers": Layers(),
    "analyses": Analyses(),
    "spread": Spreads(),
}
COMPARISON_FIGURES: dict[str, DrawsFrom[Comparison]] = {  # of the page that compares two sweeps
    "changes": Changes(),
    "two_curves": TwoCurves(),
}
