"""Tiny runs whose numbers are pinned, so that nobody changes what a configuration means without noticing.

Where a test here fails although the new numbers are right: raise NUMERICAL_VERSION in
workbench/engine/training/loop.py, since results of the old version must not be reused, and pin the numbers that the
message shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.loop import NUMERICAL_VERSION, train

from .cases import data_for, pack_of

VERSION = 6
TOLERANCE = 1e-9
BASE: dict[str, Any] = {"seed": [1, 2], "epochs": 4, "activation": "tanh", "dropout_rate": [0.0, 0.25], "l2": 0.001}
CASES: dict[str, dict[str, Any]] = {name: {"optimizer": name} for name in OPTIMIZERS} | {
    "maxout": {"activation": "maxout", "pieces": 3, "max_norm": 1.0},
    "prelu": {"activation": "prelu", "slope": 0.25, "l1": 0.001},
    "regression": {"loss": "squared_error", "learning_rate": 0.05, "decay": 0.01},
    "two classes": {"loss": "binary_cross_entropy", "activation": "relu", "l1_proximal": 0.01},
    "schedule": {"schedule": ["inverse_sqrt", "exponential"], "schedule_factor": 0.99, "init": "fan_in"},
}
GOLDEN: dict[str, list[list[float]]] = {
    "sgd": [
        [0.5699806824722027, 1.053120759051652],
        [0.8540579569732085, 1.0472865268090066],
        [0.6108068076640212, 1.0503609251135746],
        [0.2929855467737989, 0.11316935897518067],
        [0.43392341720062916, 0.4645843161386388],
    ],
    "momentum": [
        [0.4905901700962702, 0.9776226719337462],
        [0.8986735772446154, 1.0455091332514261],
        [0.45101624667722856, 1.029501946779244],
        [0.4041180377688354, 0.17477939736485007],
        [0.4549724041618948, 0.4550181714350965],
    ],
    "nesterov": [
        [0.4648712748480454, 0.9661481308049977],
        [0.8931231277912061, 1.0417817268792766],
        [0.4195193712162116, 1.0063315333878795],
        [0.4017828910762234, 0.1836900697499622],
        [0.4584318232499836, 0.45676498351311745],
    ],
    "adagrad": [
        [0.3733196494829679, 0.9309429806741889],
        [0.8096944513647456, 1.0324767275397677],
        [0.3291154240032243, 0.9162936806423169],
        [0.40496540801653397, 0.18447038404277236],
        [0.5360196476839103, 0.4860179413039344],
    ],
    "rmsprop": [
        [0.6681614198688269, 1.2063376247410322],
        [0.8974881035945426, 1.0937303282582547],
        [0.7553195453380516, 1.1106432198771632],
        [0.24964959982783727, 0.08300054913868984],
        [0.44776496464470616, 0.4580221511803403],
    ],
    "adam": [
        [0.5767214225559946, 1.11072145845499],
        [0.8532837929138436, 1.0889570356904736],
        [0.6085125652037346, 1.0843851538549572],
        [0.3244208986728581, 0.09775600161495386],
        [0.4657576368473987, 0.45016865013238777],
    ],
    "maxout": [
        [0.6999900508793495, 0.9694244611557336],
        [0.9136775738060493, 1.0726881415893363],
        [0.8445505790103748, 0.9892114907597006],
        [0.24996327796196297, 0.1763754722375203],
        [0.3931947150629731, 0.38978256829321717],
    ],
    "prelu": [
        [0.5468871454686046, 1.00583952261587],
        [0.7969788901110835, 1.0925522159943468],
        [0.5345900649296669, 1.0897170319286815],
        [0.33650156648590024, 0.1575828457510984],
        [0.5307709167966767, 0.6642742638330755],
    ],
    "regression": [
        [0.6007973069899057, 0.7343720008792282],
        [0.5003911171780112, 0.7790474292775419],
        [0.6484503893437708, 0.9417626564750832],
        [0.2281237866050083, 0.10480742603329898],
        [0.42054882724643566, 0.46849086543221313],
    ],
    "two classes": [
        [0.5857063557258464, 0.7156723159713496],
        [0.6182988599798819, 0.6945510273296762],
        [0.5002958105250492, 0.7104928207192709],
        [0.12991911174949758, 0.03178409448666367],
        [0.4989684207978784, 0.652778909542596],
    ],
    "schedule": [
        [0.9814862527685472, 1.0908565792193488],
        [1.0625665802593325, 1.0812991383540875],
        [1.026760878595732, 1.0883951076477352],
        [0.06290102086364034, 0.03273936485288892],
        [0.25987238872440194, 0.28148657937580385],
    ],
}


def numbers_of(case: str) -> list[list[float]]:
    """Train loss, validation loss and accuracy, test loss of both runs after the last epoch, and a probe."""
    pack = pack_of(2, **BASE | CASES[case])
    *_, last = train(pack, data_for(pack, label_noise=0.1))
    names = ("train_loss", "validation_loss", "test_loss", "input_gradient")
    return [last.metrics[name].tolist() for name in names] + [last.probes["weight_rms"][:, 0].tolist()]


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_of_a_run_are_what_they_were(case: str) -> None:
    found = numbers_of(case)
    assert case in GOLDEN, f"'{case}' is new: pin {found}"
    same = np.allclose(found, GOLDEN[case], rtol=TOLERANCE, atol=0)
    assert same, f"the numbers of '{case}' changed: raise NUMERICAL_VERSION and pin {found}"


def test_the_pinned_numbers_are_of_this_version() -> None:
    assert NUMERICAL_VERSION == VERSION, "NUMERICAL_VERSION was raised: pin the new numbers and this version"
