"""The network that is told mask, noise and CTF: no units, any box, each image by itself."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cryosense import fourier
from cryosense.data import AsIs
from cryosense.errors import ArgumentError
from cryosense.measurement import Measurement
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks
from cryosense.reconstructors.unrolled import (
    NoisySample,
    Told,
    ToldNetwork,
    ToldSolver,
    ToldUNet,
    Unrolled,
    UnrolledModelError,
    UnrolledNetwork,
    open_solver,
    save_solver,
)

N = 16


def operators(n: int) -> list[LinearOperator]:
    return [
        FourierSampling(masks.radial(n, 0.4, sectors=20, seed=0, symmetric=True)),
        PixelMasking(masks.random_binary(n, 8, keep_probability=0.5, seed=0), 4),
    ]


DOMAINS = pytest.mark.parametrize("operator", operators(N), ids=["fourier", "pixel"])


def images(count: int, n: int = N, noise: float = 0.5) -> tuple[torch.Tensor, torch.Tensor]:
    """-> smooth images of deviation about 1, and the same in white noise."""
    draws = torch.randn(2, count, 1, n, n, generator=torch.Generator().manual_seed(1))
    gain = 3 / (1 + (fourier.frequency_radius(n) / 2) ** 2)
    clean = fourier.filtered(draws[0], fourier.centred_to_half_plane(gain.float()))
    return clean, clean + noise * draws[1]


SMALL = {
    "shrinkage": lambda: ToldNetwork(iterations=2, channels=4, hidden=5),
    "unet": lambda: ToldUNet(iterations=2, channels=4, levels=3, hidden=5),
    "sampling": lambda: ToldUNet(iterations=2, channels=4, levels=2, hidden=5, samples=True),
}
NETWORKS = pytest.mark.parametrize("kind", SMALL)


def sample(count: int, std: float, unit: float = 1.0) -> NoisySample:
    """-> the clean images under other white noise."""
    noise = torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(7))
    return NoisySample(unit * (images(count)[0] + std * noise), torch.full((count,), unit * std))


def seeded(make: Callable[[], ToldSolver], seed: int) -> ToldSolver:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def shaken(kind: str = "shrinkage", seed: int = 0) -> ToldSolver:
    """-> a network all of whose numbers do something."""
    network, random = seeded(SMALL[kind], seed), torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.data += 0.2 * torch.randn(parameter.shape, generator=random)
    return network.eval()


@NETWORKS
@DOMAINS
def test_untrained_it_is_the_pseudo_inverse_about_the_mean(operator: LinearOperator, kind: str) -> None:
    y = operator(images(3)[1])
    level = operator.pinv(y).mean((-2, -1), keepdim=True).expand(-1, -1, N, N)
    expected = level + operator.pinv(y - operator(level))
    torch.testing.assert_close(SMALL[kind]().reconstruct(y, operator), expected, atol=1e-4, rtol=1e-4)


@NETWORKS
@DOMAINS
def test_units_do_not_matter(operator: LinearOperator, kind: str) -> None:
    y = operator(images(3)[1])
    cases = [(Told(), Told()), (Told(torch.tensor([0.5])), Told(torch.tensor([500.0])))]
    if kind == "sampling":
        cases.append((Told(sample=sample(3, 0.7)), Told(sample=sample(3, 0.7, 1000.0))))
    for told, scaled in cases:
        x = shaken(kind).reconstruct(y, operator, told)
        torch.testing.assert_close(shaken(kind).reconstruct(1000 * y, operator, scaled) / 1000, x, atol=1e-3, rtol=1e-3)


@NETWORKS
@DOMAINS
def test_an_image_is_the_same_alone_and_among_others(operator: LinearOperator, kind: str) -> None:
    y, network = operator(images(11)[1]), shaken(kind)
    ctf = torch.rand(11, 1, N, N // 2 + 1, generator=torch.Generator().manual_seed(2))
    told = Told(torch.linspace(0.3, 0.8, 11), ctf, sample(11, 0.7) if kind == "sampling" else None)
    together = network.reconstruct(y, operator, told)
    for chosen in (torch.tensor([9, 2, 5]), torch.tensor([4])):
        assert torch.equal(network.reconstruct(y[chosen], operator, told.part(chosen)), together[chosen])


@NETWORKS
@DOMAINS
def test_it_follows_what_it_is_told_and_everything_learns(operator: LinearOperator, kind: str) -> None:
    clean, noisy = images(2)
    y, network = operator(noisy), shaken(kind)
    ctf = torch.cos(torch.arange(N // 2 + 1.0)).expand(1, 1, N, -1)
    known = [Told(), Told(torch.tensor([0.1])), Told(ctf=ctf)]
    if kind == "sampling":
        known = [Told(sample=sample(2, 0.7)), *known, Told(sample=sample(2, 0.1))]
    made = [network(y, operator, told) for told in known]
    changes = [((made[0] - other).norm() / made[0].norm()).item() for other in made[1:]]
    assert min(changes) > 1e-3
    ((made[0] - clean) ** 2).mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


@DOMAINS
def test_a_noisy_sample_counts_the_more_the_less_its_noise(operator: LinearOperator) -> None:
    """Without noise it is the image itself, whatever the network learned; with endless noise it changes nothing."""
    y, network = operator(images(3)[1]), shaken("sampling")
    exact = sample(3, 1e-5)
    torch.testing.assert_close(network.reconstruct(y, operator, Told(sample=exact)), exact.images, atol=3e-3, rtol=0.0)
    nothing = NoisySample(torch.zeros(3, 1, N, N), torch.full((3,), 1e6))
    alone = network.reconstruct(y, operator)
    torch.testing.assert_close(network.reconstruct(y, operator, Told(sample=nothing)), alone, atol=1e-4, rtol=1e-3)
    with pytest.raises(ArgumentError, match="samples=True"):
        shaken("unet").reconstruct(y, operator, Told(sample=exact))


def test_without_being_told_the_noise_is_that_of_the_highest_frequencies() -> None:
    from cryosense.reconstructors.unrolled.gains import estimated_noise

    operator = operators(64)[0]
    for noise in (0.5, 2.0):
        seen = operator.pinv(operator(images(4, 64, noise)[1]))
        estimated = estimated_noise(seen, operator.measured_shares)
        torch.testing.assert_close(estimated, torch.full((4,), noise), rtol=0.1, atol=0.0)


@pytest.mark.parametrize(("kind", "rate"), [("shrinkage", 1e-2), ("unet", 3e-3), ("sampling", 3e-3)])
def test_one_network_learns_for_several_noise_levels_and_works_in_another_box(kind: str, rate: float) -> None:
    """40 steps at 16 px, both operators and two noise levels: at 24 px, at a level in between, ahead of the pseudo-inverse."""
    network = seeded(SMALL[kind], 3).train()
    optimiser = torch.optim.Adam(network.parameters(), rate)
    for step in range(40):
        clean, noisy = images(8, N, (0.4, 1.6)[step % 2])
        operator = operators(N)[step // 2 % 2]
        loss = ((network(operator(noisy), operator) - clean) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    clean, noisy = images(16, 24, 0.8)
    for operator in operators(24):
        y = operator(noisy)
        errors = [float(((x - clean) ** 2).mean()) for x in (network.eval().reconstruct(y, operator), operator.pinv(y))]
        assert errors[0] < 0.8 * errors[1]


@NETWORKS
def test_it_is_saved_and_opened(tmp_path: Path, kind: str) -> None:
    network, operator = shaken(kind), operators(N)[0]
    save_solver(tmp_path / "model", network, "FourierSampling", "clean")
    (tmp_path / "model" / "cryosense.json").write_text('{"scaling": {}}')
    y = operator(images(2)[1])
    assert torch.equal(open_solver(tmp_path / "model").solver.reconstruct(y, operator), network.reconstruct(y, operator))
    with pytest.raises(ValueError, match="hidden=0"):
        ToldNetwork(hidden=0)


def test_a_solver_that_was_told_ctfs_is_told_those_of_a_measurement(tmp_path: Path) -> None:
    """And one that was not is not; another kind of solver never is."""
    network, operator, y = shaken(), operators(N)[0], operators(N)[0](images(3)[1])
    ctf = torch.rand(3, 1, N, N // 2 + 1, generator=torch.Generator().manual_seed(2))
    measurement = Measurement(y, operator).seen_through(ctf)
    for name, solver, told in (("told", network, True), ("untold", network, False), ("other", UnrolledNetwork(1, 4), True)):
        save_solver(tmp_path / name, solver, "FourierSampling", "clean", ctf=told)
        (tmp_path / name / "cryosense.json").write_text('{"scaling": {}}')
        method = Unrolled(str(tmp_path / name))
        assert method.knows_ctf == (name == "told")
        expected = network.reconstruct(y, operator, Told(ctf=ctf)) if method.knows_ctf else solver.reconstruct(y, operator)
        assert torch.equal(method(measurement).x, expected)


def test_one_solver_of_several_kinds_of_operator_is_for_each_of_them_in_any_scaling(tmp_path: Path) -> None:
    network = shaken("unet")
    save_solver(tmp_path / "model", network, "FourierSampling,PixelMasking", "clean")
    (tmp_path / "model" / "cryosense.json").write_text('{"scaling": {"scaling": "stack", "deviations": 4.0}}')
    method = Unrolled(str(tmp_path / "model"), AsIs())
    for operator in operators(N):
        y = operator(images(2)[1])
        assert torch.equal(method(y, operator).x, network.reconstruct(y, operator))


@pytest.mark.parametrize("claim", [{"levels": 10**9}, {"hidden": 10**6}, {"channels": 10**6}])
def test_a_description_of_more_than_its_weights_hold_is_refused_at_once(tmp_path: Path, claim: dict[str, int]) -> None:
    save_solver(tmp_path / "model", shaken("unet"), "FourierSampling", "clean")
    (tmp_path / "model" / "cryosense.json").write_text('{"scaling": {}}')
    path = tmp_path / "model" / "solver.json"
    description = json.loads(path.read_text())
    description["arguments"] |= claim
    path.write_text(json.dumps(description))
    with pytest.raises(UnrolledModelError, match="more numbers than"):
        open_solver(tmp_path / "model")
