"""Optimisers and schedules of optax by name, chains of transformations, and joined schedules."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from seqlab.runs import compose_request
from seqlab.runs.hyperparameters import hyperparameters, replaced
from seqlab.runs.open_keys import with_new_keys
from seqlab.runs.optimizer import TRACED, make_optimizer, traced_keys
from seqlab.runs.request import resolve
from seqlab.training.optimizers import optimizers, schedules
from seqlab.types import ConfigError

PARAMS = {"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)}
REFUSED = {"dpsgd", "optimistic_adam", "schedule_free"}
"""Optimisers that need a gradient of each example, or an argument without a default."""
NEEDED = {"noisy_sgd": {"eta": 0.1}}
"""Further arguments without a default."""


def resolved(words):
    return resolve(compose_request(words).config)


def value_fn(params, obj_fn=None):
    return optax.tree.norm(params, squared=True)


def updates(config, steps=2):
    """Return the updates that an optimiser makes of a constant gradient."""
    optimizer = optax.with_extra_args_support(make_optimizer(config))
    more = {"value": value_fn(PARAMS), "grad": PARAMS, "value_fn": value_fn, "obj_fn": value_fn}
    state, found = optimizer.init(PARAMS), []
    for _ in range(steps):
        update, state = optimizer.update(PARAMS, state, PARAMS, **more)
        found.append(update)
    return found


@pytest.mark.parametrize("name", sorted(optimizers().keys() - REFUSED))
def test_every_optimizer_of_optax_is_named_and_its_numbers_are_traced(name):
    config = resolved(["optimizer=optax", f"optimizer.name={name}", "schedule=cosine"])
    config["optimizer"] |= NEEDED.get(name, {})
    numbers = {"optimizer.learning_rate": jnp.float32(0.1)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # optax announces changes of some of its optimisers
        shapes = jax.eval_shape(lambda numbers: updates(replaced(config, numbers))[1], numbers)
    assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, PARAMS)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_optimizer_that_needs_the_gradient_of_each_example_is_refused(name):
    config = resolved(["optimizer=optax", f"optimizer.name={name}"])
    with pytest.raises(
        ConfigError, match=rf"^optimizer\..*(name={name} .*makes no update|is missing: )"
    ) as caught:
        make_optimizer(config)
    assert "\n" not in str(caught.value)


def test_an_optimizer_by_name_equals_optax_own():
    words = ["optimizer=optax", "optimizer.name=lion", "optimizer.b1=0.8", "optimizer.mu_dtype=bfloat16"]
    found = updates(resolved(words))
    optimizer = optax.lion(0.001, b1=0.8, mu_dtype="bfloat16")
    state = optimizer.init(PARAMS)
    for update in found:
        expected, state = optimizer.update(PARAMS, state, PARAMS)
        jax.tree.map(np.testing.assert_array_equal, update, expected)


@pytest.mark.parametrize("name", ["adam", "rprop"])  # the second takes a number in place of a schedule
def test_a_schedule_is_a_factor_on_the_updates(name):
    chosen = ["optimizer=optax", f"optimizer.name={name}"]
    constant = updates(resolved(chosen))
    linear = updates(resolved([*chosen, "schedule=linear", "training.steps=4"]))
    for step, (full, part) in enumerate(zip(constant, linear, strict=True)):
        jax.tree.map(lambda a, b, step=step: np.testing.assert_allclose(a * (1 - step / 4), b), full, part)


def test_a_chain_applies_its_transformations_in_order():
    transforms = "[{_target_: optax.clip, max_delta: 0.5}, {_target_: optax.scale, step_size: 3.0}]"
    config = resolved(["optimizer=chain", f"optimizer.transforms={transforms}"])
    for update in updates(config):
        np.testing.assert_allclose(update["bias"], np.full(2, -0.001 * 1.5), rtol=1e-6)
    assert traced_keys(config["optimizer"]) == ("learning_rate",)
    assert hyperparameters(config)[0].keys() & {f"optimizer.{name}" for name in TRACED} == {
        "optimizer.learning_rate"
    }


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["schedule=optax", "schedule.name=exponential_decay", "schedule.init_value=2.0"], (2.0, 1.0)),
        (["schedule=join"], (0.0, 0.01)),
        (
            [
                "schedule=optax",
                "schedule.name=piecewise_constant_schedule",
                "schedule.init_value=1.0",
                "schedule.boundaries_and_scales={1: 0.5}",
            ],
            (1.0, 0.5),
        ),
    ],
)
def test_schedules_of_optax_by_name_and_joined(words, values):
    if "schedule.name=exponential_decay" in words:
        words = [*words, "schedule.transition_steps=1", "schedule.decay_rate=0.5"]
    config = resolved(["optimizer=sgd", "optimizer.learning_rate=1", *words])
    for update, value in zip(updates(config), values, strict=True):
        np.testing.assert_allclose(update["bias"], -value * np.ones(2), rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["optimizer=optax", "optimizer.name=lionn"],
            "optimizer.name=lionn (did you mean optimizer.name=lion?)",
        ),
        (
            ["optimizer=optax", "optimizer.mu_dtyp=x"],
            "optimizer.mu_dtyp is not a key (did you mean optimizer.mu_",
        ),
        (["optimizer=optax", "optimizer.mu_dtype=floatt"], "optimizer.mu_dtype=floatt"),
        (["optimizer.nestrov=true"], "optimizer.nestrov is not a key (did you mean optimizer.nesterov?)"),
        (["optimizer=optax", "optimizer.learning_rate=big"], "optimizer.learning_rate must be a number"),
        (["optimizer=chain", "optimizer.transforms=[]"], "optimizer.transforms must be a list of groups"),
        (
            ["optimizer=chain", "optimizer.transforms=[{_target_: optax.clipp}]"],
            "optimizer.transforms.0._target_=",
        ),
        (["optimizer=chain", "optimizer.transforms=[{_target_: os.system}]"], "is refused"),
        (["schedule=optax", "schedule.name=exponential_decay"], "schedule.init_value is missing"),
        (
            ["schedule=optax", "schedule.name=linear_shedule"],
            "schedule.name=linear_shedule (did you mean schedule.name=linear_schedule?)",
        ),
        (["schedule=join", "schedule.boundaries=[]"], "schedule.boundaries must be 1 steps for 2 schedules"),
        (["schedule._target_=optax.global_norm"], "schedule."),
    ],
)
def test_a_refusal_is_one_line_that_names_the_key(words, message):
    with pytest.raises(ConfigError) as caught:
        make_optimizer(resolved(words))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "new"),
    [
        (["optimizer.b1=0.8"], []),
        (["optimizer.nesterov=true"], [0]),
        (["optimizer=sgd", "optimizer.b1=0.8"], [1]),
        (["optimizer=adam,sgd", "optimizer.b1=0.8"], [1]),
        (["+experiment=adding", "optimizer.mu_dtype=bfloat16", "optimizer.b1=0.8"], [1]),
        (["tracking.wandb.mode=offline", "tracking.mine._target_=mylab.Mine"], [1]),
        (["cell.zap=1", "+optimizer.b3=1", "-m", "optimizer=sgd"], []),
    ],
)
def test_only_keys_that_the_yaml_lacks_are_added(words, new):
    expected = [f"++{word}" if index in new else word for index, word in enumerate(words)]
    assert with_new_keys(words) == expected


def test_every_schedule_is_a_function_of_a_step():
    assert {"cosine_decay_schedule", "sgdr_schedule", "exponential_decay"} <= schedules().keys()


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e30])
def test_sam_takes_the_gradient_of_the_same_batch_at_a_step_along_the_first(size):
    config = resolved(["optimizer=sam", "optimizer.rho=0.3", "optimizer.optimizer._target_=optax.sgd"])
    config["optimizer"]["learning_rate"] = 0.1
    optimizer, grad_fn = make_optimizer(config), jax.grad(lambda params, *_: 0.25 * value_fn(params) ** 2)
    grads = grad_fn(PARAMS)
    tried = optax.tree.scale(size, grads)  # its direction alone counts
    found, _ = optimizer.update(tried, optimizer.init(PARAMS), PARAMS, grad_fn=grad_fn, value=0.0)
    norm = optax.tree.norm(grads)
    there = jax.tree.map(lambda leaf, slope: leaf + 0.3 * slope / norm, PARAMS, grads)
    expected = optax.tree.scale(-0.1, grad_fn(there))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)


@pytest.mark.parametrize(
    ("mask", "decays"),
    [("null", {"kernel", "bias"}), ("matrices", {"kernel"}), ('["*bias"]', {"bias"})],
)
@pytest.mark.parametrize("kind", ["adamw", "chain"])
def test_the_mask_says_which_parameters_decay(kind, mask, decays):
    words = ["optimizer=adamw", "optimizer.learning_rate=1", f"optimizer.mask={mask}"]
    if kind == "chain":
        decay = f"[{{_target_: optax.add_decayed_weights, weight_decay: 0.0001, mask: {mask}}}]"
        words = ["optimizer=chain", "optimizer.learning_rate=1", f"optimizer.transforms={decay}"]
    optimizer = make_optimizer(resolved(words))
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    found, _ = optimizer.update(zeros, optimizer.init(PARAMS), PARAMS)
    for name, update in found.items():
        np.testing.assert_allclose(update, -1e-4 if name in decays else 0.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ("matrix", "optimizer.mask must be null, matrices or a list of glob patterns, got 'matrix'"),
        ('["*biass"]', "optimizer.mask: *biass fits no parameter"),
    ],
)
def test_a_mask_that_fits_nothing_is_refused(mask, message):
    with pytest.raises(ConfigError) as caught:
        make_optimizer(resolved(["optimizer=adamw", f"optimizer.mask={mask}"])).init(PARAMS)
    assert message in str(caught.value)
