"""Which formal languages must a network decide, or translate by a rule?"""

from __future__ import annotations

from seqlab.tasks.languages.binary_addition import BinaryAddition
from seqlab.tasks.languages.binary_multiplication import BinaryMultiplication
from seqlab.tasks.languages.bucket_sort import BucketSort
from seqlab.tasks.languages.compute_sqrt import ComputeSqrt
from seqlab.tasks.languages.cycle_navigation import CycleNavigation
from seqlab.tasks.languages.duplicate_string import DuplicateString
from seqlab.tasks.languages.even_pairs import EvenPairs
from seqlab.tasks.languages.language import FormalLanguage
from seqlab.tasks.languages.missing_duplicate_string import MissingDuplicateString
from seqlab.tasks.languages.modular_arithmetic import ModularArithmetic
from seqlab.tasks.languages.modular_arithmetic_brackets import ModularArithmeticBrackets
from seqlab.tasks.languages.odds_first import OddsFirst
from seqlab.tasks.languages.reverse_string import ReverseString
from seqlab.tasks.languages.rule import Rule
from seqlab.tasks.languages.solve_equation import SolveEquation
from seqlab.tasks.languages.stack_manipulation import StackManipulation
from seqlab.types import ConfigError

__all__ = ["RULES", "FormalLanguage", "Rule", "formal_language"]

_RULES: tuple[Rule, ...] = (
    BinaryAddition(),
    BinaryMultiplication(),
    BucketSort(),
    ComputeSqrt(),
    CycleNavigation(),
    DuplicateString(),
    EvenPairs(),
    MissingDuplicateString(),
    ModularArithmetic(),
    ModularArithmeticBrackets(),
    OddsFirst(),
    ReverseString(),
    SolveEquation(),
    StackManipulation(),
)
RULES = {rule.name: rule for rule in _RULES}
"""The rules that a config can name."""


def formal_language(
    rule: str,
    length: int = 40,
    min_length: int = 1,
    curriculum: str = "uniform",
    num_evaluation_examples: int = 1024,
) -> FormalLanguage:
    """Return the task of one of `RULES`; the other arguments are the fields of `FormalLanguage`.

    Raises:
        ConfigError: there is no such rule.
    """
    if rule not in RULES:
        raise ConfigError(f"task.rule={rule}: legal values are {', '.join(RULES)}")
    return FormalLanguage(RULES[rule], length, min_length, curriculum, num_evaluation_examples)
