"""Runs a real command (`train`, `evaluate`, `export`) with the toy System and its data in their places.

python -m tests.training.toy_command train --config … --workdir …

TOY_PATIENCE: the seconds after which a host without a sign of life is taken to be lost.
"""

import importlib
import os
import sys

import jaxcrypt.data
from jaxcrypt.declared import Entry
from jaxcrypt.systems import catalog
from jaxcrypt.training import watch
from tests.training import toys

catalog._ENTRIES["toy"] = Entry("toy", "tests.training.toys", "a toy")
jaxcrypt.data.pipeline = toys.pipeline
watch.PATIENCE = float(os.environ.get("TOY_PATIENCE", watch.PATIENCE))

if __name__ == "__main__":
    command = importlib.import_module(f"jaxcrypt.{sys.argv.pop(1)}")
    command.run()
