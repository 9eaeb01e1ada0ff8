"""The table of linkage: a System whose cipher pictures have another shape than photos stands in it too."""

from jaxcrypt.evaluation.suites import linkage


def test_a_comparison_that_a_system_has_not_is_left_empty():
    link = {"share": 0.5, "p": 0.01, "likeness": 0.1}
    values = {"mixing": {"norm": link, "block means": link}, "autoencoder": {"norm": link}}
    facts = {"pictures": 12, "setting": {"crop": 64, "seed": 0}, "values": values}
    for ordered in (values, dict(reversed(values.items()))):
        lines = linkage.table({**facts, "values": ordered}).splitlines()
        cells = {line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:-1]] for line in lines[2:]}
        head = cells["cipher"]
        assert cells["autoencoder"][head.index("block means")] == ""
        assert cells["mixing"][head.index("block means")] == "50%, p 0.01"
