"""Can it count up and down again? aⁿbⁿ."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from seqlab.tasks.languages._counting import CountingTask


@dataclasses.dataclass(frozen=True)
class AnBn(CountingTask):
    """Predict where aⁿbⁿ ends: after as many b's as there were a's.

        y_t = b for n < t < 2n,   y_2n = #

    >>> import jax
    >>> task = AnBn(length=3, curriculum="fixed")
    >>> batch = task.batch(jax.random.key(0), 1)
    >>> for row in batch.inputs[0], batch.targets[0]:
    ...     print(task.render(row, "many_to_many"))
    #aaabbb
    aaabbb#
    >>> "".join("-+"[int(counts)] for counts in batch.mask[0])
    '----+++'

    A network that ends every string after the same number of b's recognises those of one n, one in N where N
    are drawn.

    Source: F. Gers & J. Schmidhuber, "LSTM Recurrent Networks Learn Simple Context Free and Context Sensitive
        Languages", IEEE Transactions on Neural Networks 12(6), 2001; G. Weiss, Y. Goldberg & E. Yahav, "On
        the Practical Computational Power of Finite Precision RNNs", arXiv:1805.04908, 2018 (a context-free
        language, for which one counter is enough).
    """

    letters: ClassVar[str] = "ab"
