"""``import cryosense as cs`` is enough, costs nothing, and is known to type checkers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cryosense as cs

FIVE_LINES = """
import torch
import cryosense as cs
A = cs.FourierSampling(cs.masks.radial(32, kept_fraction=0.4, seed=0))
R = cs.Sparse(cs.TotalVariation(), weight=0.1)
print(R(A(torch.rand(1, 1, 32, 32)), A).x.shape)
"""


def test_every_name_is_there() -> None:
    stub = ast.parse((Path(cs.__file__).parent / "__init__.pyi").read_text())
    names = {alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names <= set(dir(cs))
    for name in names:
        assert getattr(cs, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        cs.nothing  # noqa: B018


def test_the_import_alone_loads_no_library() -> None:
    code = "import sys, cryosense as cs; print(cs.__version__, sorted({'torch', 'numpy', 'hydra'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == [cs.__version__, "[]"]


def test_five_lines_measure_and_reconstruct() -> None:
    said = subprocess.run([sys.executable, "-c", FIVE_LINES], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "torch.Size([1, 1, 32, 32])"


@pytest.mark.slow
def test_type_checkers_see_the_types(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(f"{FIVE_LINES}\nreveal_type(R(A(torch.rand(1, 1, 32, 32)), A))\n")
    said = subprocess.run([sys.executable, "-m", "mypy", "--strict", "user.py"], cwd=tmp_path, capture_output=True, text=True)
    assert "Revealed type is" in said.stdout
    assert "Estimate" in said.stdout
    assert said.returncode == 0, said.stdout
