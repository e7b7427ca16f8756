"""Artifacts of a parent run: written atomically, read as tables. A damaged artifact is not taken for a missing one."""

from __future__ import annotations

import json
import posixpath
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import files as whole_files
from workbench.addresses import local_path, scheme_of
from workbench.engine.errors import BadInput, first_line
from workbench.redaction import redacted
from workbench.tracking.connection import Connection
from workbench.tracking.files_sending import send_together
from workbench.tracking.mlflow_internals import download_file, says_missing, upload_file

if TYPE_CHECKING:
    import pyarrow
    from mlflow.entities import FileInfo, LoggedModel

_FOOTER = b"workbench.footer"  # metadata of a Parquet file: the digest of its footer
_WITH_LOGIN = ("http", "https", "mlflow-artifacts")  # kinds of addresses
_NOT_SIGNED = (_FOOTER, b"ARROW:schema")


class Broken(BadInput):
    """An artifact exists and cannot be read; the text says why, in one line."""

    def __init__(self, path: str, error: BaseException) -> None:
        first = first_line(error)
        super().__init__(f"{path} cannot be read ({first[:200]})")


def put(connection: Connection, run_id: str, files: Mapping[str, str | pyarrow.Table]) -> None:
    """Write artifacts of a run, and overwrite existing ones: path inside the run -> text, or a pyarrow table (Parquet).

    If artifacts are files of this machine, each is replaced in one step: a full disk or a kill leaves the previous one.
    """
    place = connection.root_of(run_id)
    root = local_path(place)
    if root is not None:
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with whole_files.whole(root / path) as unnamed:
                _write(unnamed, content)
        return
    _refuse_strangers(connection, place)
    with tempfile.TemporaryDirectory() as scratch:
        written = {path: Path(scratch, path) for path in files}
        for path, file in written.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            _write(file, files[path])
        _upload(connection, run_id, place, written)


def keep(connection: Connection, run_id: str, sources: Sequence[Path], folder: str) -> None:
    """Copy files, and whole folders, into the folder `folder` of a run's artifacts."""
    place = connection.root_of(run_id)
    root = local_path(place)
    files = {
        Path(folder, file.relative_to(source.parent)).as_posix(): file
        for source in sources
        for file in ([source] if source.is_file() else _files_in(source))
    }
    if root is None:
        _refuse_strangers(connection, place)
        _upload(connection, run_id, place, files)
        return
    for path, file in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        whole_files.write(root / path, file.read_bytes())


def _upload(connection: Connection, run_id: str, place: str, files: Mapping[str, Path]) -> None:
    """Send files of a run by their paths, together where that is possible; `place` is the address of its artifacts."""
    sent = send_together(connection, run_id, files) if scheme_of(place) in _WITH_LOGIN else set()
    for path, file in files.items():
        if path not in sent:
            with connection.waiting():
                upload_file(place, posixpath.dirname(path), file, connection.location.uri)


def keep_model(connection: Connection, model: LoggedModel, source: Path) -> None:
    """Copies what is in a folder to where a model's artifacts lie."""
    root = local_path(model.artifact_location)
    if root is None:
        _refuse_strangers(connection, model.artifact_location)
        with connection.waiting():
            connection.client.log_model_artifacts(model.model_id, str(source))
        return
    for file in _files_in(source):
        path = root / file.relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        whole_files.write(path, file.read_bytes())


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def clear(root: str) -> None:
    """Delete half-written files that a kill left among the artifacts under `root`, if these are files."""
    folder = local_path(root)
    if folder is not None:
        for one in (folder, *folder.glob("*/"), *folder.glob("packs/*/")):
            whole_files.clear(one)


def read_table(
    connection: Connection, root: str, path: str, columns: Sequence[str] | None = None, coded: bool = False
) -> pyarrow.Table | None:
    """The Parquet artifact `path` under a run's artifact URI `root` as a pyarrow table; None if it is missing.

    `coded` texts are numbers of a dictionary, as the file has them: of millions of rows none is spelt out.

    Raises Broken if it is damaged: the pages of a Parquet file have checksums, and its footer has a digest.
    """
    import pyarrow
    import pyarrow.parquet as parquet

    with _fetched(connection, root, path) as file:
        if file is None:
            return None
        try:
            with file.open("rb") as source:
                content = parquet.ParquetFile(source, page_checksum_verification=True, memory_map=False)
                _check_footer(content.schema_arrow, content.metadata.num_rows)
                if coded:
                    texts = [field.name for field in content.schema_arrow if pyarrow.types.is_string(field.type)]
                    content = parquet.ParquetFile(
                        source,
                        metadata=content.metadata,
                        read_dictionary=texts,
                        page_checksum_verification=True,
                        memory_map=False,
                    )
                return content.read(columns and list(columns))
        except Exception as error:  # a damaged file makes pyarrow raise errors of many types
            raise Broken(path, error) from error


def read_text(connection: Connection, root: str, path: str) -> str | None:
    """The text artifact `path` under a run's artifact URI `root`; None if it is missing. Raises Broken."""
    with _fetched(connection, root, path) as file:
        try:
            return None if file is None else file.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise Broken(path, error) from error


def fetch(connection: Connection, root: str, path: str, scratch: str) -> Path:
    """A file, or a folder, of artifacts: itself where it is on this machine, else a copy in the folder `scratch`."""
    folder = local_path(root)
    if folder is None:
        _refuse_strangers(connection, root)
    found = folder / path if folder is not None else _download(connection, root, path, scratch)
    if found is None:
        raise Broken(path, FileNotFoundError("it is gone"))
    return found


def listing(connection: Connection, root: str, path: str) -> list[str]:
    """The names inside the folder `path`, none if it is not there. Raises Broken."""
    with _as_broken(connection, path):
        _refuse_strangers(connection, root)
        return _listed(connection, root, path)


def entries(connection: Connection, address: str) -> list[FileInfo]:
    """The files and folders in a folder of artifacts, by its address; none if it is not there."""
    from mlflow.artifacts import list_artifacts

    with connection.waiting():
        return list(list_artifacts(artifact_uri=address, tracking_uri=connection.location.uri))


def _listed(connection: Connection, root: str, path: str) -> list[str]:
    if (root, path) in connection.names_ahead:
        return connection.names_ahead[root, path]
    return sorted(posixpath.basename(one.path) for one in entries(connection, posixpath.join(root, path)))


def _write(file: Path, content: str | pyarrow.Table) -> None:
    import pyarrow.parquet as parquet

    if isinstance(content, str):
        file.write_bytes(content.encode("utf-8", "replace"))
    else:
        digest = _footer_digest(content.schema, content.num_rows)
        signed = content.replace_schema_metadata({**(content.schema.metadata or {}), _FOOTER: digest})
        parquet.write_table(signed, file, compression="zstd", write_page_checksum=True)


def _footer_digest(schema: pyarrow.Schema, rows: int) -> bytes:
    """The digest of what a footer says. Parquet has checksums of pages, but none of the names and types of columns."""
    columns = [[field.name, str(field.type)] for field in schema]
    noted = {str(key): str(value) for key, value in (schema.metadata or {}).items() if key not in _NOT_SIGNED}
    return sha256(json.dumps([columns, rows, noted], sort_keys=True).encode()).hexdigest().encode()


def _check_footer(schema: pyarrow.Schema, rows: int) -> None:
    """Raise ValueError if a footer was changed. Files of earlier versions have no digest, and pass."""
    written = (schema.metadata or {}).get(_FOOTER)
    if written is not None and written != _footer_digest(schema, rows):
        raise ValueError("its footer was changed")


@contextmanager
def _fetched(connection: Connection, root: str, path: str) -> Iterator[Path | None]:
    """The file itself if artifacts are local (MLflow would copy it), or were fetched ahead, else a download that is
    deleted at the end.
    """
    if (root, path) in connection.files_ahead:
        yield connection.files_ahead[root, path]
        return
    folder = local_path(root)
    if folder is not None:
        with _as_broken(connection, path):
            there = (folder / path).is_file()
        yield folder / path if there else None
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield download(connection, root, path, scratch)


def download(connection: Connection, root: str, path: str, scratch: str) -> Path | None:
    """A copy of an artifact that is no file of this machine, in the folder `scratch`; None if it is missing."""
    with _as_broken(connection, path):
        _refuse_strangers(connection, root)
        return _download_file(connection, root, path, scratch)


@contextmanager
def _as_broken(connection: Connection, path: str) -> Iterator[None]:
    """Whatever an address in a database leads MLflow to raise, as Broken; a server's own errors stay what they are."""
    try:
        yield
    except Exception as error:
        if connection.location.file is None:
            raise
        raise Broken(path, error) from error


def _refuse_strangers(connection: Connection, root: str) -> None:
    """Raise BadInput if a database leads to a web server: MLflow would log in there with what the environment holds,
    and whoever made the database chose the server.
    """
    if connection.location.file is not None and scheme_of(root) in _WITH_LOGIN:
        raise BadInput(f"a database that is a file names {redacted(root):.200} for artifacts; allowed: no web server")


def _download_file(connection: Connection, root: str, path: str, scratch: str) -> Path | None:
    """The same as `_download` for what is a file if it is there: one request, where MLflow makes two."""
    target = Path(scratch) / posixpath.basename(path)
    try:
        with connection.waiting():
            download_file(root, path, target, connection.location.uri)
    except Exception as error:  # each kind of artifact store raises another error, for a missing file too
        missing = says_missing(error) or target.name not in _listed(connection, root, posixpath.dirname(path))
        return None if missing else _download(connection, root, path, scratch)
    return target


def _download(connection: Connection, root: str, path: str, scratch: str) -> Path | None:
    """The downloaded file, in the folder `scratch`; None if the artifact is missing."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        with connection.waiting():
            return Path(
                download_artifacts(
                    artifact_uri=f"{root}/{path}", tracking_uri=connection.location.uri, dst_path=scratch
                )
            )
    except (MlflowException, OSError):
        # Each kind of artifact store raises another error for a missing file, so look whether it is listed.
        name = posixpath.basename(path)
        if name in _listed(connection, root, posixpath.dirname(path)):
            raise
        return None
