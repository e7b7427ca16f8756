"""The JSON files of a report as types: the data of a page, `index.json` with all verdicts, and an archive of claims.

`page_data`, `verdict_list` and `claim_archive` write them. NaN and infinities are null in a file, so a number that may
be one of them is a `Number` here.
"""

from __future__ import annotations

from typing import NotRequired, TypeAlias, TypedDict, final

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Number: TypeAlias = float | None


class RuleForm(TypedDict, total=False):
    """A claim's rule. Each kind of rule has further fields."""

    kind: str
    metric: str


class Finding(TypedDict):
    """What one rule found: its verdict, effect, the two ends of the interval, and the count of seeds or runs."""

    verdict: str
    effect: Number
    interval: list[Number]
    n: int


class VerdictForm(Finding, total=False):
    """A verdict with all that stands behind it. Pages of earlier versions lack the fields below."""

    sentence: str
    by_itself: str
    fails: bool
    also: list[Finding]
    tuned: Finding
    condition: str
    condition_zh: str


class VariationForm(TypedDict):
    """In which other setting a claim's rule was asked."""

    setting: str
    value: Json
    instead_of: Json
    rule: Json


class ClaimForm(TypedDict):
    """A claim with its verdict, as a page holds it."""

    id: str
    statement: str
    statement_zh: str
    section: str
    rule: RuleForm
    also: list[RuleForm]
    tuned: RuleForm
    vary: NotRequired[list[VariationForm]]  # pages of earlier versions have none
    verdict: VerdictForm


class PartInShort(Finding):
    """What one of a claim's rules found, with what is needed to say it."""

    sentence: str
    metric: str
    kind: str


class VariationInShort(PartInShort):
    """What a claim's rule found in another setting."""

    setting: str
    value: Json
    instead_of: Json


class VerdictInShort(PartInShort):
    """A claim's verdict in the form that other programs look up by its id."""

    sentence: str
    by_itself: str
    ruled_out: bool
    attempts: int
    condition: str
    p_holm: Number
    p_within: Number
    doubt: str
    new_seeds: int | None
    rule: list[str]
    fixed: bool
    statement: str
    section: str
    worst: Number
    remark: str
    also: list[PartInShort]
    tuned: PartInShort | None
    vary: list[VariationInShort]
    lost: float


class ListedVerdict(VerdictInShort):
    """A verdict with where it comes from: claim, dataset, sweep and page; `on_data` says whether the claim holds on one
    dataset and fails on another.
    """

    id: str
    dataset: str
    sweep: str
    page: str
    on_data: str


class PageForm(TypedDict):
    """The data of a page, as far as other pages and programs of ours read it."""

    format: int
    name: str
    title: str
    description: str
    summary: str
    summary_zh: NotRequired[str]
    dataset: str
    counts: dict[str, int]
    provenance: dict[str, str]
    claims: list[ClaimForm]
    verdicts: dict[str, VerdictInShort]


class SectionForm(TypedDict):
    """A section of the notes with its verdicts."""

    section: str
    claims: list[ListedVerdict]


@final
class IndexForm(TypedDict):
    """`index.json`: the verdicts by section, how many there are of each, and the notes' claims without one."""

    version: int
    counts: dict[str, int]
    without: list[str]
    sections: list[SectionForm]


class ArchivedClaim(TypedDict):
    """A claim in an archive: its rules, what the store held of them beforehand, attempts, verdict and differences."""

    id: str
    rules: list[Json]
    stored: dict[str, Json]
    attempts: list[dict[str, str]]
    verdict: VerdictInShort
    differences: list[list[Number]]


class ArchivedSweep(TypedDict):
    """A sweep in an archive."""

    name: str
    dataset: str
    facts: dict[str, str]
    cells: list[dict[str, Json]]
    claims: list[ArchivedClaim]


@final
class ArchiveForm(TypedDict):
    """An archive of claims, which `claim_archive` writes, with the digest of all the rest."""

    document: str
    version: int
    sweeps: list[ArchivedSweep]
    digest: str
