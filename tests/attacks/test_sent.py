"""Pictures as they are sent, against those of flat photos."""

import numpy as np
import pytest

from jaxcrypt.attacks import pictures, sent
from jaxcrypt.attacks.rows import FALLS


@pytest.fixture(scope="module")
def small(judged):
    return pictures.windows(judged, 64, 12, 3, 0)


def test_digits_show_nothing_of_the_file(small):
    """Keys are fresh, so p itself is left open: what shows has far smaller ones."""
    way = {"options": {"robust": "exact", "survives": "75"}, "pixels": 26.0}
    rows = sent.rows("logistic", small, 0, way)
    assert [row.attack.rpartition(": ")[2] for row in rows] == ["statistics", "block means"]
    assert min(row.p for row in rows) > 1e-6
    assert all(row.control.p < 1e-3 for row in rows)


def test_what_shows_the_photo_falls(small, monkeypatch):
    def shown(self, files):
        return np.stack([np.asarray(sent.load_picture(file).pixels) for file in files])

    monkeypatch.setattr(sent._Sender, "sent", shown)
    rows = sent.rows("logistic", small, 0, {"options": {}})
    assert {row.verdict for row in rows} == {FALLS}
