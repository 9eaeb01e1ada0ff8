"""How much of a program is convolutions and matrix products, and in which precision.

A product of ``[.., m, k]`` by ``[.., k, n]`` counts 2·m·k·n operations, a convolution twice the size of what
it gives times what it sums for each of them; the body of a ``scan`` counts as often as it runs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr

LEAST_SHARE = 0.8  # of the products that a precision must reach to be worth its name


def product_flops(function: Callable, *args: Any) -> Counter[str]:
    """Operations of the convolutions and products of ``function(*args)`` by the wider dtype of their inputs.

    ``args`` are arrays or their shapes; nothing is compiled or run.
    """
    return _count(jax.make_jaxpr(function)(*args).jaxpr)


def share_in(flops: Counter[str], precision: str) -> float:
    """The part of ``flops`` that is in ``precision``, from 0 to 1; 1 where there is nothing to speed up."""
    return flops[precision] / flops.total() if flops.total() else 1.0


def _count(jaxpr: Jaxpr) -> Counter[str]:
    operations: Counter[str] = Counter()
    for equation in jaxpr.eqns:
        summed = _SUMMED.get(equation.primitive.name)
        if summed is not None:
            left, right = (variable.aval for variable in equation.invars[:2])
            widest = max(left.dtype, right.dtype, key=lambda dtype: dtype.itemsize)
            size = math.prod(equation.outvars[0].aval.shape)
            operations[str(widest)] += 2 * size * summed(equation.params, left.shape, right.shape)
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        for inner in _inner(list(equation.params.values())):
            for dtype, count in _count(inner).items():
                operations[dtype] += times * count
    return operations


def _inner(values: Any) -> Iterator[Jaxpr]:
    for value in values:
        if isinstance(value, ClosedJaxpr):
            yield value.jaxpr
        elif isinstance(value, Jaxpr):
            yield value
        elif isinstance(value, list | tuple):
            yield from _inner(value)


def _summed_by_product(params: dict[str, Any], left: tuple[int, ...], right: tuple[int, ...]) -> int:
    (axes, _), _ = params["dimension_numbers"]
    return math.prod(left[axis] for axis in axes)


def _summed_by_convolution(params: dict[str, Any], left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Of an input that is spread out (a strided convolution's gradient), the zeros between are no work."""
    spread = math.prod(params["lhs_dilation"] or (1,))
    return math.prod(right) // right[params["dimension_numbers"].rhs_spec[0]] // spread


_SUMMED = {"dot_general": _summed_by_product, "conv_general_dilated": _summed_by_convolution}
