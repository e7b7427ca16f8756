"""Variations of a rule: the same question with one setting changed at a time, and on which of them a claim turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.config.setting import Value
from workbench.engine.errors import BadInput
from workbench.report import wording
from workbench.report.language import texts
from workbench.report.language.words import say, word
from workbench.report.verdicts.claim_rules import Arm, Equivalence, Paired, Premise, Rule, Variation
from workbench.report.verdicts.verdict import Verdict


def varied(
    rule: Paired | Equivalence,
    settings: Mapping[str, Sequence[Value]],
    premises: tuple[Premise, ...] | None = None,
) -> tuple[Variation, ...]:
    """The rule with one setting changed at a time: key -> its own value, and the others that are tried.

    A key is changed in every arm whose `where` holds its own value, and stays as it is in the others. `premises` stand
    in place of the rule's own; without any, those. Raises BadInput if no arm holds the own value.
    """
    return tuple(
        Variation(key, values[0], value, _changed(rule, key, values[0], value, premises))
        for key, values in settings.items()
        for value in values[1:]
    )


def _changed(
    rule: Paired | Equivalence, key: str, own: Value, value: Value, premises: tuple[Premise, ...] | None
) -> Rule:
    def there(arm: Arm) -> Arm:
        return replace(arm, where={**arm.where, key: value}) if _holds(arm, key, own) else arm

    arms = [rule.treatment, rule.baseline] if isinstance(rule, Paired) else [rule.measured, rule.predicted]
    if not any(_holds(arm, key, own) for arm in arms):
        raise BadInput(f"a rule on {rule.metric} is varied in {key}, but no arm of it has the value {own!r} there")
    kept = tuple(replace(one, arm=one.arm and there(one.arm)) for one in rule.premises)
    premises = kept if premises is None else premises
    if isinstance(rule, Equivalence):
        return replace(rule, measured=there(rule.measured), predicted=there(rule.predicted), premises=premises)
    against = rule.against and (there(rule.against[0]), there(rule.against[1]))
    return replace(
        rule, treatment=there(rule.treatment), baseline=there(rule.baseline), against=against, premises=premises
    )


def _holds(arm: Arm, key: str, own: Value) -> bool:
    return key in arm.where and arm.where[key] == own


def turning(own: Verdict, variations: Sequence[Variation], found: Sequence[Verdict]) -> list[tuple[Variation, Verdict]]:
    """The variations on which a rule turns, with their verdicts: it is reproduced here and fails there, or the other
    way round. `own` is the verdict of the rule by itself.
    """
    return [
        (variation, one)
        for variation, one in zip(variations, found, strict=True)
        if (own.verdict == "reproduced" and one.fails) or (own.fails and one.verdict == "reproduced")
    ]


def condition(own: Verdict, turned: Sequence[tuple[Variation, Verdict]]) -> str:
    """On which settings a claim turns, and how, in words: `initial weights: reproduced with a, ruled out with b`."""
    settings: dict[str, list[tuple[Variation, Verdict]]] = {}
    for variation, found in turned:
        settings.setdefault(variation.setting, []).append((variation, found))
    parts = []
    for setting, group in settings.items():
        here = say(
            "verdict.outcome_at",
            outcome=word(own.outcome),
            value=texts.translated(wording.value(group[0][0].instead_of)),
        )
        there = [
            say(
                "verdict.outcome_at",
                outcome=word(found.outcome),
                value=texts.translated(wording.value(variation.value)),
            )
            for variation, found in group
        ]
        name = texts.translated(wording.factor(setting))
        parts.append(say("verdict.turning_setting", factor=name, outcomes=wording.listing([here, *there])))
    return say("verdict.turns_on", settings=wording.listing(parts))


def left_open(variations: Sequence[Variation], found: Sequence[Verdict]) -> str:
    """A note of the settings that these runs leave open, "" of none."""
    places = [
        say(
            "setting.one",
            name=texts.translated(wording.factor(variation.setting)),
            value=texts.translated(wording.value(variation.value)),
        )
        for variation, one in zip(variations, found, strict=True)
        if one.verdict == "inconclusive" and not one.fails
    ]
    return say("verdict.left_open", settings=wording.listing(places)) if places else ""
