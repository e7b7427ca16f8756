"""Passwords, users and tokens never leave in a text, however they are written."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench import redaction
from workbench.engine.errors import BadInput
from workbench.redaction import redacted, redacted_message, redacted_override, remember

MARKER = "hunter2"


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    redaction.forget()
    for name in (*redaction.SECRET_VARIABLES, *redaction.ADDRESSES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://me:hunter2@host:5000/a", "http://***@host:5000/a"),
        ("tracking.uri=https://hunter2@host", "tracking.uri=https://***@host"),
        ("postgresql+psycopg2://me:hunter2/@host/db", "postgresql+psycopg2://***@host/db"),
        ("mysql://me:hunter2?x=hunter2@host/db", "mysql://***"),
        ("https://host/a?token=hunter2&x=hunter2", "https://host/a?token=***&x=***"),
        ("sqlite:///a.db?timeout=3&password=hunter2", "sqlite:///a.db?timeout=3&password=***"),
        ("mysql://host/db?cache_key=hunter2&cache=shared", "mysql://host/db?cache_key=***&cache=shared"),
        ("https://host/#access_token=hunter2", "https://host/#access_token=***"),
        ("mysql:///db?user=me&password=hunter2", "mysql:///db?user=***&password=***"),
        ("from 'http://a' to 'http://me:hunter2@b'.", "from 'http://a' to 'http://***@b'."),
        ("http://a,http://me:hunter2@b", "http://a,http://***@b"),
        ('{"uri": "http://me:hunter2@b"}', '{"uri": "http://***@b"}'),
    ],
)
def test_the_secrets_of_an_address_are_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////home/me@work/a%20b.db?timeout=3",
        "file:///home/me@work/x",
        "'http://host:5000' does not answer (ask admin@host)",
        "see https://example.org/@someone/post",
        "seed=range(3) optimizer=sgd,adam",
        "me@host",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == redacted_message(text) == text


def test_a_typed_address_keeps_its_quotes() -> None:
    assert redacted_override(f"tracking.uri='http://h?a={MARKER}'") == "tracking.uri='http://h?a=***'"


PASSWORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="&;="), max_size=12).map(
    lambda text: MARKER + text + MARKER
)


@given(PASSWORDS, st.sampled_from(["http", "postgresql", "mysql+pymysql"]))
def test_no_password_passes_in_a_typed_setting(password: str, scheme: str) -> None:
    assert MARKER not in redacted_override(f"tracking.uri={scheme}://me:{password}@host/db?sslmode=require")
    assert MARKER not in redacted_override(f"tracking.uri={scheme}://host/db?password={password}")


@given(PASSWORDS)
@example(f"ab@{MARKER}")  # where the password ends is then not sure
@example(f"{MARKER}/{MARKER}")
@example(f"{MARKER}%41{MARKER}")
def test_what_was_typed_is_hidden_in_every_way_of_writing_it(password: str) -> None:
    redaction.forget()
    remember(f"tracking.uri=http://me:{password}@host/?token={password}x")
    for text in (
        password,
        repr(password),
        json.dumps(password),
        quote(password, safe=""),
        f"{password}x",
        f"no {password!r}",
    ):
        assert MARKER not in redacted_message(f"cannot log in with {text} at host")
    redaction.forget()


@given(st.text(max_size=60), st.text(max_size=60))
def test_json_stays_json(first: str, second: str) -> None:
    values = [f"http://{first}", {f"a://{second}": f"b://{first}@{second}?x={first}"}]
    json.loads(redacted(json.dumps(values, indent=2)))
    json.loads(redacted(json.dumps(values, ensure_ascii=False)))


@pytest.mark.parametrize("name", redaction.SECRET_VARIABLES)
def test_what_the_environment_holds_is_never_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, MARKER)
    assert str(BadInput(f"the server refused {MARKER}")) == "the server refused ***"


def test_an_address_of_the_environment_is_never_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://me:{MARKER}@host/db")
    assert str(BadInput(f"password {MARKER} refused")) == "password *** refused"


def test_a_user_without_a_password_is_a_plain_word_elsewhere() -> None:
    remember("http://admin@host")
    assert redacted_message("ask the admin of http://admin@host") == "ask the admin of http://***@host"


def test_of_two_secrets_the_longer_one_is_hidden_as_a_whole() -> None:
    remember("http://me:hunter2@host")
    remember("http://me:hunter2secret@host")
    assert redacted_message("refused: hunter2secret") == "refused: ***"


def test_a_password_that_was_typed_encoded_is_hidden_decoded_too() -> None:
    remember("http://me:pass%2Fword@host")
    assert redacted_message("refused: pass/word") == "refused: ***"


def test_a_short_password_does_not_eat_words() -> None:
    remember("http://me:a@host")
    assert redacted_message("name='a' at http://me:a@host") == "name='a' at http://***@host"
