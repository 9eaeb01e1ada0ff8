"""XLA flags of the tests, for themselves and for the processes that they start (this imports no JAX).

To compile costs the tests far more than to run what was compiled, so LLVM is told not to optimise, and not to
generate MLIR for every fusion: together that is two to three times less. XLA's threads would only wait for
each other where a process for every core runs tests.
"""

from importlib.metadata import version

_FUSION_EMITTERS = " --xla_cpu_use_fusion_emitters=false"  # a flag that jaxlib 0.11 has no more
FLAGS = "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
FLAGS += " --xla_cpu_multi_thread_eigen=false"
FLAGS += _FUSION_EMITTERS if version("jaxlib").startswith("0.10.") else ""
