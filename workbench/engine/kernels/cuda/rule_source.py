"""The rules of the tables as device code, printed from the functions that the plain kernel calls.

Every elementwise row that can be lowered gets a function of its own, and a `switch` over the codes of `codes.py`
chooses it. An unknown code gives NaN, never another row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.engine.kernels.cuda import codes
from workbench.engine.kernels.lowering import Trace, statements
from workbench.engine.kernels.traced import activation_traces, optimizer_trace, penalty_trace
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES

INLINE_FUNCTION = "__device__ __forceinline__"


def activations() -> str:
    """`activated`, `derivative` and `slope_derivative` of every activation.

    The forward pass keeps only z; the backward pass computes the rest again, which costs less than reading it.
    """
    functions, cases = [], {"activated": [], "derivative": [], "slope_derivative": []}  # type: ignore[var-annotated]
    for name in codes.activations():
        value, derivative, slope = activation_traces(ACTIVATIONS[name])
        code = codes.activations().index(name)
        functions.append(_function(f"float value_{code}(float z, float slope)", value, "return {};"))
        functions.append(_function(f"float derivative_{code}(float z, float a, float slope)", derivative, "return {};"))
        cases["activated"].append((name, f"return value_{code}(z, slope);"))
        again = f"value_{code}(z, slope)" if "a" in derivative.uses else "0.0f"
        cases["derivative"].append((name, f"return derivative_{code}(z, {again}, slope);"))
        if slope is not None:
            functions.append(_function(f"float slope_derivative_{code}(float z)", slope, "return {};"))
            cases["slope_derivative"].append((name, f"return slope_derivative_{code}(z);"))
    return "\n".join(
        [
            *functions,
            _choice("float activated(int activation, float z, float slope)", "activation", cases["activated"]),
            _choice("float derivative(int activation, float z, float slope)", "activation", cases["derivative"]),
            _choice("float slope_derivative(int activation, float z)", "activation", cases["slope_derivative"]),
        ]
    )


def updates() -> str:
    """`slots_of`, `optimized` and `updated`: the optimizers, and the penalties of weights around them."""
    functions, cases = [], []
    slots = [(name, f"return {len(OPTIMIZERS[name].slots)};") for name in codes.optimizers()]
    for code, name in enumerate(codes.optimizers()):
        count = len(OPTIMIZERS[name].slots)
        before = [f"float slot{k} = slot[{k}];" for k in range(count)]
        after = ["w = {};", *(f"slot[{k}] = {{}};" for k in range(count))]
        head = f"void optimize_{code}(float& w, float g, float* slot, const float* at)"
        functions.append(_function(head, optimizer_trace(OPTIMIZERS[name]), *after, before=before))
        cases.append((name, f"optimize_{code}(w, g, slot, at); break;"))
    return "\n".join(
        [
            *functions,
            _choice("int slots_of(int optimizer)", "optimizer", slots, otherwise="return 0;"),
            _choice(
                "void optimized(int optimizer, float& w, float g, float* slot, const float* at)",
                "optimizer",
                cases,
                otherwise="w = not_a_number();",
            ),
            _by_optimizer(),
            *_penalties(),
        ]
    )


def _by_optimizer() -> str:
    """A loop for each optimizer: one that asks at every parameter which it is takes as long as its arithmetic."""
    cases = [
        f"case {code}: work.template by<{code}>(); break;  // {name}" for code, name in enumerate(codes.optimizers())
    ]
    lines = ["switch (optimizer) {", *(f"    {line}" for line in [*cases, "default: work.template by<-1>();"]), "}"]
    head = f"template <typename Work>\n{INLINE_FUNCTION} void by_optimizer(int optimizer, const Work& work) {{"
    return "\n".join([head, *(f"    {line}" for line in lines), "}"])


def _penalties() -> Iterable[str]:
    """Each penalty as a function, and `updated`, which applies those with a strength, each at its moment."""
    lines: dict[str, list[str]] = {"gradient": [], "before": [], "after": []}
    for name in codes.penalties():
        row = PENALTIES[name]
        yield _function(f"float penalty_{name}(float w, float g, const float* at)", penalty_trace(row), "return {};")
        target = "g" if row.moment == "gradient" else "w"
        lines[row.moment].append(f"if (at[AT_{name.upper()}] != 0.0f) {target} = penalty_{name}(w, g, at);")
    strengths = " || ".join(f"at[AT_{name.upper()}] != 0.0f" for name in codes.penalties())
    yield f"{INLINE_FUNCTION} bool has_penalty(const float* at) {{ return {strengths}; }}"
    yield "\n".join(
        [
            "// One update; `at` holds the numbers of the run at this step. Biases are not penalised.",
            f"{INLINE_FUNCTION} void updated(",
            "    int optimizer, float& w, float g, float* slot, bool penalised, const float* at) {",
            "    if (penalised) {",
            *(f"        {line}" for line in (*lines["gradient"], *lines["before"])),
            "    }",
            "    optimized(optimizer, w, g, slot, at);",
            "    if (penalised) {",
            *(f"        {line}" for line in lines["after"]),
            "    }",
            "}",
        ]
    )


def _function(head: str, traced: Trace, *results: str, before: Sequence[str] = ()) -> str:
    """A rule as a function; `results` are the statements for its return values."""
    printed = statements(traced, "c")
    lines = [*before, *(f"const float at_{name} = at[AT_{name.upper()}];" for name in traced.reads)]
    lines += [
        f"const {'bool' if is_truth else 'float'} {name} = {expression};"
        for name, expression, is_truth in (*printed.once, *printed.each)
    ]
    lines += [form.format(result) for form, result in zip(results, printed.results, strict=True)]
    return "\n".join([f"{INLINE_FUNCTION} {head} {{", *(f"    {line}" for line in lines), "}"])


def _choice(head: str, code: str, cases: Sequence[tuple[str, str]], otherwise: str = "return not_a_number();") -> str:
    """A function that chooses by a code."""
    numbers = codes.optimizers() if code == "optimizer" else codes.activations()
    lines = [f"case {numbers.index(name)}: {text}  // {name}" for name, text in cases]
    lines = [f"switch ({code}) {{", *(f"    {line}" for line in [*lines, f"default: {otherwise}"]), "}"]
    return "\n".join([f"{INLINE_FUNCTION} {head} {{", *(f"    {line}" for line in lines), "}"])
