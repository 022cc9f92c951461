"""Optimisers as a sheet writes them: their settings in cells, what they remember of each weight, and the step they take.

An optimiser of PyTorch is read, never used: what it would do is written as formulas, and run on copies.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from course_utils.excel.errors import ExportError
from course_utils.excel.options import item, shown

RATE, DECAY = "learning rate", "weight decay"
RESERVED = ("training", "data", "schedule", "fit", "history")  # names of sheets, which a spreadsheet compares without capitals
LONGEST_NAME = 20


@dataclass(frozen=True)
class Cells:
    """The addresses that the formulas of one weight at one step read; `before` is None at the first step."""

    weight: str
    gradient: str
    rate: str
    step: str  # how many steps were taken before this one
    memory: Mapping[str, str]
    before: Mapping[str, str] | None
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Memory:
    """One number that an optimiser keeps for each weight: its symbol, PyTorch's name, and the formula of the next."""

    name: str
    symbol: str
    key: str
    words: str
    formula: Callable[[Cells], str]


@dataclass(frozen=True)
class Rule:
    """An optimiser with its settings: what it is called, its rule in words, its memory, and the formula of the next weight."""

    heading: str
    kind: type[Optimizer]
    options: Mapping[str, Any]  # for the optimiser of PyTorch
    settings: Mapping[str, float]  # for the cells, the learning rate first
    memory: Sequence[Memory]
    next_weight: Callable[[Cells], str]
    words: str
    decoupled: bool = field(default=False)  # whether the decay leaves the gradient alone

    def made(self, parameters: list[Tensor]) -> Optimizer:
        """The optimiser of PyTorch over other tensors."""
        return self.kind(parameters, **self.options)


def rules_of(optimizer: Any, model: nn.Module) -> list[Rule]:
    """The rules of one optimiser, a list of them, or a dictionary from their headings; ExportError where a sheet has no such.

    >>> line = nn.Linear(1, 1)
    >>> [rule.heading for rule in rules_of([SGD(line.parameters(), 0.1), SGD(line.parameters(), 0.1, momentum=0.9)], line)]
    ['SGD', 'SGD, momentum']
    """
    if isinstance(optimizer, Mapping):
        named = [(_heading(name), one) for name, one in optimizer.items()]
    elif isinstance(optimizer, Sequence) and not isinstance(optimizer, str):
        named = [("", one) for one in optimizer]
    else:
        named = [("", optimizer)]
    if not named:
        raise ExportError("optimizer holds none; give one, such as torch.optim.SGD(model.parameters(), lr=0.1)")
    rules: list[Rule] = []
    for heading, one in named:
        _check(one, model)
        taken = {rule.heading.lower() for rule in rules}
        if heading.lower() in taken:
            raise ExportError(f"two optimisers are called {heading!r}, and sheets must differ in more than capitals")
        rules.append(_RULES[type(one)](heading, one.param_groups[0], taken))
    return rules


def _heading(name: Any) -> str:
    """A heading that a sheet can have for its name."""
    if not isinstance(name, str) or not name.strip():
        raise ExportError(f"optimizer: the heading is {shown(name)}; give a short text, as in {{'Adam': ...}}")
    wrong = [letter for letter in name if letter in "[]:*?/\\'" or not letter.isprintable()]
    if wrong or len(name) > LONGEST_NAME:
        why = f"a sheet's name takes no {wrong[0]!r}" if wrong else f"it has {len(name)} letters and {LONGEST_NAME} is the most"
        raise ExportError(f"optimizer: the heading {shown(name)} cannot be the name of a sheet: {why}")
    if name.lower() in RESERVED:
        raise ExportError(f"optimizer: the workbook has a sheet {name.title()!r} already; give the optimiser another heading")
    return name


def _check(optimizer: Any, model: nn.Module) -> None:
    """Raise ExportError if a sheet has no such optimiser, or if it does not optimise the whole model."""
    names = ", ".join(kind.__name__ for kind in _RULES)
    name = type(optimizer).__name__
    if isinstance(optimizer, type):
        raise ExportError(
            f"optimizer is {shown(optimizer)}; give an object of it: {optimizer.__name__}(model.parameters(), lr=0.1)"
        )
    if type(optimizer) not in _RULES:
        given = name if isinstance(optimizer, Optimizer) else shown(optimizer)
        raise ExportError(
            f"optimizer is {given}; a sheet has {names} of torch.optim: torch.optim.SGD(model.parameters(), lr=0.1)"
        )
    if len(optimizer.param_groups) > 1:
        raise ExportError(
            f"{name} has {len(optimizer.param_groups)} groups of parameters, and a sheet has one; give model.parameters()"
        )
    if {id(one) for one in optimizer.param_groups[0]["params"]} != {id(one) for one in model.parameters()}:
        raise ExportError(f"{name} is over other parameters than the model's; make it with model.parameters() of this model")
    if optimizer.state:
        raise ExportError(
            f"{name} has taken steps already, and a sheet starts with an optimiser that remembers nothing; make a new one: "
            f"torch.optim.{name}(model.parameters(), ...)"
        )
    for option in ("maximize", "amsgrad", "centered"):
        if optimizer.param_groups[0].get(option):
            raise ExportError(f"{name} has {option}=True, and a sheet has not; leave it out")


def _name(kind: type, extra: str, heading: str, taken: set[str]) -> str:
    """The heading that was given, or one of our own that is not taken."""
    if heading:
        return heading
    plain = f"{kind.__name__}{extra}"
    name, count = plain, 1
    while name.lower() in taken:
        count += 1
        name = f"{plain} {count}"
    return name


def _numbers(group: Mapping[str, Any], *names: str) -> dict[str, float]:
    return {name: float(item(group[name])) for name in names}


def _betas(group: Mapping[str, Any]) -> tuple[float, float]:
    first, second = group["betas"]
    return float(item(first)), float(item(second))


def _keeps(share: str, key: str, what: Callable[[Cells], str]) -> Callable[[Cells], str]:
    """A running mean: share × the one before + (1 − share) × what is new; before the first step it is 0."""

    def formula(cells: Cells) -> str:
        kept = cells.settings[share]
        before = f"{kept}*{cells.before[key]}+" if cells.before else ""
        return f"{before}(1-{kept})*{what(cells)}"

    return formula


def _velocity(what: Callable[[Cells], str], damped: bool) -> Memory:
    """What was, times momentum, and what is new; PyTorch dampens all but the first."""

    def formula(cells: Cells) -> str:
        if not cells.before:
            return what(cells)
        new = f"(1-{cells.settings['dampening']})*{what(cells)}" if damped else what(cells)
        return f"{cells.settings['momentum']}*{cells.before['momentum_buffer']}+{new}"

    return Memory("Velocity", "velocity", "momentum_buffer", "momentum × the one before + what is new", formula)


def _sgd(heading: str, group: Mapping[str, Any], taken: set[str]) -> Rule:
    options = {**_numbers(group, "lr", "momentum", "dampening", "weight_decay"), "nesterov": bool(group["nesterov"])}
    settings = {RATE: options["lr"]}
    moves, damped = options["momentum"] != 0, options["dampening"] != 0
    if moves:
        settings["momentum"] = options["momentum"]
        settings |= {"dampening": options["dampening"]} if damped else {}
    settings[DECAY] = options["weight_decay"]
    memory = [_velocity(lambda cells: cells.gradient, damped)] if moves else []

    def next_weight(cells: Cells) -> str:
        if not moves:
            return f"{cells.weight}-{cells.rate}*{cells.gradient}"
        velocity = cells.memory["momentum_buffer"]
        if options["nesterov"]:
            return f"{cells.weight}-{cells.rate}*({cells.gradient}+{cells.settings['momentum']}*{velocity})"
        return f"{cells.weight}-{cells.rate}*{velocity}"

    name = _name(SGD, ", Nesterov" if options["nesterov"] else ", momentum" if moves else "", heading, taken)
    if not moves:
        words = "w ← w − rate · gradient"
    else:
        new = "(1 − dampening) · gradient" if damped else "gradient"
        move = "(gradient + momentum · velocity)" if options["nesterov"] else "velocity"
        words = f"velocity ← momentum · velocity + {new};   w ← w − rate · {move}"
    return Rule(name, SGD, options, settings, memory, next_weight, words)


def _rmsprop(heading: str, group: Mapping[str, Any], taken: set[str]) -> Rule:
    options = _numbers(group, "lr", "alpha", "eps", "weight_decay", "momentum")
    moves = options["momentum"] != 0
    settings = {RATE: options["lr"], "α": options["alpha"], **({"momentum": options["momentum"]} if moves else {})}
    settings |= {"ε": options["eps"], DECAY: options["weight_decay"]}
    squares = Memory(
        "Mean square s",
        "s",
        "square_avg",
        "α × the one before + (1 − α) × gradient²",
        _keeps("α", "square_avg", lambda cells: f"{cells.gradient}^2"),
    )

    def scaled(cells: Cells) -> str:
        return f"{cells.gradient}/(SQRT({cells.memory['square_avg']})+{cells.settings['ε']})"

    def next_weight(cells: Cells) -> str:
        return f"{cells.weight}-{cells.rate}*{cells.memory['momentum_buffer'] if moves else scaled(cells)}"

    step = "gradient / (√s + ε)"
    words = "s ← α · s + (1 − α) · gradient²;   " + (
        f"velocity ← momentum · velocity + {step};   w ← w − rate · velocity" if moves else f"w ← w − rate · {step}"
    )
    memory = [squares, *([_velocity(scaled, damped=False)] if moves else [])]
    return Rule(_name(RMSprop, "", heading, taken), RMSprop, options, settings, memory, next_weight, words)


def _adam(heading: str, group: Mapping[str, Any], taken: set[str], kind: type[Adam] = Adam) -> Rule:
    beta1, beta2 = _betas(group)
    options: dict[str, Any] = {**_numbers(group, "lr", "eps", "weight_decay"), "betas": (beta1, beta2)}
    decoupled = kind is AdamW or bool(group.get("decoupled_weight_decay"))
    if decoupled and kind is Adam:
        options["decoupled_weight_decay"] = True
    settings = {RATE: options["lr"], "β1": beta1, "β2": beta2, "ε": options["eps"], DECAY: options["weight_decay"]}
    mean = Memory(
        "Mean m", "m", "exp_avg", "β1 × the one before + (1 − β1) × gradient", _keeps("β1", "exp_avg", lambda c: c.gradient)
    )
    square = Memory(
        "Mean square v",
        "v",
        "exp_avg_sq",
        "β2 × the one before + (1 − β2) × gradient²",
        _keeps("β2", "exp_avg_sq", lambda c: f"{c.gradient}^2"),
    )

    def next_weight(cells: Cells) -> str:
        taken = f"({cells.step}+1)"
        mean = f"{cells.memory['exp_avg']}/(1-{cells.settings['β1']}^{taken})"
        root = f"SQRT({cells.memory['exp_avg_sq']}/(1-{cells.settings['β2']}^{taken}))+{cells.settings['ε']}"
        kept = f"{cells.weight}*(1-{cells.rate}*{cells.settings[DECAY]})" if decoupled else cells.weight
        return f"{kept}-{cells.rate}*{mean}/({root})"

    kept = "w · (1 − rate · decay)" if decoupled else "w"
    words = (
        "m ← β1 · m + (1 − β1) · gradient;   v ← β2 · v + (1 − β2) · gradient²;   "
        f"w ← {kept} − rate · (m / (1 − β1ᵗ)) / (√(v / (1 − β2ᵗ)) + ε)"
    )
    return Rule(_name(kind, "", heading, taken), kind, options, settings, [mean, square], next_weight, words, decoupled)


def _adamw(heading: str, group: Mapping[str, Any], taken: set[str]) -> Rule:
    return _adam(heading, group, taken, AdamW)


_RULES: dict[type, Callable[[str, Mapping[str, Any], set[str]], Rule]] = {
    SGD: _sgd,
    RMSprop: _rmsprop,
    Adam: _adam,
    AdamW: _adamw,
}
