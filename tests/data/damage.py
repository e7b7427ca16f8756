"""Random damage to sound files, drawn by a seed: flipped bits, cuts, splices, edited headers, odd archives."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import numpy as np

EXAMPLES = 12
HEADER_WORDS = (
    "'<f8'", "'>f4'", "'>i2'", "'|u1'", "'|b1'", "'O'", "'|V8'", "'<U0'", "'<U9'", "'<M8[s]'", "'<c16'", "'<f16'",
    "[('a', '<f4'), ('b', '|O')]", "('<f4', (3,))", "True", "False", "None", "0", "-1", "1e400", "10**12", "9" * 400,
    "(12,)", "(12, 3)", "(12, -3)", "(0, 3)", "(12, 0)", "()", "(4294967296, 4294967296, 12)", "(0, 9" + "9" * 30 + ")",
    "(1L,)", "(" * 300, "{" * 300, "[" * 90, ")", "'", '"""', "\\", "#", "\n", "\x00", "\xff", ";", "lambda: 0", ":",
    ",", "'descr'", "'shape'", "'fortran_order'", "'more': 1,", "-" * 500, "\\N{", "b'\\777'",
)  # fmt: skip
Random = np.random.Generator


def npz(random: Random) -> bytes:
    """A sound .npz file, or one whose archive or headers are odd."""
    arrays: dict[str, np.ndarray] = {"inputs": random.normal(size=(EXAMPLES, 3)), "targets": np.arange(EXAMPLES) % 3}
    if random.random() < 0.3:
        arrays["inputs"] = random.integers(0, 256, (EXAMPLES, 2, 2), dtype=np.uint8)
    if random.random() < 0.3:
        arrays |= {f"test_{key}": array[:4] for key, array in arrays.items()}
    if random.random() < 0.3:
        arrays["inputs"] = np.asfortranarray(arrays["inputs"])
    members = {f"{key}.npy": _npy(array) for key, array in arrays.items()}
    if random.random() < 0.5:
        odd = str(random.choice(list(members)))
        members[odd] = _with_an_edited_header(random, members[odd])
    file, packing = io.BytesIO(), (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[int(random.integers(2))]
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in members.items():
            with archive.open(name, "w", force_zip64=bool(random.random() < 0.2)) as member:
                member.write(content)
    return file.getvalue()


def images(random: Random) -> bytes:
    """An IDX file of images, sound or with an edited header."""
    return _idx(random, np.arange(EXAMPLES * 6, dtype=np.uint8).reshape(EXAMPLES, 3, 2))


def gzipped_images(random: Random) -> bytes:
    """The same, packed."""
    return gzip.compress(images(random), mtime=0)


def damaged(random: Random, content: bytes) -> bytes:
    """The content with up to three damages; with none now and then."""
    for _ in range(int(random.integers(0, 4))):
        content = DAMAGES[int(random.integers(len(DAMAGES)))](random, content)
    return content


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _with_an_edited_header(random: Random, content: bytes) -> bytes:
    """An .npy file in whose header words were put in, cut or replaced; its length is right, or is not."""
    length = int.from_bytes(content[8:10], "little")
    text, values = content[10 : 10 + length].decode("latin1"), content[10 + length :]
    for _ in range(int(random.integers(1, 4))):
        start = int(random.integers(len(text)))
        word = HEADER_WORDS[int(random.integers(len(HEADER_WORDS)))]
        text = text[:start] + word + text[start + int(random.integers(0, 12)) :]
    if random.random() < 0.3:
        descr, order, shape = (HEADER_WORDS[int(random.integers(len(HEADER_WORDS)))] for _ in range(3))
        text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}\n"
    header = text.encode("latin1")
    told = len(header) if random.random() < 0.8 else int(random.integers(0, 1 << 16))
    version = bytes([int(random.choice([1, 1, 1, 1, 2, 3, 9])), 0])
    size = told.to_bytes(2 if version[0] == 1 else 4, "little")
    return content[:6] + version + size + header + values


def _idx(random: Random, array: np.ndarray) -> bytes:
    sizes = list(array.shape)
    if random.random() < 0.4:
        sizes[int(random.integers(len(sizes)))] = int(random.choice([0, 1, 2**16, 2**31, 2**32 - 1]))
    return bytes([0, 0, 8, array.ndim]) + np.array(sizes, ">u4").tobytes() + array.tobytes()


def _flip_bits(random: Random, content: bytes) -> bytes:
    harmed = bytearray(content)
    for place in random.integers(0, max(1, len(content)), int(random.integers(1, 9))):
        if place < len(harmed):
            harmed[place] ^= 1 << int(random.integers(8))
    return bytes(harmed)


def _truncate(random: Random, content: bytes) -> bytes:
    return content[: int(random.integers(len(content) + 1))]


def _splice(random: Random, content: bytes) -> bytes:
    """A stretch is left out, and another one, or noise, is put in elsewhere."""
    start, end, place = sorted(int(at) for at in random.integers(0, len(content) + 1, 3))
    stretch = content[start:end] if random.random() < 0.5 else random.bytes(int(random.integers(0, 40)))
    without = content if random.random() < 0.5 else content[:start] + content[end:]
    return without[:place] + stretch + without[place:]


def _overwrite(random: Random, content: bytes) -> bytes:
    """A number of an archive's directory, or of a header, becomes an extreme one: most of these stand at the ends."""
    near = int(random.integers(0, 120))
    place = max(0, len(content) - near) if random.random() < 0.6 else min(near, len(content))
    number = [
        b"\xff" * 8,
        b"\xff" * 4,
        bytes(4),
        b"\xff\xff\xff\x7f",
        b"\x01\x00",
        b"PK\x06\x06",
        b"PK\x01\x02",
        b"\x0e",
    ]
    piece = number[int(random.integers(len(number)))]
    return content[:place] + piece + content[place + len(piece) :]


DAMAGES: tuple[Callable[[Random, bytes], bytes], ...] = (_flip_bits, _truncate, _splice, _overwrite)
