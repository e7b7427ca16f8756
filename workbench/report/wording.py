"""Numbers, keys and values as a reader sees them. Only this file decides how they are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench import quantities
from workbench.report.language.texts import translated
from workbench.report.language.words import chinese_of, commas, counted, joined, say, word
from workbench.report.units_of_effects import LOGARITHMS, NAMES, UNITS, without_logarithm

SHORTEST_LABEL, LONGEST_NUMBER = 6, 17  # significant digits
DIGITS_OF_DATA = 7  # significant digits of numbers in the data beside a page
SPACE = "\u00a0"  # between a number and its unit
MINUS, FACTOR_SIGN = "\u2212", "\u00d7"
_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
_LOWERED = {raised: chr(written) for written, raised in _RAISED.items() if isinstance(raised, int)}
_EXPONENT = re.compile(r"([\d.]+)e([+-]?\d+)")
_TYPESET = re.compile(f"(?:([\\d.]+){FACTOR_SIGN}|(?<![\\w.]))10([{''.join(map(chr, _LOWERED))}]+)")
ANYTHING, A_SHARE, FROM_ZERO = (-math.inf, math.inf), (0.0, 1.0), (0.0, math.inf)  # ranges of metrics


@dataclass(frozen=True)
class Metric:
    """How a metric is named and written. `better` is +1 if more is better, -1 if less is, 0 if neither.

    `range` holds every value that it can have. `base` is that of the logarithm which the metric is, 0 if it is none:
    readers see the number itself, and a difference as a factor. `unit` is that of a difference.
    """

    key: str
    name: str
    note: str = ""
    percent: bool = False
    better: int = 0
    range: tuple[float, float] = ANYTHING
    base: float = 0.0
    unit: str = ""

    @property
    def noted(self) -> str:
        """The name in a sentence, with its note in brackets if it has one."""
        return say("metric.noted", name=self.name.lower(), note=self.note) if self.note else self.name.lower()

    @property
    def ends(self) -> tuple[str, str]:
        """How the two ends of a list of values are called, the one to be preferred first."""
        return (word("best"), word("worst")) if self.better else (word("highest"), word("lowest"))


_SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test"}
_EPOCH_WORDS = {"best": say("metric.at_best_epoch"), "last": say("metric.at_last_epoch")}


def _curve_metrics() -> dict[str, Metric]:
    table = {}
    for part, name in _SPLIT_WORDS.items():
        for kind, percent, better, span in (("accuracy", True, 1, A_SHARE), ("loss", False, -1, FROM_ZERO)):
            title = word(f"{name.capitalize()} {kind}")
            table[f"{part}_{kind}"] = Metric(f"{part}_{kind}", title, word("by epoch"), percent, better, span)
            for when, note in _EPOCH_WORDS.items():
                table[f"{when}_{part}_{kind}"] = Metric(f"{when}_{part}_{kind}", title, note, percent, better, span)
    return table


def _measured_metrics() -> dict[str, Metric]:
    """Metrics of measurements that are shares. Any other one is named by its key and written as a plain number."""
    probed = {"trained": "last hidden layer", "untrained": "last hidden layer, untrained", "inputs": "inputs"}
    rows = [
        Metric(f"linear_probe_{key}", word("Linear probe accuracy"), word(of), True, 1, A_SHARE)
        for key, of in probed.items()
    ]
    for form, name in (
        ("scaled", "scaled weights"),
        ("unscaled", "unscaled weights"),
        ("monte_carlo", "masks averaged"),
        ("geometric", "masks averaged geometrically"),
    ):
        rows.append(Metric(f"{form}_test_accuracy", word("Test accuracy"), word(name), True, 1, A_SHARE))
        rows.append(Metric(f"{form}_test_loss", word("Test loss"), word(name), better=-1, range=FROM_ZERO))
    for when, note in _EPOCH_WORDS.items():
        rows.append(Metric(f"{when}_calibration_error", word("Calibration error"), note, True, -1, A_SHARE))
    for key, name in (("tree", "unpruned tree"), ("nearest_neighbour", "one neighbour"), ("network", "network")):
        rows.append(Metric(f"{key}_gap", word("Training minus test accuracy"), word(name), True, range=(-1.0, 1.0)))
    shares = [
        ("test_accuracy_at_best_test_loss", "Test accuracy", "at the best test loss", 1, A_SHARE),
        ("confidence_gap", "Confidence minus accuracy", "of the answers on test data", 0, (-1.0, 1.0)),
        ("dead_units", "Dead units", "share of hidden units", 0, A_SHARE),
        ("weight_near_zero", "Weights under 0.01", "share of all weights", 0, A_SHARE),
        ("weight_exact_zero", "Weights exactly zero", "share of all weights", 0, A_SHARE),
    ]
    rows += [Metric(key, word(name), word(note), True, better, span) for key, name, note, better, span in shares]
    return {row.key: row for row in rows}


METRICS: dict[str, Metric] = (
    _curve_metrics()
    | _measured_metrics()
    | {
        "best_epoch": Metric("best_epoch", word("Best epoch"), word("by validation loss")),
        "seconds": Metric(
            "seconds",
            word("Seconds"),
            word("share of the pack's time, compilation included"),
            better=-1,
            range=FROM_ZERO,
        ),
    }
)


def metric(key: str) -> Metric:
    """The row of a metric; an unknown one is named by its key. Of an error and of a loss less is better."""
    if known := METRICS.get(key):
        return known
    less = -1 if key.endswith(("_error", "_loss")) else 0
    base = LOGARITHMS.get(key, 0.0)
    name = word(NAMES.get(key, "")) or translated(without_logarithm(key).replace("_", " ").capitalize())
    return Metric(key, name, better=less, base=base, unit=word(UNITS.get(key, "")))


def plain(value: float, key: str) -> float:
    """A value of the metric `key` as a reader sees it: of a logarithm the number itself."""
    base = metric(key).base
    if not base:
        return value
    try:
        return float(base**value)
    except OverflowError:
        return math.inf


def title(key: str) -> str:
    """The title of the axis for the metric `key`."""
    return say("metric.last_epoch", name=metric(key).name) if key.startswith("last_") else metric(key).name


def number(value: float, digits: int = 3) -> str:
    """`value` to `digits` significant digits. Trailing zeros are kept, and exponents are used only if needed."""
    if value is None or not math.isfinite(value):
        return "\u2013"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    as_it_is = -4 <= size < 6
    return typeset(f"{value:.{max(0, digits - 1 - size)}f}" if as_it_is else f"{value:.{digits - 1}e}")


def typeset(text: str) -> str:
    """A number as Python writes it, as a reader knows it: -0.5 with a minus sign, 1e-09 as 10\u207b\u2079, 2.5e+06 as
    2.5\u00d710\u2076.
    """
    return _EXPONENT.sub(_power, text).replace("-", MINUS)


def _power(exponent: re.Match[str]) -> str:
    mantissa = "" if exponent[1] == "1" else f"{exponent[1]}{FACTOR_SIGN}"
    return f"{mantissa}10{str(int(exponent[2])).translate(_RAISED)}"


def as_data(text: str) -> str:
    """A text with its numbers as a program reads them, without `typeset` and SPACE. `page.js` does the same."""
    plain_powers = _TYPESET.sub(lambda found: f"{found[1] or 1}e{found[2].translate(_LOWERED)}", text)
    return plain_powers.replace(MINUS, "-").replace(SPACE, " ")


def amount(value: float, key: str) -> str:
    """A value of the metric `key`: accuracies in percent."""
    if value is None or not math.isfinite(value):
        return "\u2013"
    return f"{100 * value:.1f}{SPACE}%" if metric(key).percent else number(plain(value, key))


def change(value: float, key: str, signed: bool = True) -> str:
    """A difference of two values of the metric `key`, with its unit and by default its sign: accuracies in percentage
    points, logarithms as the factor between the two.
    """
    if value is None or not math.isfinite(value):
        return "\u2013"
    return _with_unit(_change(value, key, signed), key)


def _with_unit(text: str, key: str) -> str:
    shown = metric(key)
    if shown.percent:
        return say("number.points", value=text)
    return say("number.with_unit", value=text, unit=shown.unit) if shown.unit else text


def _change(value: float, key: str, signed: bool) -> str:
    """A difference without its unit. In points, and of factors, it is that of the data beside the page, which has seven
    digits: else -0.0125 and -0.01250000000000002, which are one number there, would be written as -1.2 and -1.3.
    """
    if metric(key).base:
        factor = plain(float(f"{value:.{DIGITS_OF_DATA}g}"), key)
        return FACTOR_SIGN + number(float(f"{factor:.3g}"))
    sign = "+" if signed and value > 0 else ""
    if metric(key).percent:
        value = float(f"{value:.{DIGITS_OF_DATA}g}")
        text = f"{100 * value:.2f}" if abs(value) < 0.00995 else f"{100 * value:.1f}"
        return f"{sign}{text.replace('-', MINUS)}"
    return sign + number(value)


def margin(value: float, key: str) -> str:
    """A margin or tolerance on the metric `key`, as its rule states it: "5 pp", "0.02", "\u00d71.1"."""
    if metric(key).base:
        return FACTOR_SIGN + typeset(f"{plain(value, key):.4g}")
    return _with_unit(typeset(f"{100 * value:.6g}" if metric(key).percent else f"{value:.6g}"), key)


def between(low: float, high: float, key: str, signed: bool = True) -> str:
    """An interval of a difference: "+1.2 to +3.4 pp"; "" if there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return say("number.between", low=_change(low, key, signed), high=change(high, key, signed))


def span(low: float, high: float, key: str) -> str:
    """An interval of values of the metric `key`: "94.2 % to 95.0 %"; "" if there is none."""
    return say("number.between", low=amount(low, key), high=amount(high, key)) if math.isfinite(low) else ""


def probability(p: float) -> str:
    """A p value: two significant digits, never 0."""
    return "< 0.0001" if p < 0.0001 else number(p, 2)


def listing(items: Sequence[str], last: str = "and") -> str:
    """ "a, b and c" """
    items = list(items)
    if len(items) < 2:
        return items[0] if items else ""
    *first, end = items
    heads = joined(first, ", ", chinese_of(word(",")))
    return say(f"list.{last}", first=heads, last=end)


def plural(count: int, thing: str) -> str:
    """Like "1 run" or "432 runs"."""
    return counted(count, thing, lambda: quantities.counted(count, thing, SPACE))


def outcomes(counts: Mapping[str, int]) -> str:
    """Like "420 finished, 12 diverged"."""
    return commas([say("comparison.counts", count=count, outcome=word(name)) for name, count in counts.items()])


def duration(seconds: float) -> str:
    """Like "8.4 s", "3 min 5 s" or "2 h 10 min"."""
    return quantities.duration(seconds, SPACE)


def value(item: object) -> str:
    """A setting's value as one would type it. Equal values (0 and 0.0) have equal texts, different values different
    ones.
    """
    if item is None or (isinstance(item, float) and math.isnan(item)):
        return "null"
    if isinstance(item, bool):
        return "true" if item else "false"
    return repr(float(item)).removesuffix(".0") if isinstance(item, float) else str(item)


def labels(items: Sequence[object]) -> tuple[str, ...]:
    """The values of a factor as its labels: numbers to six digits, or to as many as distinguish them.

    Texts are quoted if one of them would look like another value, such as the text "1" beside the number.
    """
    for digits in range(SHORTEST_LABEL, LONGEST_NUMBER):
        texts = [_rounded(item, digits) for item in items]
        if len(set(texts)) == len(texts):
            return tuple(texts)
    return tuple(repr(item) if isinstance(item, str) else value(item) for item in items)


def _rounded(item: object, digits: int) -> str:
    return f"{item:.{digits}g}" if isinstance(item, float) and math.isfinite(item) else value(item)


_NEEDS_GROUP = {"rate", "input_rate", "map_rate", "channel_rate", "strength", "noise", "examples"}


def factor(key: str) -> str:
    """A configuration key as words: network.activation -> activation, dropout.rate -> dropout rate."""
    group, _, last = key.rpartition(".")
    words = last.replace("_", " ")
    if last == "name" and group:
        return word(group.replace("_", " "))
    return word(f"{group} {words}" if last in _NEEDS_GROUP and group else words)


def factors(keys: Sequence[str]) -> Mapping[str, str]:
    """Names of several keys. Keys whose words would be the same keep their full form."""
    names = {key: factor(key) for key in keys}
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {key: key if name in twice else name for key, name in names.items()}
