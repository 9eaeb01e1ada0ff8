"""A watched run: no checkpoint is missed, however soon the run removes it."""

import logging
import shutil
import threading

import pytest

from jaxcrypt.evaluation import watching
from jaxcrypt.evaluation.watching import Watcher


def save(workdir, step, text="arrays"):
    part = workdir / "checkpoints" / f"{step}.orbax-checkpoint-tmp"
    (part / "state").mkdir(parents=True)
    (part / "state" / "data").write_text(text)
    part.rename(workdir / "checkpoints" / str(step))


def remove(workdir, step):
    shutil.rmtree(workdir / "checkpoints" / str(step))


def test_checkpoints_that_the_run_removes_are_held_until_they_are_measured(tmp_path):
    with Watcher(tmp_path, 0.01) as watcher:
        steps, held = watcher.steps(), watcher.folder / "checkpoints"
        save(tmp_path, 2)
        assert next(steps) == 2
        for step in (4, 6, 8, 10):  # the run goes on while step 2 is measured, and keeps one
            save(tmp_path, step, f"at {step}")
            while not (held / str(step)).is_dir():
                pass
            remove(tmp_path, step - 2)
        watcher.release(2)
        for step in (4, 6, 8, 10):
            assert next(steps) == step
            assert (held / str(step) / "state" / "data").read_text() == f"at {step}"
            watcher.release(step)
        assert not list(held.iterdir())
    assert not watcher.folder.exists()
    assert (tmp_path / "checkpoints" / "10").is_dir()


def test_what_is_still_being_written_is_left_alone(tmp_path):
    (tmp_path / "checkpoints" / "3.orbax-checkpoint-tmp-1").mkdir(parents=True)
    save(tmp_path, 5)
    with Watcher(tmp_path, 0.01) as watcher:
        assert next(watcher.steps()) == 5


def test_files_are_linked_and_copied_where_that_cannot_be(tmp_path, monkeypatch):
    save(tmp_path, 1)
    with Watcher(tmp_path, 0.01) as watcher:
        next(watcher.steps())
        held = watcher.folder / "checkpoints" / "1" / "state" / "data"
        assert held.stat().st_ino == (tmp_path / "checkpoints" / "1" / "state" / "data").stat().st_ino

    def refuse(source, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(watching.os, "link", refuse)
    with Watcher(tmp_path, 0.01) as watcher:
        next(watcher.steps())
        assert (watcher.folder / "checkpoints" / "1" / "state" / "data").read_text() == "arrays"


def test_one_that_vanishes_while_it_is_linked_is_named(tmp_path, monkeypatch, caplog):
    for step in (1, 2):
        save(tmp_path, step)

    def too_late(source, target):
        if "/1/" in str(source):
            raise FileNotFoundError(source)
        shutil.copy2(source, target)

    monkeypatch.setattr(watching, "_link", too_late)
    with caplog.at_level(logging.WARNING), Watcher(tmp_path, 0.01) as watcher:
        assert next(watcher.steps()) == 2
    assert "step 1: its checkpoint was removed before it could be held" in caplog.text


def test_a_failure_of_the_thread_is_raised_where_steps_are_asked_for(tmp_path, monkeypatch):
    def broken(self):
        raise PermissionError("checkpoints")

    monkeypatch.setattr(Watcher, "look", broken)
    before = threading.active_count()
    with Watcher(tmp_path, 0.01) as watcher, pytest.raises(PermissionError):
        next(watcher.steps())
    assert threading.active_count() == before
