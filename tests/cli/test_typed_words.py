"""What is typed for a name stays as it was typed; numbers, choices and null stay what they are."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.typed_words import as_typed


@pytest.mark.parametrize(
    ("verb", "word", "typed"),
    [
        ("reconstruct", "output_dir=2024_05_01", "output_dir='2024_05_01'"),
        ("reconstruct", "output_dir=1e3,runs", "output_dir='1e3',runs"),
        ("reconstruct", "data.name=1_2", "data.name='1_2'"),
        ("reconstruct", "++data.name=true", "++data.name='true'"),
        ("reconstruct", "data.path=20240501", "data.path='20240501'"),
        ("reconstruct", "data.metadata=12", "data.metadata='12'"),
        ("reconstruct", "scores.lpips.weights_path=7", "scores.lpips.weights_path='7'"),
        ("backproject", "reference=12", "reference='12'"),
        ("train", "output_dir=1", "output_dir='1'"),
        ("collect", "table_csv=5", "table_csv='5'"),
        ("export", "output_dir=2_0", "output_dir='2_0'"),
    ],
)
def test_a_name_stays_as_typed(verb: str, word: str, typed: str) -> None:
    assert as_typed(verb, [word]) == [typed]


@pytest.mark.parametrize(
    "word",
    [
        *("compression=2.5", "compression=2,4", "seed=1_000", "operator.block_size=8", "reconstructor.weight=0.1"),
        *("particles=12", "threads=4", "write_images=false", "data.pixel_size_angstrom=1.2", "shard.count=2"),
        *(
            "data=simulated",
            "output_dir=null",
            "output_dir=runs/2024_05_01",
            "data.name=set_1",
            "-m",
            "--cfg",
            "hydra.job.num=3",
        ),
        *("fitting.relative_weights=[1,2]", "data.overrides=['count=5']", "noise.sigma=1e-3", "no.such.key=4"),
    ],
)
def test_the_others_are_left_alone(word: str) -> None:
    assert as_typed("reconstruct", [word]) == [word]


AWKWARD = [
    "Müller/réf.star",
    "particles (1).star",
    "it's",
    'a "b"',
    "a=b",
    "~/x",
    "100%",
    "x[1]",
    "o{1}",
    "{a",
    "#3",
    "a;b&c",
    "a\\",
]
AWKWARD += ["ü'\\", "日本", "a@b", "1,2ü", "'half", "*"]


def test_names_with_marks_of_hydras_grammar_arrive_as_typed() -> None:
    for name in AWKWARD:
        words = as_typed("reconstruct", [f"data.path={name}", f"output_dir=x/{name}"])
        assert [OverridesParser.create().parse_override(word).value() for word in words] == [name, f"x/{name}"]


def test_sweeps_over_such_names_are_sweeps() -> None:
    assert as_typed("reconstruct", ["-m", "data.path=ü.star,b (1).star"])[1] == "data.path='ü.star','b (1).star'"
    assert as_typed("reconstruct", ["-m", "data.path=a.star,b.star"])[1] == "data.path=a.star,b.star"
    assert as_typed("reconstruct", ["compression=ü"]) == ["compression=ü"]


def test_hydra_composes_what_was_typed() -> None:
    words = as_typed("reconstruct", ["output_dir=2024_05_01", "data=stack", "data.path=1e3", "data.name=1_2", "compression=4"])
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("reconstruct", overrides=words)
    assert (cfg.output_dir, cfg.data.path, cfg.data.name, cfg.compression) == ("2024_05_01", "1e3", "1_2", 4)
