"""What XLA is told about convolutions on CPU."""

import logging
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.training.compiling import compiled
from jaxcrypt.training.defaults import check, complete
from tests.training import toys


class Lowered:
    """Stands for a lowered program whose compiler knows the options ``known``."""

    def __init__(self, *known):
        self.known, self.told = known, []

    def compile(self, compiler_options=None):
        self.told.append(compiler_options)
        for name in compiler_options or ():
            if name not in self.known:
                raise jax.errors.JaxRuntimeError(f"INVALID_ARGUMENT: No such compile option: '{name}'")
        return "program"


def of_library(program):
    """The computations that the library YNNPACK gets of a program, as HLO."""
    text = program.as_text()
    names = re.findall(r"kind=kCustom, calls=%([\w.]+)", text)
    return [block for block in text.split("\n\n") if block.strip("%").split(" ")[0] in names]


def test_eigen_computes_the_same_gradients_of_kernels():
    rng = np.random.default_rng(0)
    kernel, x = (
        jnp.asarray(rng.normal(size=size), jnp.float32) for size in ((3, 3, 64, 64), (32, 16, 16, 64))
    )

    def loss(kernel):
        dims = ("NHWC", "HWIO", "NHWC")
        return jnp.mean(
            jnp.square(jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=dims))
        )

    lowered = jax.jit(jax.grad(loss)).lower(kernel)
    by_xla, by_eigen = (compiled(lowered, choice) for choice in ("xla", "eigen"))
    np.testing.assert_allclose(by_xla(kernel), by_eigen(kernel), rtol=1e-3, atol=1e-4)
    assert not [block for block in of_library(by_eigen) if "convolution(" in block]


def test_each_choice_tells_the_compiler_what_it_says():
    option = "xla_cpu_experimental_ynn_fusion_type"
    lowered = Lowered(option)
    assert compiled(lowered, "xla") == compiled(lowered, "eigen") == "program"
    by_default, (told,) = lowered.told[0], lowered.told[1].items()
    assert by_default is None
    assert told[0] == option
    assert "CONVOLUTION" not in told[1]
    assert "REDUCE" in told[1]


def test_sums_stay_with_the_library():
    x = jnp.ones((8, 16, 16, 64))
    lowered = jax.jit(lambda x: x.sum((0, 1, 2))).lower(x)
    by_xla, by_eigen = (compiled(lowered, choice) for choice in ("xla", "eigen"))
    np.testing.assert_array_equal(by_xla(x), by_eigen(x))
    assert len(of_library(by_xla)) == len(of_library(by_eigen))


def test_a_jaxlib_with_other_kinds_says_so_and_goes_on(caplog):
    class Other(Lowered):
        def compile(self, compiler_options=None):
            if compiler_options:
                raise jax.errors.JaxRuntimeError("INVALID_ARGUMENT: 'X' is not a valid enum value.")
            return super().compile()

    with caplog.at_level(logging.WARNING, "jaxcrypt"):
        assert compiled(Other(), "eigen") == "program"
    assert len(caplog.messages) == 1


def test_a_jaxlib_without_the_choice_says_so_and_goes_on(caplog):
    lowered = Lowered()
    with caplog.at_level(logging.WARNING, "jaxcrypt"):
        assert compiled(lowered, "eigen") == "program"
    assert lowered.told[-1] is None
    (line,) = caplog.messages
    assert line == "config.train.cpu_convolutions=eigen: left out; this jaxlib has no such choice"


def test_another_error_of_the_compiler_is_its_own():
    class Broken(Lowered):
        def compile(self, compiler_options=None):
            raise jax.errors.JaxRuntimeError("INTERNAL: out of registers")

    with pytest.raises(jax.errors.JaxRuntimeError, match="out of registers"):
        compiled(Broken(), "eigen")


def test_an_unknown_choice_is_refused():
    with pytest.raises(Refusal, match=r"cpu_convolutions=eigne: unknown; did you mean .*eigen\?"):
        check(complete(toys.config(cpu_convolutions="eigne")))
