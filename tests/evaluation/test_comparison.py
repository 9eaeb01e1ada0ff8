"""A comparison: which parts it runs, how it goes on after a stop, and its one page."""

import json
import os
import re
import shlex
from html.parser import HTMLParser

import pytest

from jaxcrypt import compare
from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation import documented, suites
from jaxcrypt.evaluation.comparison import running
from jaxcrypt.evaluation.comparison.joining import joined
from jaxcrypt.evaluation.comparison.page import markdown_to_html, page
from jaxcrypt.evaluation.comparison.plan import Part, What, folder_of, plan
from jaxcrypt.evaluation.comparison.running import Done, read, run_all
from jaxcrypt.evaluation.comparison.summary import summary
from jaxcrypt.evaluation.report import markdown
from jaxcrypt.evaluation.suites import broken
from jaxcrypt.systems import catalog

CROPPED = ("damage", "costs", "rates", "linkage", "ciphers", "hiding")
COSTS = {
    "values": {
        "AES": {"bytes": [1.0], "pixels_only": [], "psnr": [], "seal": [0.01], "unseal": [0.02]},
        "mixing": {"bytes": [2.0], "pixels_only": [1.5], "psnr": [45.0], "seal": [0.1], "unseal": [0.3]},
    }
}
DAMAGE = {
    "values": {"nothing": {"AES": ["exact"], "mixing": [45.5]}, "noise": {"AES": [None], "mixing": [39.25]}}
}
ATTACKS = {"rows": [{"verdict": "FALLS", "p": 1e-5}, {"verdict": "as chance", "p": 0.4}]}
MACHINE = {"commit": "abc", "machine": {"cores": 2, "device": "cpu"}, "versions": {"jax": "0"}}


def part(suite, system="mixing", alone=False):
    return Part(f"{suite}-{system}" if alone else suite, suite, (system,), (suite, "--data", "d"))


def test_every_system_is_in_every_suite_that_measures_it():
    parts = plan(What(("photos",)))
    assert len({part.name for part in parts}) == len(parts)
    offered = [name for name in catalog.NAMES if catalog.entry(name).offered]
    for suite in ("costs", "damage", "ciphers", "attacks", "hiding", "regions", "faces"):
        measured = {system for part in parts if part.suite == suite for system in part.systems}
        assert measured == {name for name in offered if suites.SUITES[suite].wants(catalog.entry(name))}


def test_parts_are_command_lines_that_evaluate_takes():
    from jaxcrypt import evaluate

    for one in plan(What(("photos",), crop=64, limit=3, seed=2, quick=True)):
        args = evaluate.parse(one.suite, one.arguments[1:])
        assert args.crop == (64 if one.suite in CROPPED else suites.SUITES[one.suite].crop)
        assert args.limit == (12 if one.suite == "linkage" else 3)
        assert args.seed == 2


def test_adversaries_learn_on_pictures_of_their_own():
    parts = plan(What(("photos",), known="others", suites=("attacks", "hiding", "damage")))
    told = {part.suite: "--known others" in " ".join(part.arguments) for part in parts}
    assert told == {"attacks": True, "hiding": True, "damage": False}
    (hiding,) = plan(What(("photos",), known="others", limit=12, suites=("hiding",)))
    assert "--known" not in hiding.arguments  # a detector that learnt on 12 pairs says nothing


def test_unknown_suites_and_systems_are_refused():
    with pytest.raises(Refusal, match="--suite damages: choose from"):
        plan(What(("photos",), suites=("damages",)))
    with pytest.raises(Refusal, match="did you mean mixing"):
        plan(What(("photos",), systems=("mixin",)))


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Parts whose processes write results and count themselves; the one called ``bad`` fails."""

    def command(part, output):
        folder = folder_of(part, output)
        facts = {"command": shlex.join(["python", *words(part, output)]), "values": {}}
        program = (
            f"import pathlib, sys; folder = pathlib.Path({str(folder)!r})\n"
            f"(folder / 'runs').open('a').write('x')\n"
            f"if {part.systems[0]!r} == 'bad': sys.exit('jaxcrypt: nothing works')\n"
            f"(folder / '{part.suite}.json').write_text({json.dumps(facts)!r})\n"
            f"(folder / '{part.suite}.png').write_bytes(b'png')\n"
        )
        return ["-c", program]

    words = running.command_of
    monkeypatch.setattr(running, "_process_of", command)
    return lambda part: (folder_of(part, tmp_path) / "runs").read_text()


def test_what_is_done_is_not_done_again(parts, tmp_path):
    both = [part("costs"), part("damage")]
    first = run_all(both[:1], tmp_path)
    again = run_all(both, tmp_path)
    assert [done.failure for done in again] == ["", ""]
    assert again[0] == first[0]
    assert [parts(one) for one in both] == ["x", "x"]


def test_other_arguments_make_other_results(parts, tmp_path):
    run_all([part("costs")], tmp_path)
    other = Part("costs", "costs", ("mixing",), ("costs", "--data", "d", "--seed", "1"))
    assert read(other, tmp_path) is None
    assert run_all([other], tmp_path)[0].failure == ""
    assert parts(other) == "xx"


def test_a_part_that_fails_costs_itself_alone(parts, tmp_path):
    done = run_all([part("damage", "bad"), part("costs")], tmp_path)
    assert [one.failure for one in done] == ["jaxcrypt: nothing works", ""]
    assert run_all([part("damage", "bad")], tmp_path)[0].failure == "jaxcrypt: nothing works"
    assert parts(part("damage", "bad")) == "xx"


def test_parts_run_side_by_side_and_keep_their_order(parts, tmp_path):
    names = ["mixing", "bad", "logistic", "denoiser"]
    done = run_all([part("ciphers", name, alone=True) for name in names], tmp_path, jobs=3)
    assert [one.part.systems[0] for one in done] == names
    assert [bool(one.failure) for one in done] == [False, True, False, False]


def test_what_is_not_done_in_time_is_told_and_done_the_next_time(parts, tmp_path, monkeypatch):
    def never(part, output):
        return ["-c", "import time; time.sleep(60)"]

    quick, slow = part("costs"), part("damage")
    run_all([quick], tmp_path)
    process_of = running._process_of
    monkeypatch.setattr(running, "_process_of", never)
    done = run_all([quick, slow], tmp_path, jobs=2, minutes=0.02)
    assert [one.failure for one in done] == ["", running.OUT_OF_TIME]
    monkeypatch.setattr(running, "_process_of", process_of)
    assert [one.failure for one in run_all([quick, slow], tmp_path)] == ["", ""]
    assert parts(quick) == "x"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be shared out here")
def test_every_part_has_cores_and_as_many_as_go(monkeypatch):
    monkeypatch.setattr(running.os, "sched_getaffinity", lambda _: set(range(16)))
    shares = [running.cores_of(share, 5) for share in range(5)]
    assert set.union(*shares) == set(range(16))
    assert sum(map(len, shares)) == 16
    monkeypatch.setattr(running.os, "sched_getaffinity", lambda _: {3, 5})
    assert all(running.cores_of(share, 3) <= {3, 5} and running.cores_of(share, 3) for share in range(3))


def test_parts_of_one_suite_are_joined_as_the_suite_would_have_it():
    def one(name, psnr):
        facts = {
            "suite": "damage",
            "command": f"python -m jaxcrypt.evaluate damage --data d --system {name} --seed 1",
            "setting": {"systems": [name], "crop": 8, "seed": 1},
            "pictures": 1,
            "flat": 12.0,
            "values": {"nothing": {"AES": ["exact"], name: [psnr]}},
        }
        arguments = ("damage", "--data", "d", "--system", name, "--seed", "1")
        return Done(Part(f"damage-{name}", "damage", (name,), arguments), facts, b"png")

    lost = Done(part("damage", "bad", alone=True), None, failure="no memory")
    alone = Done(part("attacks", alone=True), ATTACKS)
    (damage, attacks) = joined([one("mixing", 45.5), lost, one("denoiser", 53.0), alone])
    assert attacks is alone
    assert damage.part.name == "damage"
    assert damage.facts["values"] == {"nothing": {"AES": ["exact"], "mixing": [45.5], "denoiser": [53.0]}}
    assert damage.facts["setting"]["systems"] == ["mixing", "denoiser"]
    assert damage.facts["command"].endswith("--data d --system mixing --system denoiser --seed 1")
    assert damage.failure == "bad: no memory"
    assert damage.plot.startswith(b"\x89PNG")


def test_summary_has_a_row_for_everything_measured():
    done = [
        Done(part("costs"), COSTS),
        Done(part("damage"), DAMAGE),
        Done(part("attacks", alone=True), ATTACKS),
    ]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in summary(done).split("\n")]
    table = {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[2:]}
    assert table["mixing"]["pixels give back, dB"].startswith("45.0")
    assert table["mixing"]["noise"].startswith("39.2")
    assert table["mixing"]["attacks that found something"] == "1 of 2, least p 1e-05"
    assert table["AES"]["noise"] == "nothing"
    assert table["AES"]["nothing"].startswith("exact")


def test_parts_without_a_system_stand_on_the_page_too():
    row = {"scheme": "s", "attack": "a", "granted": "g", "found": "f", "p": 1e-5, "gain": None, "falls": True}
    facts = {"command": "c", "rows": [row], "pictures": 24, "side": 128, "files": 3, "setting": {"seed": 0}}
    done = [Done(part("costs"), {**COSTS, "command": "c"}), Done(Part("broken", "broken", ()), facts)]
    seen = _Seen()
    seen.feed(page("x", {**MACHINE, "systems": []}, done, {"broken": broken.table(facts)}))
    assert "Published schemes" in seen.text
    assert "24 windows of 128×128 of 3 pictures, seed 0" in seen.text


class _Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.anchors, self.text = [], [], [], ""

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.tags.append(tag)
        self.links += [facts[name] for name in ("href", "src") if name in facts]
        self.anchors += [facts["id"]] if "id" in facts else []

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_from_elsewhere_and_shows_names_as_they_are():
    facts = {**COSTS, "command": "python <b>"}
    done = [Done(part("costs"), facts, b"png"), Done(part("damage", "bad"), None, failure="no <i>memory</i>")]
    seen = _Seen()
    seen.feed(
        page(
            "python -m x '<script>'",
            {**MACHINE, "systems": ["a<b"]},
            done,
            {"costs": "a & <u>\n\n| h |\n| - |\n| 1 |"},
        )
    )
    assert "script" not in seen.tags
    assert not {"b", "i", "u"} & set(seen.tags)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in seen.links)
    assert {link[1:] for link in seen.links if link.startswith("#")} == set(seen.anchors)
    assert "no <i>memory</i>" in seen.text
    assert "a & <u>" in seen.text


def test_tables_keep_their_cells():
    text = markdown(["", "a|b"[:1]], [["x", "1"], ["`y`", ""]])
    cells = re.findall(r"<td>(.*?)</td>", markdown_to_html(text))
    assert cells == ["x", "1", "<code>y</code>", ""]


def test_a_folder_without_pictures_is_refused_before_any_part(tmp_path, capsys):
    assert compare.main(["--data", str(tmp_path), "-o", str(tmp_path / "out")]) == 3
    assert "no pictures" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_documents_stand_as_their_results_have_them():
    assert [path.name for path, _ in documented.stale()] == []


def test_a_table_is_made_anew_from_its_results(tmp_path):
    shown = {"pictures": 1, "setting": {"crop": None, "seed": 0}, "refused": {}, **COSTS}
    facts = {"suite": "costs", "command": "python -m x", **MACHINE, **shown}
    (tmp_path / "mine.json").write_text(json.dumps(facts))
    text = "before\n<!-- results: mine -->\nold\n<!-- end of results -->\nafter\n"
    new = documented.renewed(text, tmp_path)
    assert "| mixing | 2.00 " in re.sub(" +", " ", new)
    assert "`python -m x` (2 cores, cpu, commit abc)" in new
    assert "old" not in new
    assert new.startswith("before\n<!-- results: mine -->\n")
    assert new.endswith("<!-- end of results -->\nafter\n")
    assert documented.renewed(new, tmp_path) == new
    with pytest.raises(Refusal, match=r"lost\.json: not what a suite"):
        documented.renewed(text.replace("mine", "lost"), tmp_path)


def _written(folder, name, suite="costs", **facts):
    shown = {"pictures": 1, "setting": {"crop": None, "seed": 0}, "refused": {}, **COSTS, **facts}
    whole = {"suite": suite, "command": f"python -m {name}", **MACHINE, **shown}
    (folder / f"{name}.json").write_text(json.dumps(whole))


def test_a_number_in_a_sentence_is_made_anew_from_its_results(tmp_path):
    _written(tmp_path, "mine", values={"JPEG 90, 4:4:4": {"A": [40.0, 41.0], "B": ["exact"]}}, flat=12.34)
    template = "{mine/values/JPEG 90, 4:4:4/A; .1f} dB, {mine/values/JPEG 90, 4:4:4/B; .0f}, {mine/flat; .0f}"
    text = f"| a | <!-- numbers: {template} -->old<!-- end of numbers --> |"
    new = documented.renewed(text, tmp_path)
    assert new == text.replace("old", "40.5 dB, exact, 12")
    assert documented.renewed(new, tmp_path) == new
    with pytest.raises(Refusal, match=r"mine\.json: nothing called JPEG 9, 4:4:4 on the way values/JPEG 9"):
        documented.renewed(text.replace("JPEG 90", "JPEG 9"), tmp_path)


def test_results_of_several_systems_stand_side_by_side(tmp_path):
    def row(verdict, **more):
        return {
            "attack": "a",
            "granted": "g",
            "found": "f",
            "p": 0.25,
            "gain": None,
            "verdict": verdict,
            **more,
        }

    control = {"control": row("FALLS")}
    _written(tmp_path, "one", "attacks", system="mixing", rows=[row("as chance", **control)])
    _written(tmp_path, "two", "attacks", system="other", rows=[row("FALLS", **control)])
    new = documented.renewed("<!-- results: one two -->\n<!-- end of results -->", tmp_path)
    assert re.sub(" +", " ", new).split("\n")[2:5:2] == [
        "| attack | the adversary has | mixing | other | control |",
        "| a | g | p 0.2 | FALLS: p 0.2 | falls, 2 of 2 |",
    ]
    assert "`python -m one`, `python -m two` (2 cores, cpu, commit abc)" in new
