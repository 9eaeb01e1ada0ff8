"""Runs a real command (`train`, `evaluate`, `export`) with the toy System and its data in their places.

python -m tests.training.toy_command train --config … --workdir …
"""

import importlib
import sys

import jaxcrypt.data
from jaxcrypt.declared import Entry
from jaxcrypt.systems import catalog
from tests.training import toys

catalog._ENTRIES["toy"] = Entry("toy", "tests.training.toys", "a toy")
jaxcrypt.data.pipeline = toys.pipeline

if __name__ == "__main__":
    command = importlib.import_module(f"jaxcrypt.{sys.argv.pop(1)}")
    command.run()
