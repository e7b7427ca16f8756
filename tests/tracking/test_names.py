"""Whatever a person types becomes a key or value that MLflow takes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.validation import _validate_batch_log_data

from workbench.tracking import names

ANYTHING = st.text(st.characters(), max_size=300) | st.integers() | st.floats() | st.none() | st.booleans()


@given(ANYTHING, ANYTHING)
def test_every_key_and_value_is_one_that_mlflow_takes(key: object, value: object) -> None:
    name = names.key(str(key))
    metrics, params, tags = (
        [Metric(name, 1.0, 0, 0)],
        [Param(name, names.param(value))],
        [RunTag(name, names.tag(value))],
    )
    checked = _validate_batch_log_data(metrics, params, tags)
    assert checked == (metrics, params, tags)
    names.param(value).encode("utf-8")


@given(st.text(st.characters(), max_size=100))
def test_a_packs_folder_is_one_plain_name(pack: str) -> None:
    folder = names.pack_folder(pack)
    assert folder not in ("", ".", "..")
    assert "/" not in folder


@given(
    st.text(alphabet="abcdef_.0123456789", min_size=1, max_size=40).filter(lambda key: ".." not in key and key != ".")
)
def test_dotted_keys_stay_as_they_are(key: str) -> None:
    assert names.key(key) == key


def test_a_secret_is_hidden_in_the_texts_of_json_and_never_in_its_quotes() -> None:
    line = 'a = ("postgresql://me:hunter2@host/db?token=abcd", {"k": 1})'
    value = {"diff": line, "uri=http://me:hunter2@h": [1.5, None]}
    written = names.json_text(value, ensure_ascii=False)
    assert "hunter2" not in written
    assert "abcd" not in written
    assert json.loads(written)["diff"] == 'a = ("postgresql://***@host/db?token=***", {"k": 1})'
