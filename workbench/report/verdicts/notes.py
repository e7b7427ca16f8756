"""The notes' claims as one list: their sections, their ids, and the family that Holm's correction runs over.

The family is every paired test of the list, on whatever page it stands; another setting is a test of its own.
It is fixed here, once: to change it is to change every rule of it, and their digests with it. The claims on
convolutional networks, which the notes name and do not go into, came later: they are a list and a family of their own,
so that the rules fixed before stay what they are.
"""

from __future__ import annotations

NOTES_SECTIONS = {
    "A": "The model",
    "B": "The loss and backpropagation",
    "C": "Doing badly on the training data",
    "D": "Doing badly on the testing data",
}
_COUNTS = {"A": 5, "B": 7, "C": 22, "D": 12}
IDS = tuple(f"{letter}{number}" for letter, count in _COUNTS.items() for number in range(1, count + 1))
PAIRED_TESTS = {  # claim -> how many paired tests may decide it, a variation counted as one of its own
    "A3": 6,  # on a CPU and on a GPU; a narrow layer, a single example
    "A4": 2,  # over raw pixels and over the untrained net
    "B1": 4,  # an equal rate; another one, more epochs, the best rate of each
    "B3": 2,  # the backward pass, and finite differences
    "C2": 2,  # the tree and the nearest neighbour
    "C3": 1,
    "C4": 4,  # fan-in weights under plain descent; other weights, another optimizer, both
    "C5": 2,  # dL/dz and dL/dW
    "C6": 1,
    "C7": 2,  # the shrinking undone, and brought in
    "C8": 3,  # given time; briefly, from other weights
    "C9": 2,  # the function, and a whole step
    "C11": 1,
    "C12": 6,  # dead units and the fit, leaky and parametric; a lower and a higher rate
    "C13": 1,
    "C14": 1,
    "C18": 1,
    "D1": 2,  # a net that overfits its noisy labels, and clean ones
    "D3": 6,  # L1 and L2; two other matching points, two other strengths
    "D7": 2,  # share near zero and largest weight
    "D8": 3,  # loss with masks on, in evaluation mode, and there on clean labels
    "D9": 4,  # a wide net that overfits; clean labels, a narrow net, fewer examples
    "D11": 5,  # inputs beside hidden units; a short budget, a fifth of the inputs, inputs alone, the best epoch
    "D12": 3,  # dropout and L2; a fifth dropped
}
FAMILY = sum(PAIRED_TESTS.values())
IMAGES_PAIRED_TESTS = {
    "A6": 2,  # over the dense network, and by more than with permuted pixels
    "A7": 1,
    "C4c": 3,  # accuracy and gradients in the notes' setting, accuracy in a tuned one
    "C8c": 2,  # the notes' setting and a tuned one
    "D9c": 4,  # units and channels, half of them dropped and a fifth
}
IMAGES_FAMILY = sum(IMAGES_PAIRED_TESTS.values())


def place(claim: str) -> tuple[str, int, str]:
    """The sort key of claims: section and number. Those on convolutional networks follow, in the order of their list;
    ids of another list come last, by name.
    """
    letter, number = claim[:1], claim[1:]
    if (name := claim.partition("-")[0]) in IMAGES_PAIRED_TESTS:
        return ("E", list(IMAGES_PAIRED_TESTS).index(name), claim)
    return (letter, int(number), "") if letter in NOTES_SECTIONS and number.isdigit() else ("~", 0, claim)


def section(claim: str) -> str:
    """The title of a claim's section; "" for an id of another list."""
    return NOTES_SECTIONS[claim[0]] if claim in IDS else ""
