"""The few things the engine asks of an array library by itself."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.engine import backend
from workbench.engine.backend import array_module, gather, module_of, resolve_device, to_host
from workbench.engine.errors import BadInput


def test_the_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == "cpu"
    assert array_module("cpu") is np
    assert module_of(np.zeros(1)) is np


def test_auto_is_the_cpu_where_there_is_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "cuda_is_usable", lambda: False)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(BadInput, match="device: cuda was asked for") as caught:
        resolve_device("cuda")
    assert "\n" not in str(caught.value)


def test_auto_is_the_device_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "cuda_is_usable", lambda: True)
    assert resolve_device("auto") == resolve_device("cuda") == "cuda"
    assert backend.missing_cupy() == ""


def test_a_device_that_nothing_uses_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "cuda_is_usable", lambda: False)
    monkeypatch.setattr(backend.shutil, "which", lambda _name: "somewhere")
    assert "install the extra 'gpu'" in backend.missing_cupy()
    assert "\n" not in backend.missing_cupy()
    monkeypatch.setattr(backend.shutil, "which", lambda _name: None)
    assert backend.missing_cupy() == ""


def test_gathered_rows_are_the_rows() -> None:
    rows, index = np.arange(12).reshape(4, 3), np.array([[0, 3], [2, 2]])
    out = np.zeros((2, 2, 3), rows.dtype)
    gather(rows, index, out)
    assert np.array_equal(out, rows[index])


def test_what_is_on_the_host_stays_there() -> None:
    array = np.zeros(3)
    assert to_host(array) is array
