"""The smallest experiment: 12 steps of the toy System."""

from tests.training import toys


def get_config():
    config = toys.config()
    config.model.gan = False
    config.data.validation = 24
    config.data.delay = 0.0
    return config
