"""Can it count twice at once? aⁿbⁿcⁿ."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from seqlab.tasks.languages._counting import CountingTask


@dataclasses.dataclass(frozen=True)
class AnBnCn(CountingTask):
    """Predict where the b's of aⁿbⁿcⁿ end, and where its c's: after as many as there were a's.

        y_t = b for n < t < 2n,   y_t = c for 2n ≤ t < 3n,   y_3n = #

    >>> import jax
    >>> task = AnBnCn(length=2, curriculum="fixed")
    >>> batch = task.batch(jax.random.key(0), 1)
    >>> for row in batch.inputs[0], batch.targets[0]:
    ...     print(task.render(row, "many_to_many"))
    #aabbcc
    aabbcc#
    >>> "".join("-+"[int(counts)] for counts in batch.mask[0])
    '---++++'

    A network that takes every n for the same recognises the strings of one n, one in N where N are drawn.

    Source: F. Gers & J. Schmidhuber, "LSTM Recurrent Networks Learn Simple Context Free and Context Sensitive
        Languages", IEEE Transactions on Neural Networks 12(6), 2001; G. Weiss, Y. Goldberg & E. Yahav, "On
        the Practical Computational Power of Finite Precision RNNs", arXiv:1805.04908, 2018 (a
        context-sensitive language, for which two counters are enough).
    """

    letters: ClassVar[str] = "abc"
