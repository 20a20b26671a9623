"""Factors in words: "exactly n times too large (7× at n = 7): the mean over the batch is missing"."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from npreg.exercises.found import Factor, Scale
from npreg.exercises.words.phrases import say, texts

_SIZES = ("d", "k", "h")
_SHOWN_PROBES = 3


def factor_values(scale: Scale, lang: str) -> dict[str, str]:
    """What a message says about a factor: `expr`, `times`, `measured` and `cause`."""
    factor = scale.factor
    powers = dict(factor.powers).values()
    times = say("factor.other", lang, expr=factor)
    if factor.constant >= 1 and all(power > 0 for power in powers):
        times = say("factor.large", lang, expr=factor)
    elif factor.constant <= 1 and all(power < 0 for power in powers):
        times = say("factor.small", lang, expr=factor.inverse, factor=factor)
    values = {"expr": str(factor), "times": times}
    causes = _causes(factor, lang)
    if causes:
        values["cause"] = say("factor.join", lang).join(causes)
    names = list(dict.fromkeys("n" if name == "n-1" else name for name, _ in factor.powers))
    if scale.quantities:
        shown = measured(scale, names, lang)
        values["measured"] = shown if names else say("factor.everywhere", lang, factor=shown)
    return values


def _causes(factor: Factor, lang: str) -> list[str]:
    """What each part of a factor tells, the batch size first."""
    powers, causes = dict(factor.powers), []
    if "n-1" in powers:
        causes.append(say("factor.n-1", lang))
        del powers["n-1"]
        powers.pop("n", None)
    for name in [name for name in powers if name in _SIZES and 0 > powers[name] == -powers.get("n", 0)][:1]:
        causes.append(say("factor.n/size", lang, name=name))
        del powers[name], powers["n"]
    for name, power in powers.items():
        over = "" if power > 0 else "1/"
        if f"factor.{over}{name}" in texts(lang) and abs(power) == 1:
            causes.append(say(f"factor.{over}{name}", lang))
        else:
            causes.append(say(f"factor.{over}name", lang, name=Factor(powers=((name, abs(power)),))))
    if factor.constant != 1:
        many, key = factor.constant > 1, "factor.many" if factor.constant > 1 else "factor.lost"
        causes.append(say(key, lang, constant=Factor(constant=factor.constant if many else 1 / factor.constant)))
    return causes


def ratio(value: float) -> str:
    """A measured factor, as a small fraction where it is one."""
    near = Fraction(value).limit_denominator(60)
    return str(near) if near and abs(float(near) / value - 1) < 1e-6 else f"{value:.4g}"


def measured(scale: Scale, names: Sequence[str], lang: str = "en") -> str:
    """A factor, probe by probe, with those sizes that it depends on; the sign has a code of its own."""
    parts: dict[str, None] = {}
    for there in scale.quantities:
        sizes = ", ".join(f"{name} = {ratio(there[name])}" for name in names)
        factor = ratio(abs(scale.factor.value(there)))
        parts[say("factor.at", lang, factor=factor, sizes=sizes) if sizes else f"{factor}×"] = None
    return say("factor.between", lang).join(list(parts)[:_SHOWN_PROBES])
