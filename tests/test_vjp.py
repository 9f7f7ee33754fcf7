"""Every part's way down against autograd through Hugging Face's own module, in double precision."""

import pytest
import torch
from conftest import FAMILIES, make_checkpoint

from tonespan_utils import encoders, vjp

TOLERANCE = {"rtol": 1e-9, "atol": 1e-12}  # rounding of double precision through one part


VARIANTS = {
    "batch norm": ("mhubert-147", {"conv_pos_batch_norm": True}),
    "adapter": ("xlsr-300m", {"adapter_attn_dim": 8}),
}


@pytest.fixture(scope="module", params=[*FAMILIES, *VARIANTS])
def encoder(request, tmp_path_factory):
    family, extra = VARIANTS.get(request.param, (request.param, {}))
    loaded = encoders.load(make_checkpoint(tmp_path_factory.mktemp("x"), family, **extra))
    torch.manual_seed(0)
    with torch.no_grad():  # fresh norms and biases are all 1 and 0: nothing would tell them apart
        for weight in loaded.model.parameters():
            weight += 0.1 * torch.randn_like(weight)
    loaded.model.double()
    return loaded


@pytest.fixture(scope="module")
def clip(encoder):
    torch.manual_seed(1)
    return vjp.trace(encoder, torch.randn(8000, dtype=torch.float64))


def by_autograd(function, x, g):
    """The gradient of ``<function(x), g_i>`` for one cotangent after the other."""
    found = []
    for cotangent in g:
        source = x.clone().requires_grad_(True)
        found.append(torch.autograd.grad((function(source) * cotangent).sum(), source)[0])
    return torch.stack(found)


def cotangents(x, n=3):
    torch.manual_seed(2)
    return torch.randn(n, *x.shape, dtype=x.dtype)


def test_the_way_up_is_the_encoders_own(encoder, clip):
    torch.manual_seed(1)
    with torch.no_grad():
        states = encoder.forward(torch.randn(1, 8000, dtype=torch.float64))
    assert list(clip.states) == encoder.layers
    for layer, state in states.items():
        assert torch.allclose(clip.states[layer], state[0], **TOLERANCE)


def test_blocks_and_their_short_cut(encoder, clip):
    for number, module in enumerate(encoder.model.encoder.layers, start=1):
        x, traced = clip.states[str(number - 1)], clip.blocks[number - 1]
        g = cotangents(x)
        expected = by_autograd(lambda source, module=module: module(source[None])[0], x, g)
        assert torch.allclose(traced.pull(g), expected, **TOLERANCE)
        at = torch.tensor([3, 0, len(x) - 1])
        alone = torch.zeros_like(g)
        alone[torch.arange(3), at] = g[torch.arange(3), at]
        short = traced.pull_at(g[torch.arange(3), at], at)
        assert torch.allclose(short, traced.pull(alone), **TOLERANCE)


def test_from_the_bottom_layer_to_the_features(encoder, clip):
    def up(features):
        return encoder.forward_from_cnn(features[None])["0"][0]

    g = cotangents(clip.states["0"])
    expected = by_autograd(up, clip.states["cnn"], g)
    below = g if "final" in clip.states else clip.closing.pull(g)
    assert torch.allclose(clip.projection.pull(clip.positions.pull(below)), expected, **TOLERANCE)


def test_convolutions_of_every_frame(encoder, clip):
    torch.manual_seed(1)
    x = torch.randn(8000, dtype=torch.float64)
    at, g = slice(0, len(clip.states["cnn"])), cotangents(clip.states["cnn"])
    expected = by_autograd(lambda source: encoder.features(source[None])[0], x, g)
    for convolution in reversed(clip.convolutions):
        g, at = convolution.pull(g, at)
    assert torch.allclose(g[..., 0], expected[:, at], **TOLERANCE)
    assert not expected[:, at.stop :].any()


def test_a_stretch_of_frames_is_pulled_as_if_the_rest_had_no_gradient(clip):
    whole, some = cotangents(clip.states["cnn"]), slice(5, 9)
    whole[:, : some.start] = whole[:, some.stop :] = 0
    g, at, part, some_at = whole, slice(0, whole.shape[1]), whole[:, some], some
    for convolution in reversed(clip.convolutions):
        (g, at), (part, some_at) = convolution.pull(g, at), convolution.pull(part, some_at)
    assert torch.allclose(part, g[:, some_at], **TOLERANCE)


@pytest.mark.parametrize(("kernel", "stride"), [(10, 5), (3, 2), (2, 2), (5, 1), (1, 1), (2, 3)])
def test_transposed_convolution(kernel, stride):
    torch.manual_seed(0)
    g, weight = torch.randn(2, 7, 4).double(), torch.randn(4, kernel, 3).double()
    expected = torch.nn.functional.conv_transpose1d(g.mT, weight.transpose(1, 2), stride=stride).mT
    found = vjp.transposed_convolution(g, weight, stride)
    assert found.shape == expected.shape and torch.allclose(found, expected, **TOLERANCE)
