"""MNIST and Fashion-MNIST: four IDX files each, found in a folder or downloaded.

A file is identified by the MD5 of its unpacked bytes. The same content is distributed plain and in several
compressions, and a run's numbers depend only on the content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench import places
from workbench.data import idx
from workbench.data.dataset import Dataset, Facts, Known, Settings, Source, expanded, require, text_digest
from workbench.data.download import NoMirrorError, download
from workbench.engine.errors import BadInput

FOLDER_VARIABLE = "WORKBENCH_DATA"
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
MNIST_FACTS = Facts(examples=70000, features=784, classes=10, outputs=10, test_size=10000, image=(28, 28, 1))
LARGEST_BYTES = 16 + 60000 * 784  # of a file, unpacked: the training images and their header


@dataclass(frozen=True)
class Collection:
    """Four IDX files: the MD5 of the unpacked bytes of each, and the folders on the web that offer them gzipped.

    `folders` are the subfolders of the data folder that may hold them, in the order in which they are searched.
    """

    contents: dict[str, str]
    mirrors: Sequence[str]
    folders: Sequence[str]


COLLECTIONS = {
    "mnist": Collection(
        contents={
            TRAIN_IMAGES: "6bbc9ace898e44ae57da46a324031adb",
            TRAIN_LABELS: "a25bea736e30d166cdddb491f175f624",
            TEST_IMAGES: "2646ac647ad5339dbf082846283269ea",
            TEST_LABELS: "27ae3e4e09519cfbb04c329615203637",
        },
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
        folders=("mnist", "", "MNIST/raw"),  # the last one is torchvision's
    ),
    "fashion_mnist": Collection(
        contents={
            TRAIN_IMAGES: "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            TRAIN_LABELS: "9018921c3c673c538a1fc5bad174d6f9",
            TEST_IMAGES: "8181f5470baa50b63fa0f6fddb340f0a",
            TEST_LABELS: "15d484375f8d13e6eb1aabb0c3f46965",
        },
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ),
        folders=("fashion_mnist", "", "fashion-mnist", "FashionMNIST/raw"),
    ),
}


def load(settings: Settings) -> Dataset:
    """The 60,000 training and the last 10,000 test images, (70000, 784) uint8, with their labels.

    Each of the four files is looked for, gzipped or plain, in FOLDER/NAME and in FOLDER itself, by any of its customary
    names (see `_find`), and is otherwise downloaded into FOLDER/NAME. FOLDER is data.dir, else the environment's
    WORKBENCH_DATA, else a cache folder.
    Raises BadInput if a file is missing and cannot be downloaded, is broken, or holds something else.
    """
    paths = _find_or_download(settings)
    train, train_labels = _read_pair(settings.name, paths, TRAIN_IMAGES, TRAIN_LABELS)
    test, test_labels = _read_pair(settings.name, paths, TEST_IMAGES, TEST_LABELS)
    inputs = np.concatenate([train, test]).reshape(len(train) + len(test), -1)
    labels = np.concatenate([train_labels, test_labels]).astype(np.int64)
    digest = _digest(settings.name)
    return Dataset(settings.name, inputs, labels, MNIST_FACTS.classes, len(test), 255.0, digest, MNIST_FACTS.image)


def known(settings: Settings) -> Known:
    """What is known without loading. The digest is that of the four pinned contents, which `load` checks."""
    return Known(_digest(settings.name), MNIST_FACTS)


def _digest(name: str) -> str:
    return text_digest(" ".join(COLLECTIONS[name].contents.values()))


def _find_or_download(settings: Settings) -> dict[str, Path]:
    """The paths of the four files, after downloading them if necessary."""
    folder, name = _folder(settings), settings.name
    places = [folder / place for place in COLLECTIONS[name].folders]
    try:
        require(folder.is_dir() or not folder.exists(), f"data.dir or {FOLDER_VARIABLE}: {folder} is not a folder")
        found = {file: _find(file, places) for file in COLLECTIONS[name].contents}
    except OSError as error:
        raise BadInput(f"data.dir or {FOLDER_VARIABLE}: {folder} cannot be looked into ({error.strerror})") from None
    return {file: path or _download(name, file, folder / name) for file, path in found.items()}


def _folder(settings: Settings) -> Path:
    folder = settings.dir or os.environ.get(FOLDER_VARIABLE)
    if folder:
        return expanded(f"data.dir or {FOLDER_VARIABLE}", folder)
    kept = places.cache()
    require(kept is not None, f"data.dir: there is no home folder to keep downloads in; give it, or {FOLDER_VARIABLE}")
    assert kept is not None
    return kept


def _find(file: str, folders: Sequence[Path]) -> Path | None:
    """The path of a file named `train-images-idx3-ubyte` or `train-images.idx3-ubyte`, with or without ".gz", or of a
    file in a folder of such a name, as some archives make.
    """
    names = [f"{stem}{suffix}" for stem in (file, file.replace("-idx", ".idx")) for suffix in (".gz", "")]
    candidates = [folder / name for folder in folders for name in (*names, *(f"{name}/{name}" for name in names))]
    return next((path for path in candidates if path.is_file()), None)


def _download(name: str, file: str, folder: Path) -> Path:
    def accept(path: Path, address: str) -> None:
        content = idx.read(path, _dimensions(file), LARGEST_BYTES, address)
        _check_content(name, file, content, address)

    try:
        return download(f"{file}.gz", COLLECTIONS[name].mirrors, folder, accept)
    except NoMirrorError as error:
        files = ", ".join(f"{file}.gz" for file in COLLECTIONS[name].contents)
        raise BadInput(
            f"data.name={name}: {file} is not in {folder} and cannot be downloaded; put {files} into {folder} ({error})"
        ) from None


def _read_pair(name: str, paths: dict[str, Path], images: str, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, rows, columns) uint8 and labels (n,) uint8, whose counts agree and whose content is the pinned one."""
    contents = {file: idx.read(paths[file], _dimensions(file), LARGEST_BYTES) for file in (images, labels)}
    arrays = {file: idx.decode(content, paths[file], _dimensions(file)) for file, content in contents.items()}
    require(
        len(arrays[images]) == len(arrays[labels]),
        f"{paths[labels]}: found {len(arrays[labels])} labels, but {paths[images]} holds {len(arrays[images])} images",
    )
    for file, content in contents.items():
        _check_content(name, file, content, paths[file])
    return arrays[images], arrays[labels]


def _dimensions(file: str) -> int:
    return 1 if file in (TRAIN_LABELS, TEST_LABELS) else 3


def _check_content(name: str, file: str, content: bytes, origin: Path | str) -> None:
    """Raise BadInput unless the content is the pinned one. The message names the content if it is a known one."""
    found, expected = hashlib.md5(content, usedforsecurity=False).hexdigest(), COLLECTIONS[name].contents[file]
    if found == expected:
        return
    known = (
        f"{other}'s {its_file}"
        for other, collection in COLLECTIONS.items()
        for its_file, pinned in collection.contents.items()
        if pinned == found
    )
    raise BadInput(
        f"{origin}: its content is not {name}'s {file} but {next(known, 'something else')} "
        f"(MD5 of the unpacked bytes {found}, expected {expected})"
        f"{'; give another data.dir to have it downloaded there' if isinstance(origin, Path) else ''}"
    )


MNIST_LIKE = {
    "mnist": Source(
        "70000 handwritten digits of 28 x 28 pixels, ten classes, the last 10000 for testing; data.dir or downloaded",
        load,
        known,
        reads=("dir",),
    ),
    "fashion_mnist": Source(
        "70000 articles of clothing of 28 x 28 pixels, ten classes, the last 10000 for testing; data.dir or downloaded",
        load,
        known,
        reads=("dir",),
    ),
}
