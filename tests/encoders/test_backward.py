"""Every part's way down against autograd through Hugging Face's own module, in double precision."""

import pytest
import torch
from conftest import FAMILIES, make_checkpoint

from tonespan_utils.encoders import backward, backward_convolutions, checkpoints

TOLERANCE = {"rtol": 1e-9, "atol": 1e-12}  # rounding of double precision through one part


VARIANTS = {
    "batch norm": ("mhubert-147", {"conv_pos_batch_norm": True}),
    "adapter": ("xlsr-300m", {"adapter_attn_dim": 8}),
}


@pytest.fixture(scope="module", params=[*FAMILIES, *VARIANTS])
def encoder(request, tmp_path_factory):
    family, extra = VARIANTS.get(request.param, (request.param, {}))
    loaded = checkpoints.load(make_checkpoint(tmp_path_factory.mktemp("x"), family, **extra))
    torch.manual_seed(0)
    with torch.no_grad():  # fresh norms and biases are all 1 and 0: nothing would tell them apart
        for weight in loaded.model.parameters():
            weight += 0.1 * torch.randn_like(weight)
    loaded.model.double()
    return loaded


N_CLIPS = 2


def waveforms():
    torch.manual_seed(1)
    return torch.randn(N_CLIPS, 8000, dtype=torch.float64) * torch.tensor([[1.0], [0.3]])


@pytest.fixture(scope="module")
def clips(encoder):
    return backward.trace(encoder, waveforms())


def by_autograd(function, x, g):
    """The gradient of ``<function(x), g_i>`` for one cotangent after the other."""
    gradients = []
    for cotangent in g:
        source = x.clone().requires_grad_(True)
        gradients.append(torch.autograd.grad((function(source) * cotangent).sum(), source)[0])
    return torch.stack(gradients)


def cotangents(x, n=3):
    torch.manual_seed(2)
    return torch.randn(n, *x.shape, dtype=x.dtype)


def test_the_way_up_is_the_encoders_own(encoder, clips):
    assert list(clips.states) == encoder.layers
    for i, waveform in enumerate(waveforms()):
        with torch.no_grad():
            states = encoder.forward(waveform[None])
        for layer, state in states.items():
            assert torch.allclose(clips.states[layer][i], state[0], **TOLERANCE)


def test_blocks_and_their_short_cut(encoder, clips):
    for number, module in enumerate(encoder.model.encoder.layers, start=1):
        x, traced = clips.states[str(number - 1)], clips.blocks[number - 1]
        g = cotangents(x)
        expected = by_autograd(lambda source, module=module: module(source), x, g)
        assert torch.allclose(traced.pull(g), expected, **TOLERANCE)
        frames = torch.tensor([[3, 7], [0, 0], [x.shape[1] - 1, 5]])
        here = torch.arange(3)[:, None], *backward.single(frames)
        alone = torch.zeros_like(g)
        alone[here] = g[here]
        short = traced.pull_at(g[here], backward.single(frames))
        assert torch.allclose(short, traced.pull(alone), **TOLERANCE)


def test_from_the_bottom_layer_to_the_features(encoder, clips):
    def up(features):
        return encoder.forward_from_cnn(features)["0"]

    g = cotangents(clips.states["0"])
    expected = by_autograd(up, clips.states["cnn"], g)
    below = g if "final" in clips.states else clips.closing.pull(g)
    assert torch.allclose(clips.projection.pull(clips.positions.pull(below)), expected, **TOLERANCE)


@pytest.mark.parametrize("clip", range(N_CLIPS))
def test_convolutions_of_every_frame(encoder, clips, clip):
    features = clips.states["cnn"][clip]
    g, at = cotangents(features), (clip, slice(0, len(features)))
    expected = by_autograd(lambda source: encoder.features(source[None])[0], waveforms()[clip], g)
    for convolution in reversed(clips.convolutions):
        g, at = convolution.pull(g, at)
    samples = at[1]
    assert torch.allclose(g[..., 0], expected[:, samples], **TOLERANCE)
    assert not expected[:, samples.stop :].any()


def test_a_stretch_of_frames_is_pulled_as_if_the_rest_had_no_gradient(clips):
    whole, some = cotangents(clips.states["cnn"][1]), slice(5, 9)
    whole[:, : some.start] = whole[:, some.stop :] = 0
    g, at, part, some_at = whole, (1, slice(0, whole.shape[1])), whole[:, some], (1, some)
    for convolution in reversed(clips.convolutions):
        (g, at), (part, some_at) = convolution.pull(g, at), convolution.pull(part, some_at)
    assert torch.allclose(part, g[:, some_at[1]], **TOLERANCE)


@pytest.mark.parametrize(("kernel", "stride"), [(10, 5), (3, 2), (2, 2), (5, 1), (1, 1), (2, 3)])
def test_transposed_convolution(kernel, stride):
    torch.manual_seed(0)
    g, weight = torch.randn(2, 7, 4).double(), torch.randn(4, kernel, 3).double()
    expected = torch.nn.functional.conv_transpose1d(g.mT, weight.transpose(1, 2), stride=stride).mT
    below = backward_convolutions.transposed_convolution(g, weight, stride)
    assert below.shape == expected.shape and torch.allclose(below, expected, **TOLERANCE)
