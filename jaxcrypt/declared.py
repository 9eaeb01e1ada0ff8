"""What is declared of a System: what a person may choose, must give and can rely on.

Flags, help texts, checks and tables are made from these declarations, and from nothing else.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxcrypt.errors import usage

Options = tuple[tuple[str, Any], ...]

# What a System may promise to outlive: kinds of :mod:`jaxcrypt.pictures.damages`, and being cut or enlarged.
DAMAGES = ("noise", "jpeg444", "jpeg", "blocks", "cut")


@dataclass(frozen=True)
class Whole(Mapping[str, int]):
    """The whole numbers from ``first`` to ``last`` as an option's choices; lists show every ``step``-th."""

    first: int
    last: int
    step: int

    def __getitem__(self, text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() else -1
        if not self.first <= number <= self.last or str(number) != text:
            raise KeyError(text)
        return number

    def __iter__(self) -> Iterator[str]:
        return map(str, range(self.first, self.last + 1))

    def __len__(self) -> int:
        return self.last - self.first + 1

    def shown(self) -> list[str]:
        """Multiples of ``step``."""
        return [text for text in self if int(text) % self.step == 0]


@dataclass(frozen=True)
class Option:
    """Something that a person may choose about a System, and that headers store by ``name``.

    An option without ``choices`` is a switch: given, it stores 1.

    Attributes:
      name: as headers store it; neither name nor stored values ever change.
      default: the stored value where nothing is chosen.
      help: what the help text says of it.
      choices: what a person types -> what the header stores, such as ``{"1/2": 2}``.
      flag: on a command line, ``--name`` with dashes unless said otherwise.
      needs: name of the :class:`Input` that must be given where the option is not at its default.
      excludes: names of inputs that cannot be given where the option is not at its default -> why.
      before: what a header means that lacks the option, because it is older; None: the default.
      arguments: stored value -> what takes the place of :attr:`Traits.argument` with it; of several options
        that say something the last one counts.
      opening: whether it is chosen when a picture is decrypted: then no header stores it.
      grows: stored value -> bytes of the cipher picture, beside those at the default: what a policy may vary.
      outlives: stored value -> those of :data:`DAMAGES` that the cipher picture survives with it only.
      guards: the stored value that each level of threat asks for, from calm on.
      carries: stored value -> bytes of the sealed picture for one of the file that its pixels carry then.
    """

    name: str
    default: Any
    help: str
    choices: Mapping[str, Any] = field(default_factory=dict)
    flag: str = ""
    needs: str = ""
    excludes: Mapping[str, str] = field(default_factory=dict)
    before: Any = None
    arguments: Mapping[Any, str] = field(default_factory=dict)
    opening: bool = False
    grows: Mapping[Any, float] = field(default_factory=dict)
    outlives: Mapping[Any, frozenset[str]] = field(default_factory=dict)
    guards: tuple[Any, ...] = ()
    carries: Mapping[Any, float] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "flag", self.flag or f"--{self.name.replace('_', '-')}")

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value."""
        return not self.choices

    @property
    def shown(self) -> list[str]:
        """The choices that lists show: all of a few, some of many."""
        return self.choices.shown() if isinstance(self.choices, Whole) else list(self.choices)

    @property
    def words(self) -> str:
        """All choices in words; empty for a switch."""
        if isinstance(self.choices, Whole):
            return f"{self.choices.first} to {self.choices.last}"
        return ", ".join(self.choices)

    @functools.cached_property
    def values(self) -> tuple[Any, ...]:
        """Everything that a header may store for it."""
        return tuple(dict.fromkeys([self.default, *(self.choices.values() or (1,))]))

    def parse(self, text: str) -> Any:
        """The stored value of what a person typed, which may be the stored value's own text.

        Raises:
          Refusal: no choice of that name.
        """
        if text in self.choices:
            return self.choices[text]
        for value in self.values:
            if str(value) == text:
                return value
        raise usage(f"{self.flag} {text}: choose one of {self.words or ', '.join(map(str, self.values))}")

    def check(self, value: Any) -> None:
        """Refuse a stored value that no choice stands for: ``True`` is not 1."""
        if not any(type(value) is type(known) and value == known for known in self.values):
            known = self.words or ", ".join(map(str, self.values))
            raise usage(f"{self.flag} {value!r}: choose one of {known}")


@dataclass(frozen=True)
class Input:
    """Something that a System takes besides the picture.

    Attributes:
      name: under which it reaches the System, as :mod:`jaxcrypt.systems.catalog` lists them.
      kind: ``picture``, ``pictures`` (any number), ``mask`` or ``file``.
      help: what the help text says of it.
      required: whether it must be given.
      most: how many ``pictures`` there may be, as the weights at hand decide; 0 until there are any.
      flag: on a command line, ``--name`` with dashes unless said otherwise.
    """

    name: str
    kind: str
    help: str
    required: bool = False
    most: int = 0
    flag: str = ""

    def __post_init__(self):
        object.__setattr__(self, "flag", self.flag or f"--{self.name.replace('_', '-')}")


@dataclass(frozen=True)
class Traits:
    """What policies, tables and refusals go by.

    Attributes:
      exact: whether the pixels alone give the picture back bit for bit.
      survives: those of :data:`DAMAGES` to the cipher picture that its decoder is made for, by some option.
      channels: the channel counts that it takes (1 grey, 2 grey+alpha, 3 RGB, 4 RGBA).
      keeps_shape: whether the cipher picture has the picture's own height, width and channels.
      covert: whether the cipher picture looks like an ordinary one.
      stepwise: whether decryption gives the pictures on the way, too.
      alone: whether it may travel without a header, since it holds what opens it.
      argument: one line: why its pixels are (or are not) confidential; the commands print it.
      standard: whether they are as confidential as a standard cipher, by that argument.
      special: what pictures it is for, where not any photo: policies leave it to whoever names it.
      growth: samples of the cipher picture for one of the photo's, options at their defaults.
      close: PSNR in dB of what undamaged pixels alone give back of a photo, as docs/MEASUREMENTS.md has it.
      cost: seconds that encrypting a megapixel takes on two busy cores (``bench speed --quick``).
    """

    exact: bool = False
    survives: frozenset[str] = frozenset()
    channels: tuple[int, ...] = (1, 2, 3, 4)
    keeps_shape: bool = False
    covert: bool = False
    stepwise: bool = False
    alone: bool = False
    argument: str = ""
    standard: bool = False
    special: str = ""
    growth: float = 1.0
    close: float = 0.0
    cost: float = 1.0


def chosen(options: Sequence[Option], given: Options) -> dict[str, Any]:
    """All options by name, those that were not given at their defaults.

    Raises:
      Refusal: an unknown option, or a value that no choice stands for.
    """
    known = {option.name: option for option in options}
    for name, value in given:
        if name not in known:
            has = f"has {', '.join(known)}" if known else "has none"
            raise usage(f"option {name}: this System {has}")
        known[name].check(value)
    return {option.name: option.default for option in options} | dict(given)


@dataclass(frozen=True)
class Entry:
    """One System as it is declared.

    Attributes:
      name: on command lines, in configs and in headers, for ever.
      module: with ``build(config) -> System``; imported when it is built, not before.
      summary: one line for lists.
      options, inputs, traits: as in its :class:`~jaxcrypt.record.System`.
      travel: options of how its sealed picture travels: sealing takes them, and the System never sees them.
      weights: the entry of the zoo that it runs with, where that has another name.
      offered: whether lists show it; the others must be named.
      yardsticks: module with what ``evaluate rates`` sets beside it: ``ablations(variables)`` and
        ``rows(variables)``.
    """

    name: str
    module: str
    summary: str
    options: tuple[Option, ...] = ()
    inputs: tuple[Input, ...] = ()
    traits: Traits = field(default_factory=Traits)
    travel: tuple[Option, ...] = ()
    weights: str = ""
    offered: bool = True
    yardsticks: str = ""

    def declared(self) -> dict[str, Any]:
        """What a System takes over from here: ``System(…, **entry("name").declared())``."""
        return {"name": self.name, "options": self.options, "inputs": self.inputs, "traits": self.traits}
