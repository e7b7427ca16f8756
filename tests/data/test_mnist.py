"""MNIST and Fashion-MNIST: found in a folder or downloaded, and never taken for something they are not."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from workbench import places
from workbench.data import describe, digest, load, mnist
from workbench.data.mnist import COLLECTIONS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Collection
from workbench.engine.errors import BadInput

NOWHERE = "http://127.0.0.1:9/nothing"  # the discard port: connections are refused at once


def encode(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def small_files(start: int) -> dict[str, bytes]:
    """Six training and four test images of 2 x 2 pixels."""
    pixels = np.arange(start, start + 40).reshape(10, 2, 2)
    return {
        TRAIN_IMAGES: encode(pixels[:6]),
        TRAIN_LABELS: encode(np.arange(6)),
        TEST_IMAGES: encode(pixels[6:]),
        TEST_LABELS: encode(np.arange(4)),
    }


SMALL = {"mnist": small_files(0), "fashion_mnist": small_files(100)}


@pytest.fixture
def small(monkeypatch) -> dict[str, bytes]:
    """Both collections are small ones that no mirror offers; returns mnist's files."""
    monkeypatch.delenv(mnist.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    for name, files in SMALL.items():
        contents = {file: hashlib.md5(content).hexdigest() for file, content in files.items()}
        monkeypatch.setitem(COLLECTIONS, name, Collection(contents, (NOWHERE,), COLLECTIONS[name].folders))
    return SMALL["mnist"]


def offer(monkeypatch, *mirrors: str) -> None:
    monkeypatch.setitem(COLLECTIONS, "mnist", replace(COLLECTIONS["mnist"], mirrors=mirrors))


def put(folder: Path, files: dict[str, bytes], packed: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / (f"{file}.gz" if packed else file)).write_bytes(gzip.compress(content) if packed else content)
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator:
    """Serves a folder on this machine; returns its address."""
    servers = []

    def start(folder: Path) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


# Found in a folder


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("inside", ["", "mnist"])
def test_files_are_read_packed_or_plain_from_the_folder_or_its_own_subfolder(settings, small, tmp_path, packed, inside):
    put(tmp_path / inside, small, packed)
    dataset = load(settings("mnist", dir=str(tmp_path)))
    np.testing.assert_array_equal(dataset.inputs, np.arange(40, dtype=np.uint8).reshape(10, 4))
    np.testing.assert_array_equal(dataset.targets, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3])
    assert (dataset.inputs.dtype, dataset.targets.dtype, dataset.test_size) == (np.uint8, np.int64, 4)


CUSTOMARY = {
    "dots": "{dots}",
    "dots, packed": "{dots}.gz",
    "a folder each": "{file}/{file}",
    "a folder each, dots": "{dots}/{dots}",
    "torchvision's": "MNIST/raw/{file}",
    "torchvision's, packed": "MNIST/raw/{file}.gz",
}


@pytest.mark.parametrize("kind", CUSTOMARY)
def test_files_are_found_by_whatever_name_is_customary_and_not_downloaded_anew(settings, small, tmp_path, kind):
    for file, content in small.items():
        path = tmp_path / CUSTOMARY[kind].format(file=file, dots=file.replace("-idx", ".idx"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    assert load(settings("mnist", dir=str(tmp_path))).test_size == 4


def test_the_environment_names_the_folder(settings, small, tmp_path, monkeypatch):
    monkeypatch.setenv(mnist.FOLDER_VARIABLE, str(put(tmp_path, small)))
    assert load(settings("mnist")).test_size == 4


def test_the_setting_goes_before_the_environment(settings, small, tmp_path, monkeypatch):
    monkeypatch.setenv(mnist.FOLDER_VARIABLE, str(tmp_path / "nothing"))
    assert load(settings("mnist", dir=str(put(tmp_path / "here", small)))).test_size == 4


@pytest.mark.usefixtures("small")
def test_both_collections_live_side_by_side(settings, tmp_path):
    for name, files in SMALL.items():
        put(tmp_path / name, files)
    first, second = (load(settings(name, dir=str(tmp_path))) for name in SMALL)
    assert first.inputs[0, 0] == 0
    assert second.inputs[0, 0] == 100
    assert first.digest != second.digest


@pytest.mark.usefixtures("small")
def test_a_file_in_place_of_the_folder(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"^data\.dir or WORKBENCH_DATA: .*file is not a folder"):
        load(settings("mnist", dir=str(tmp_path / "file")))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("folder", ["~nobody-of-that-name/data", "x" * 5000, "a\0b"])
def test_a_folder_that_can_be_none(settings, folder):
    with pytest.raises(BadInput, match=r"^data\.dir or WORKBENCH_DATA: ") as raised:
        load(settings("mnist", dir=folder))
    assert str(raised.value).isprintable()


# Files that are not what they should be


def test_images_in_the_place_of_labels(settings, small, tmp_path):
    put(tmp_path, small | {TRAIN_LABELS: small[TRAIN_IMAGES]})
    with pytest.raises(BadInput, match=f"{TRAIN_LABELS}.gz: it holds images"):
        load(settings("mnist", dir=str(tmp_path)))


def test_a_file_that_promises_more_than_any_of_mnist_holds(settings, small, tmp_path):
    promise = bytes([0, 0, 8, 3]) + np.array([2**32 - 1, 28, 28], ">u4").tobytes()
    put(tmp_path, small | {TRAIN_IMAGES: promise})
    with pytest.raises(BadInput, match=f"{TRAIN_IMAGES}.gz: its header promises 3367254359296 bytes; allowed are at"):
        load(settings("mnist", dir=str(tmp_path)))


def test_labels_of_the_other_part(settings, small, tmp_path):
    put(tmp_path, small | {TRAIN_LABELS: small[TEST_LABELS]})
    with pytest.raises(BadInput, match=f"{TRAIN_LABELS}.gz: found 4 labels, but .*{TRAIN_IMAGES}.gz holds 6 images"):
        load(settings("mnist", dir=str(tmp_path)))


def test_sound_files_of_other_content(settings, small, tmp_path):
    put(tmp_path, small | {TEST_IMAGES: encode(np.zeros((4, 2, 2)))})
    with pytest.raises(BadInput, match=f"its content is not mnist's {TEST_IMAGES} but something else .*expected"):
        load(settings("mnist", dir=str(tmp_path)))


def test_one_collection_in_the_place_of_the_other_is_recognised(settings, small, tmp_path):
    put(tmp_path, small)
    with pytest.raises(BadInput, match=f"not fashion_mnist's {TRAIN_IMAGES} but mnist's {TRAIN_IMAGES} .*data.dir"):
        load(settings("fashion_mnist", dir=str(tmp_path)))


# Downloading


def test_missing_files_are_downloaded_once(settings, small, tmp_path, monkeypatch, serve):
    mirror = put(tmp_path / "mirror", small)
    offer(monkeypatch, serve(mirror))
    here = tmp_path / "here"
    first = load(settings("mnist", dir=str(here)))
    assert sorted(path.name for path in (here / "mnist").iterdir()) == sorted(f"{file}.gz" for file in small)
    offer(monkeypatch, NOWHERE)
    second = load(settings("mnist", dir=str(here)))
    np.testing.assert_array_equal(first.inputs, second.inputs)


def test_only_what_is_missing_is_downloaded(settings, small, tmp_path, monkeypatch, serve):
    labels = {file: small[file] for file in (TRAIN_LABELS, TEST_LABELS)}
    images = {file: small[file] for file in (TRAIN_IMAGES, TEST_IMAGES)}
    offer(monkeypatch, serve(put(tmp_path / "mirror", images)))
    assert load(settings("mnist", dir=str(put(tmp_path / "here", labels)))).test_size == 4


def test_the_cache_is_the_last_place_looked_at(settings, small, tmp_path, monkeypatch):
    put(tmp_path / "mnist", small)
    monkeypatch.setattr(places, "cache", lambda: tmp_path)
    assert load(settings("mnist")).test_size == 4


def test_a_mirror_that_fails_or_lies_is_passed_over(settings, small, tmp_path, monkeypatch, serve):
    empty, wrong = tmp_path / "empty", tmp_path / "wrong"
    empty.mkdir()
    put(wrong, SMALL["fashion_mnist"])
    broken = put(tmp_path / "broken", small)
    for path in broken.iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    right = put(tmp_path / "right", small)
    offer(monkeypatch, NOWHERE, *(serve(folder) for folder in (empty, wrong, broken, right)))
    dataset = load(settings("mnist", dir=str(tmp_path / "here")))
    assert dataset.inputs[0, 0] == 0


def test_without_any_mirror_the_error_says_where_to_put_which_files(settings, small, tmp_path):
    with pytest.raises(BadInput) as raised:
        load(settings("mnist", dir=str(tmp_path / "here")))
    message = str(raised.value)
    assert "\n" not in message
    assert f"put {', '.join(f'{file}.gz' for file in small)} into {tmp_path / 'here' / 'mnist'}" in message
    assert f"{NOWHERE}/{TRAIN_IMAGES}.gz: ConnectionError" in message
    assert list((tmp_path / "here" / "mnist").iterdir()) == []


@pytest.mark.usefixtures("small")
def test_a_mirror_that_does_not_answer_is_given_up(settings, tmp_path, monkeypatch):
    import pooch
    import requests

    def silent(self, address, *_) -> None:
        assert self.kwargs["timeout"] == (10, 60)
        raise requests.exceptions.ConnectTimeout(address)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", silent)
    with pytest.raises(BadInput, match=r"cannot be downloaded; put .*ConnectTimeout"):
        load(settings("mnist", dir=str(tmp_path)))


@pytest.mark.usefixtures("small")
def test_a_folder_that_cannot_be_made_is_named(settings, tmp_path):
    (tmp_path / "mnist").write_text("in the way")
    with pytest.raises(BadInput, match=r"mnist: cannot be written to .*so train-images-idx3-ubyte.gz cannot"):
        load(settings("mnist", dir=str(tmp_path)))


def test_planning_neither_reads_nor_downloads(settings, tmp_path, monkeypatch):
    import pooch

    monkeypatch.delattr(pooch.HTTPDownloader, "__call__")
    for name in COLLECTIONS:
        chosen = settings(name, dir=str(tmp_path / "nothing"))
        assert len(digest(chosen)) == 16
        assert describe(chosen).pool == 60000
    assert not (tmp_path / "nothing").exists()


def test_pinned_digests_never_change_by_accident(settings):
    assert digest(settings("mnist")) == "88040df0a2b03ee0"
    assert digest(settings("fashion_mnist")) != digest(settings("mnist"))


# The real files


def test_real_mnist_is_what_its_facts_say(settings, mnist_folder):
    dataset = load(settings("mnist", dir=str(mnist_folder)))
    assert dataset.facts == describe(settings("mnist"))
    assert dataset.digest == digest(settings("mnist"))
    assert (dataset.inputs.dtype, dataset.largest, dataset.inputs.max()) == (np.uint8, 255.0, 255)
    np.testing.assert_array_equal(np.bincount(dataset.targets[-10000:])[:3], [980, 1135, 1032])


def test_real_mnist_is_downloaded_from_a_mirror(settings, mnist_folder, tmp_path, monkeypatch, serve):
    monkeypatch.setenv("NO_PROXY", "*")
    if not all((mnist_folder / f"{file}.gz").is_file() for file in COLLECTIONS["mnist"].contents):
        pytest.skip("a mirror offers packed files: this runs where the folder holds .gz files")
    offer(monkeypatch, NOWHERE, serve(mnist_folder))
    dataset = load(settings("mnist", dir=str(tmp_path)))
    assert dataset.facts == describe(settings("mnist"))
    assert len(list((tmp_path / "mnist").iterdir())) == 4
