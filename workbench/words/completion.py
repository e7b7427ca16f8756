"""`workbench completion bash|zsh|fish`: a script that completes words, groups, choices, keys and sweep names.

The script passes the line to `workbench completion --line`, which answers from the schema, the tables and the folders.
So a person's own sweeps, choices and rules are completed too, and Hydra is never imported. Hydra's own completion
composes the configuration at every key press, which takes about a second, and completes neither words, sweeps nor the
choices of a key. A script that is generated once, like shtab's, cannot know the working folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from workbench import cli, places
from workbench.config.families import FAMILIES
from workbench.config.schema import SECTIONS, SETTINGS
from workbench.words.parser import Parser

ABOUT = """Print a script that completes words, groups, choices, keys and sweep names, a person's own included.

  bash   source <(workbench completion bash)               in ~/.bashrc
  zsh    source <(workbench completion zsh)                in ~/.zshrc
  fish   workbench completion fish | source                in ~/.config/fish/config.fish
"""
EXAMPLES = """
workbench completion bash
workbench completion zsh > ~/.zsh/completions/_workbench
workbench completion fish > ~/.config/fish/completions/workbench.fish
"""
BASH = r"""# bash completion of workbench
_workbench() {
    local IFS=$'\n'
    COMPREPLY=($("$1" completion --line "${COMP_LINE:0:COMP_POINT}" --breaks "$COMP_WORDBREAKS" 2>/dev/null))
}
complete -o nospace -F _workbench workbench
"""
ZSH = r"""#compdef workbench
_workbench() {
    local -a found
    found=("${(@f)$("$words[1]" completion --line "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
    compadd -S '' -- ${(M)found:#*=}
    compadd -- ${found:#*=}
}
if [[ $funcstack[1] == _workbench ]]; then
    _workbench "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef _workbench workbench
fi
"""
FISH = r"""# fish completion of workbench
function __workbench_complete
    set -l typed (commandline -opc)
    $typed[1] completion --line (commandline -cp | string collect) 2>/dev/null
end
complete -c workbench -f -a '(__workbench_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
# Copied from the parsers, whose imports take too long for a completion. A test compares the two.
OPTIONS = {
    "": ("--cfg", "--help", "--hydra-help", "--info", "--json", "--multirun", "--package", "--quiet", "--resolve",
         "--version"),
    "list": ("--help", "--json", "--quiet"),
    "report": ("--compare", "--figures", "--folder", "--help", "--json", "--open", "--quiet", "--uri"),
    "advise": ("--help", "--json", "--quiet", "--uri"),
    "claims": ("--help", "--json", "--quiet", "--uri"),
    "reproduce": ("--data", "--expect", "--help", "--json", "--list", "--quiet", "--set"),
    "sweeps": ("--help", "--json", "--quiet", "--uri"),
    "completion": ("--help", "--quiet"),
}  # fmt: skip
OPTION_VALUES: dict[tuple[str, str], Callable[[], Iterable[str]]] = {
    ("", "--cfg"): lambda: ("job", "hydra", "all"),
    ("", "--info"): lambda: ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
    ("", "--package"): lambda: SECTIONS,
    ("report", "--compare"): lambda: pages(),
    ("reproduce", "--data"): lambda: stems("data"),
    ("reproduce", "--set"): lambda: run_words("", first=False),
}


def main(arguments: Sequence[str]) -> int:
    """Print a script, or the candidates that a script asks for; the exit status."""
    parser = Parser("completion", ABOUT, EXAMPLES)
    parser.add_argument("shell", nargs="?", metavar="bash | zsh | fish")
    parser.add_argument("--line", help="print how this line may go on, a line each: for the scripts")
    parser.add_argument("--breaks", default="", help="with --line: characters at which the shell begins a new word")
    asked = parser.read(arguments)
    if asked.line is not None:
        for text in candidates(asked.line, asked.breaks):
            print(text)
        return 0
    if asked.shell not in SCRIPTS:
        parser.error(f"found {asked.shell or 'no shell'}; allowed: bash, zsh, fish")
    print(SCRIPTS[asked.shell], end="")
    return 0


def candidates(line: str, breaks: str = "") -> list[str]:
    """The candidates for the last word of a line. `line` is the command up to the cursor, the program's name included.

    `breaks` are bash's word breaks. With them, each candidate lacks the part that bash counts as an earlier word, and
    ends with a space if it is complete.
    """
    *before, current = _split(line)
    if not before:
        return []
    found = sorted({text for text in _every(before[1:], current) if text.startswith(current)})
    if not breaks:
        return found
    kept = max((current.rfind(mark) + 1 for mark in breaks if mark in current), default=0)
    return [text[kept:] + ("" if text.endswith("=") else " ") for text in found]


def run_words(current: str, first: bool) -> Iterable[str]:
    """The candidates in a run: overrides up to `=`, or with a value; words of the command in the first place."""
    key, equals, values = current.partition("=")
    if not equals:
        return [*(cli.WORDS if first else ()), *_keys()]
    done, comma, _ = values.rpartition(",")
    return [f"{key}={done}{comma}{value}" for value in _values(key.lstrip("+"), done)]


def stems(group: str) -> list[str]:
    """The choices of a config group that are files, ours and a person's own."""
    return sorted({file.stem for folder in places.both("conf") for file in folder.glob(f"{group}/*.yaml")})


def pages() -> list[str]:
    """The sweeps that have a page or a folder of checkpoints here. Asking the store would take seconds."""
    found = {file.stem for file in Path("reports").glob("*.html")} - {"index"}
    return sorted(found | {folder.name for folder in Path("sweeps").glob("*/")})


def _every(typed: Sequence[str], current: str) -> Iterable[str]:
    words = [text for text in typed if not text.startswith("-")]
    word = words[0] if words and words[0] in cli.WORDS else ""
    last = typed[-1] if typed else ""
    if (of_option := OPTION_VALUES.get((word, last))) is not None:
        return run_words(current, first=False) if last == "--set" else of_option()
    if current.startswith("-"):
        return OPTIONS[word]
    if not word:
        return run_words(current, first=not words)
    return _COMPLETIONS[word](words[1:], current, typed)


def _of_list(*_: object) -> Iterable[str]:
    return ("sweeps", "claims", "asked", "groups", "keys", *SECTIONS, *FAMILIES)


def _of_reproduce(given: Sequence[str], current: str, typed: Sequence[str]) -> Iterable[str]:
    if "--set" in typed:
        return run_words(current, first=False)
    files = {file.stem for folder in places.both("experiments") for file in folder.glob("[!_]*.py")}
    return sorted(files & set(stems("sweep")) - set(given))


def _of_sweeps(given: Sequence[str], *_: object) -> Iterable[str]:
    return (
        pages()
        if given in (["delete"], ["export"], ["import"])
        else ()
        if given
        else ("list", "delete", "export", "import")
    )


_COMPLETIONS: dict[str, Callable[[Sequence[str], str, Sequence[str]], Iterable[str]]] = {
    "list": _of_list,
    "report": lambda *_: pages(),
    "advise": lambda given, *_: () if given else pages(),
    "reproduce": _of_reproduce,
    "sweeps": _of_sweeps,
    "completion": lambda given, *_: () if given else SCRIPTS,
}


def _keys() -> list[str]:
    groups = {file.parent.name for folder in places.both("conf") for file in folder.glob("[!h]*/*.yaml")} - {"sweep"}
    _load_own_rules()
    keys = [key for key in SETTINGS if key.rpartition(".")[0] not in groups or not key.endswith(".name")]
    return [f"{key}=" for key in (*groups, *keys, "+sweep", "hydra/sweeper")]


def _values(key: str, done: str) -> Iterable[str]:
    """The values of a key, without those already typed before the last comma."""
    _load_own_rules()
    if key in SETTINGS:
        setting = SETTINGS[key]
        every: Iterable[str] = ("true", "false") if setting.kind is bool else setting.names() if setting.choices else ()
    elif key in ("optimizer", "penalty"):
        from workbench.config.families import table

        every = {*stems(key), *table({"optimizer": "optimizers", "penalty": "penalties"}[key])}
    else:
        every = stems(key)
    return [value for value in every if value not in done.split(",")]


def _load_own_rules() -> None:
    """Install a person's own rules and measures, whose rows are choices and keys too. A broken file only loses its own
    rows.
    """
    if folder := places.theirs("measures"):
        from workbench.engine.errors import BadInput
        from workbench.measure import INSTRUMENTS

        with suppress(BadInput):
            INSTRUMENTS.bring(folder)
    if folder := places.theirs("rules"):
        from workbench.config.own_rules import load_own_rules
        from workbench.engine.errors import BadInput

        try:
            load_own_rules(folder)
        except BadInput:
            return


def _split(line: str) -> list[str]:
    """The words of an unfinished line, without quotes. The last word is as far as it was typed."""
    words: list[str] = []
    current = quote = ""
    for mark in line:
        if quote:
            quote, current = ("", current) if mark == quote else (quote, current + mark)
        elif mark in "'\"":
            quote = mark
        elif mark.isspace():
            words, current = [*words, current] if current else words, ""
        else:
            current += mark
    return [*words, current]
