"""Check that a trained network, exported, gives the same outputs in PyTorch.

    python scripts/check_torch_export.py [FOLDER]

Trains an LSTM on parity with seqlab, exports it with `python -m seqlab.weights`, loads the file into a module
of `torch.nn.LSTM` and `torch.nn.Linear`, and compares the logits at several lengths. Needs the extra
`vectors`; exits with 1 if a logit differs by more than 1e-4 or any decision differs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch

from seqlab import run
from seqlab.runs import load

TASK, STEPS, LENGTHS, NUM_EXAMPLES, LIMIT = "parity_check", 3000, (1, 10, 40, 200), 256, 1e-4


class Exported(torch.nn.Module):
    """A recurrent classifier whose output is that of its last step."""

    def __init__(self, state_dict: dict[str, torch.Tensor]) -> None:
        super().__init__()
        width, num_inputs = state_dict["recurrence.weight_ih_l0"].shape
        self.recurrence = torch.nn.LSTM(num_inputs, width // 4, batch_first=True)
        self.readout = torch.nn.Linear(width // 4, len(state_dict["readout.bias"]))
        self.load_state_dict(state_dict)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits `(B, O)` of inputs `(B, T, F)`."""
        return self.readout(self.recurrence(x)[0][:, -1])


def main() -> None:
    """Train, export, compare."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="seqlab-export-"))
    settings = ["cell=lstm", "cell.features=32", f"training.steps={STEPS}", "optimizer.learning_rate=0.005"]
    settings += ["task.length=12", "tracking.wandb.mode=disabled"]
    summary = run([f"task={TASK}", "architecture=many_to_one", *settings, f"hydra.run.dir={folder / 'run'}"])
    print(f"{TASK}: test {summary['test']}, solved: {summary['solved']}")
    file = folder / "lstm.npz"
    subprocess.run(
        [sys.executable, "-m", "seqlab.weights", "export", str(folder / "run"), "--to", "torch", str(file)],
        check=True,
    )
    module = Exported({name: torch.tensor(array) for name, array in np.load(file).items()})
    program, params = load(folder / "run")
    worst, different = 0.0, 0
    for length in LENGTHS:
        tokens = jax.random.randint(
            jax.random.key(length), (NUM_EXAMPLES, length), 0, program.network.inputs.size
        )
        batch = program.task.batch(jax.random.key(0), NUM_EXAMPLES, "test", "many_to_one", program.task.data)
        lengths = jnp.full(NUM_EXAMPLES, length)
        ours = np.asarray(program.network.apply(params, batch._replace(inputs=tokens, lengths=lengths)))
        one_hot = torch.nn.functional.one_hot(
            torch.tensor(np.asarray(tokens)).long(), program.network.inputs.size
        )
        theirs = module(one_hot.float()).detach().numpy()
        gap, other = float(np.abs(ours - theirs).max()), int((ours.argmax(-1) != theirs.argmax(-1)).sum())
        print(f"length {length}: largest difference {gap:.1e}, other decisions {other} of {NUM_EXAMPLES}")
        worst, different = max(worst, gap), different + other
    print(f"largest difference {worst:.1e} (limit {LIMIT:.0e}); logits reach {np.abs(ours).max():.3g}")
    sys.exit(worst > LIMIT or different > 0)


if __name__ == "__main__":
    main()
