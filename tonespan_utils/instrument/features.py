"""The convolutional features of a whole corpus, computed once and kept on disk.

Fine-tuning leaves the convolutional front end as it was (Baevski et al. 2020 do the same), so every condition of a
backbone shares these features, and training, probing and scoring start from them. They are what the encoder computes
from each utterance alone, without padding, which group-norm front ends need.

Conventions: float32 (frame, channel) per utterance; the cache is named by the weights of the front end and by the
samples themselves, so that neither other weights nor other speech under the same names can be mistaken for it.

Notebook: notebooks/02_finetune
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import build_once
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.encoders.whisper import WhisperEncoder
from tonespan_utils.errors import TonespanError

Features = Callable[[str], np.ndarray]  # utterance id -> (frame, channel)


def of_samples(encoder: Encoder, samples: np.ndarray) -> np.ndarray:
    """The ``cnn`` features (frame, channel) of one utterance (n,)."""
    with torch.no_grad():
        return encoder.features(encoder.prepare(samples))[0].float().cpu().numpy()


def of_corpus(encoder: Encoder, corpus: Corpus, *, cache_dir: Path) -> Features:
    """The ``cnn`` features of every utterance of a corpus, from the cache or into it.

    Utterances shorter than one frame have no features: (0, channel). Raises TonespanError where the cache cannot be
    written. Notebook: notebooks/02_finetune
    """
    names = corpus.utterances["utterance_id"].tolist()
    lengths = np.array([encoder.n_frames(n) for n in corpus.utterances["n_samples"]])
    ends = np.cumsum(lengths)
    where = {name: slice(end - length, end) for name, length, end in zip(names, lengths, ends, strict=True)}
    language = corpus.utterances["language"].iloc[0]
    which = hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]  # corpora of one language keep their own
    parent = cache_dir / front_end_identity(encoder) / f"{language}-{which}"
    shape = (int(ends[-1]), encoder.feature_width)

    def build(folder: Path) -> None:
        stored = np.lib.format.open_memmap(folder / "cnn.npy", mode="w+", dtype=np.float32, shape=shape)
        for name in tqdm(names, desc=f"cnn features {language}", unit="utt"):
            if where[name].start < where[name].stop:
                stored[where[name]] = _checked(of_samples(encoder, corpus.audio(name)), where[name], name)
        stored.flush()

    folder = build_once(parent, _audio_identity(corpus, names), build)
    # Read as needed: a language of FLEURS is gigabytes. "c": what is written to an array stays out of the file.
    stored = np.load(folder / "cnn.npy", mmap_mode="c")
    return lambda name: stored[where[name]]


def front_end_identity(encoder: Encoder) -> str:
    """A hash of all that makes the features: the front end's weights and settings, and the scaling of its input."""
    settings = [getattr(encoder.model.config, name, None) for name in encoder.front_settings]
    canvas = [encoder.canvas] if isinstance(encoder, WhisperEncoder) else []
    digest = hashlib.sha256(json.dumps([encoder.scale_input, *settings, *canvas]).encode())
    for name, weight in sorted(encoder.model.state_dict().items()):
        if encoder.front_end and name.startswith(encoder.front_end):
            short = name.removeprefix("feature_extractor.")
            digest.update(short.encode() + weight.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _audio_identity(corpus: Corpus, names: list[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + corpus.audio(name).tobytes())
    return digest.hexdigest()[:16]


def _checked(computed: np.ndarray, place: slice, name: str) -> np.ndarray:
    if len(computed) != place.stop - place.start:
        raise TonespanError(f"utterance {name}: its audio is not as long as its table says; build the corpus again")
    return computed


def center_frames(encoder: Encoder, corpus: Corpus, tokens: pd.DataFrame) -> np.ndarray:
    """The frame at each token's centre: (token,). Raises TonespanError naming the utterance whose centre lies outside
    its audio.
    """
    n_samples, frames = corpus.utterances.set_index("utterance_id")["n_samples"], []
    for utterance_id, center_s in zip(tokens["utterance_id"], tokens["center_s"], strict=True):
        try:
            frames.append(encoder.frame_at(center_s, int(n_samples[utterance_id])))
        except TonespanError as error:
            raise TonespanError(f"utterance {utterance_id}: {error}") from None
    return np.array(frames, dtype=int)
