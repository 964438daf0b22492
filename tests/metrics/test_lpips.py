"""LPIPS against the published triplet and the original package; nothing here needs network."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from cryosense.metrics import Lpips
from cryosense.metrics.lpips import _default, lpips
from cryosense.metrics.weights import empty_alexnet_features, torchvision_features


def random_features(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {name: value.shape for name, value in empty_alexnet_features().state_dict().items()}
    return {name: torch.randn(shape, generator=generator) / shape.numel() ** 0.25 for name, shape in shapes.items()}


def original_lpips(features: dict[str, Tensor]) -> torch.nn.Module:
    """The ``lpips`` package's own network with these convolutions."""
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        import lpips as package

        network = package.LPIPS(net="alex", pnet_rand=True, verbose=False)
    numbers = {f"net.slice{i}.{name}": value for i in range(1, 6) for name, value in features.items()}
    known = network.state_dict()
    network.load_state_dict({name: value for name, value in numbers.items() if name in known}, strict=False)
    return network


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty torch cache and a network that is not there."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    torchvision_features.cache_clear()
    _default.cache_clear()
    yield tmp_path
    torchvision_features.cache_clear()
    _default.cache_clear()


def test_equals_the_original_package_in_every_pass_size() -> None:
    features = random_features()
    x, reference = torch.rand(2, 35, 1, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    ours = Lpips(features)(x, reference)
    with torch.no_grad():
        theirs = original_lpips(features)(x.expand(-1, 3, -1, -1), reference.expand(-1, 3, -1, -1)).flatten()
    torch.testing.assert_close(ours.float(), theirs, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours[33:34], Lpips(features)(x[33:34], reference[33:34]), rtol=1e-5, atol=1e-7)


def test_published_triplet_and_golden_pairs(reference_data: Path) -> None:
    network = Lpips.load(reference_data / "lpips" / "alexnet_features.npz")
    assert network is not None
    images = {name: np.asarray(Image.open(reference_data / "lpips" / f"ex_{name}.png")) for name in ("ref", "p0", "p1")}
    colour = {name: torch.from_numpy(image / 127.5 - 1).float().permute(2, 0, 1)[None] for name, image in images.items()}
    assert f"{network._distance(colour['ref'], colour['p0']).item():.4f}" == "0.7219"
    assert f"{network._distance(colour['ref'], colour['p1']).item():.4f}" == "0.1376"
    particle = 2 * torch.load(reference_data / "real" / "empiar10076_particle_128.pt", weights_only=True)[None] - 1
    for name, expected in (("pixel_K2_M2", "0.0979"), ("fourier_uniform_p05", "0.1695")):
        reconstruction = torch.load(reference_data / "real" / f"reference_dct_{name}.pt", weights_only=True)
        assert f"{network(reconstruction, particle).item():.4f}" == expected


def test_weights_load_from_npz_and_from_a_state_dictionary(tmp_path: Path) -> None:
    state = {f"features.{name}": value for name, value in random_features().items()}
    np.savez(tmp_path / "alexnet.npz", **{name: value.numpy() for name, value in state.items()})
    torch.save(state | {"classifier.1.bias": torch.zeros(4096)}, tmp_path / "alexnet.pth")
    x, reference = torch.rand(2, 1, 1, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    distances = [network(x, reference) for name in ("npz", "pth") if (network := Lpips.load(tmp_path / f"alexnet.{name}"))]
    assert torch.equal(*distances)


def test_without_weights_and_network_one_warning_and_an_empty_column(no_network: Path) -> None:
    with pytest.warns(UserWarning, match=r"LPIPS is left empty.*no route to host.*alexnet-owt") as caught:
        assert Lpips.load(None) is None
    assert len(caught) == 1
    assert str(no_network) in str(caught[0].message)
    assert Lpips.load(None) is None  # a second warning would be an error here
    assert torch.isnan(lpips(torch.zeros(2, 1, 32, 32), torch.zeros(2, 1, 32, 32))).all()


def test_torchvision_cache_is_used_without_network(no_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = no_network / "checkpoints" / "alexnet-owt-7be5be79.pth"
    cached.parent.mkdir()
    torch.save({f"features.{name}": value for name, value in random_features().items()}, cached)
    network = Lpips.load(None)
    assert isinstance(network, Lpips)
    assert torch.equal(network.slices[0][0].bias, random_features()["0.bias"])


@pytest.mark.parametrize("content", ["nothing", "text", "pickle", "other"])
def test_a_named_file_that_cannot_serve_is_an_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if content == "text":
        path.write_text("not weights")
    elif content == "pickle":
        path.write_bytes(pickle.dumps(Path, protocol=2))
    elif content == "other":
        torch.save({"features.0.weight": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"LPIPS weights: .*weights\.pth"):
        Lpips.load(path)


def test_a_truncated_npz_is_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", a=np.zeros(1000))
    whole = (tmp_path / "weights.npz").read_bytes()
    (tmp_path / "weights.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"LPIPS weights: .*weights\.npz"):
        Lpips.load(tmp_path / "weights.npz")


def test_building_it_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    Lpips(random_features())
    assert torch.equal(before, torch.random.get_rng_state())


def test_small_images_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="at least 31 px, got 24 px"):
        Lpips(random_features())(torch.zeros(1, 1, 24, 24), torch.zeros(1, 1, 24, 24))
