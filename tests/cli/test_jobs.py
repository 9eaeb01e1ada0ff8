"""What the command line names becomes jobs: nothing that someone would miss is passed over in silence."""

import os
import threading

import pytest

from jaxcrypt.cli.jobs import Report, plan_jobs
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import is_other_picture_name, is_picture_name, picture_size

KINDS = is_picture_name, is_other_picture_name


def tree(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return str(root)


def names(jobs, root):
    return [str(job.source.relative_to(root)) for job in jobs]


def test_folders_in_natural_order(tmp_path):
    root = tree(tmp_path / "in", "image10.png", "image2.PNG", "b/1.jpg")
    jobs = plan_jobs([root], str(tmp_path / "out"), *KINDS)
    assert names(jobs, root) == ["b/1.jpg", "image2.PNG", "image10.png"]
    assert jobs[0].target == tmp_path / "out" / "b"


def test_pictures_that_are_not_read_fail_by_name(tmp_path, capsys):
    root = tree(tmp_path / "in", "a.png", "raw.cr2", "drawing.svg", "notes.txt", ".hidden.cr2", "Thumbs.db")
    jobs = plan_jobs([root], str(tmp_path / "out"), *KINDS)
    assert names(jobs, root) == ["a.png", "drawing.svg", "raw.cr2"]
    report = Report(jobs, as_json=False)
    report.done(jobs[0], tmp_path / "out", "fine")
    for job in jobs[1:]:
        with pytest.raises(Refusal, match="--skip-unsupported") as refused:
            job.read()
        report.refused(job, refused.value)
    assert report.close() == ExitCode.FAILED
    assert "2 of 3 files failed" in capsys.readouterr().err


def test_skip_unsupported_says_that_one_knows(tmp_path, capsys):
    root = tree(tmp_path / "in", "a.png", "raw.cr2")
    jobs = plan_jobs([root], str(tmp_path / "out"), *KINDS, skip_unsupported=True)
    assert names(jobs, root) == ["a.png"]
    assert "passed over: " in capsys.readouterr().err
    (tmp_path / "in" / "a.png").unlink()
    with pytest.raises(Refusal, match="nothing but"):
        plan_jobs([root], str(tmp_path / "out"), *KINDS, skip_unsupported=True)


def test_folders_that_cannot_be_walked_fail_by_name(tmp_path, monkeypatch):
    root = tree(tmp_path / "in", "a.png", "locked/b.png")
    real = os.scandir

    def guarded(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    for misses in (KINDS, KINDS[:1]):
        jobs = plan_jobs([root], str(tmp_path / "out"), *misses)
        assert names(jobs, root) == ["a.png", "locked"]
        with pytest.raises(Refusal, match="locked: cannot be read"):
            jobs[1].read()


def test_a_pipe_in_a_folder_keeps_nobody_waiting(tmp_path):
    root = tree(tmp_path / "in", "a.png")
    os.mkfifo(tmp_path / "in" / "b.png")
    jobs = plan_jobs([root], str(tmp_path / "out"), *KINDS)
    with pytest.raises(Refusal, match="a pipe or a device"):
        jobs[1].read()


def test_pipes_are_opened_once(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    (job,) = plan_jobs([str(pipe)], str(tmp_path / "out.png"), *KINDS)
    assert picture_size(pipe) is None  # without opening it, which would wait for a writer
    writer = threading.Thread(target=pipe.write_bytes, args=(b"all of it",))
    writer.start()
    assert job.read() == b"all of it"
    writer.join()
    assert job.file_name == "pipe.png"


def test_descriptors_are_stdin_stdout_or_have_no_name(tmp_path):
    for name in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
        (job,) = plan_jobs([name], "x.png", *KINDS)
        assert (job.source, job.name, job.file_name) == (None, "stdin", "picture")
    (job,) = plan_jobs([tree(tmp_path, "a.png") + "/a.png"], "/dev/stdout", *KINDS)
    assert job.target is None
    read, write = os.pipe()
    try:
        (job,) = plan_jobs([f"/dev/fd/{read}"], None, *KINDS)  # what <(…) of a shell becomes
        os.write(write, b"substituted")
        os.close(write)
        assert job.target is None
        assert job.file_name == "picture"
        assert job.read() == b"substituted"
    finally:
        os.close(read)
