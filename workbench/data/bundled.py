"""The small datasets that come with scikit-learn: digits, breast_cancer, diabetes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.data.dataset import Dataset, Facts, Known, Settings, Source, content_digest, largest_magnitude
from workbench.engine.errors import BadInput

# Digests of the decoded arrays (inputs, targets): what is trained on is this very content, or loading fails.
DIGESTS = {
    "digits": "9412306fcce78e42",
    "breast_cancer": "d74d253234bd2f85",
    "diabetes": "6fc3407e4a3178cb",
}
DIGITS = (8, 8, 1)  # height, width and channels of an image


def _digits(_: Settings) -> Dataset:
    """Handwritten digits of 8 x 8 pixels with 17 grey levels, 0 to 16 (Alpaydin and Kaynak 1998)."""
    from sklearn.datasets import load_digits

    inputs, labels = load_digits(return_X_y=True)
    digits = _verified("digits", inputs.astype(np.uint8), labels.astype(np.int64), classes=10, largest=16.0)
    return replace(digits, image=DIGITS)


def _breast_cancer(_: Settings) -> Dataset:
    """Thirty measurements of cell nuclei, benign or malignant (Wolberg, Street and Mangasarian 1995)."""
    from sklearn.datasets import load_breast_cancer

    inputs, labels = load_breast_cancer(return_X_y=True)
    inputs = inputs.astype(np.float32)
    return _verified("breast_cancer", inputs, labels.astype(np.int64), classes=2, largest=largest_magnitude(inputs))


def _diabetes(_: Settings) -> Dataset:
    """Progress of diabetes after a year from ten baseline variables (Efron, Hastie, Johnstone and Tibshirani 2004)."""
    from sklearn.datasets import load_diabetes

    # Unscaled: scikit-learn's scaled variant is computed on loading, and its last bits depend on the version.
    inputs, targets = load_diabetes(return_X_y=True, scaled=False)
    inputs = inputs.astype(np.float32)
    outputs = targets.astype(np.float64)[:, None]
    return _verified("diabetes", inputs, outputs, classes=0, largest=largest_magnitude(inputs))


def _verified(name: str, inputs: np.ndarray, targets: np.ndarray, classes: int, largest: float) -> Dataset:
    """The dataset, once its content is known to be the pinned one."""
    found = content_digest(inputs, targets)
    if found != DIGESTS[name]:
        import sklearn

        raise BadInput(
            f"data.name={name}: scikit-learn {sklearn.__version__} bundles other data under this name than the "
            f"pinned ones (digest {found}, expected {DIGESTS[name]}); install another version of scikit-learn"
        )
    return Dataset(name, inputs, targets, classes, None, largest, found)


BUNDLED = {
    "digits": Source(
        "1797 handwritten digits of 8 x 8 pixels, ten classes; bundled with scikit-learn",
        _digits,
        lambda _: Known(DIGESTS["digits"], Facts(examples=1797, features=64, classes=10, outputs=10, image=DIGITS)),
    ),
    "breast_cancer": Source(
        "569 tumours of 30 measurements, benign or malignant; bundled with scikit-learn",
        _breast_cancer,
        lambda _: Known(DIGESTS["breast_cancer"], Facts(examples=569, features=30, classes=2, outputs=2)),
    ),
    "diabetes": Source(
        "442 patients of 10 variables and the progress of their disease: regression; bundled with scikit-learn",
        _diabetes,
        lambda _: Known(DIGESTS["diabetes"], Facts(examples=442, features=10, classes=0, outputs=1)),
    ),
}
