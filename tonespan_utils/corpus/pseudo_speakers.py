"""Pseudo-speakers, where speakers are not known: clusters of utterances that sound alike, named ``pseudo-...``.

An utterance is described by the mean of its MFCCs over voiced frames, which depends on vocal tract and channel. It is
whitened by the covariance of MFCCs within utterances, so that what varies with the sounds that are spoken weighs
little. Descriptions are clustered (Ward's agglomerative clustering), separately by gender where it is known, and
separately for ``train`` and for the rest: FLEURS' training speakers are not those of dev and test (Conneau et al.
2022). The number of clusters is that of the best silhouette (Rousseeuw 1987).

Pseudo-speakers serve to normalise F0 and to form cross-validation folds. For these it is safe to merge two voices, and
not safe to split one. Voices are merged: of the embedded corpus' 16 voices 8 remain, and 97 % of a voice's utterances
stay together (seed 7; tests/corpus/test_pseudo_speakers.py checks it).

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE, build_once
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.corpus.nucleus import pitch

N_MFCC, HOP = 20, 160
LOUD_DB = 25.0  # under the loudest frame: louder is speech
RIDGE = 1e-3
MAX_SPEAKERS = 30  # of one split and gender
MIN_UTTERANCES = 4  # fewer are one voice
PREFIX = "pseudo"


def named(corpus: Corpus, *, cache_dir: Path) -> Corpus:
    """The corpus with pseudo-speakers in its utterances and tokens; a corpus that names speakers stays as it is.

    Descriptions are kept under ``cache_dir``. Notebook: notebooks/00_corpus
    """
    table = corpus.utterances
    if (table["speaker"] != "").any():
        return corpus
    described = _described(corpus, cache_dir)
    names = pd.Series("", index=table.index)
    for (is_train, gender), rows in table.groupby([table["split"] == "train", "gender"]).groups.items():
        labels = cluster(described[table.index.get_indexer(rows)])
        prefix = "-".join(part for part in (PREFIX, "train" if is_train else "other", gender) if part)
        names[rows] = [f"{prefix}-{label:02d}" for label in labels]
    by_utterance = dict(zip(table["utterance_id"], names, strict=True))
    tokens = corpus.tokens.assign(speaker=corpus.tokens["utterance_id"].map(by_utterance))
    return replace(corpus, utterances=table.assign(speaker=names), tokens=tokens)


def cluster(described: np.ndarray) -> np.ndarray:
    """The cluster of each utterance (utterance,) from descriptions (utterance, feature), their number by silhouette."""
    if len(described) < MIN_UTTERANCES:
        return np.zeros(len(described), dtype=int)
    most = min(MAX_SPEAKERS, len(described) - 1)
    tried = [AgglomerativeClustering(n).fit_predict(described) for n in range(2, most + 1)]
    return max(tried, key=lambda labels: silhouette_score(described, labels))


def describe(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (feature,) and covariance (feature, feature) of an utterance's MFCCs, over its loud voiced frames.

    ``samples`` is float32 (samples,) at 16 kHz. The first MFCC, loudness, is left out: there are N_MFCC - 1 features.
    All frames are used where hardly any is voiced.
    """
    energy = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=512, hop_length=HOP, n_mels=40)
    level_db = librosa.power_to_db(energy.sum(axis=0), top_db=None)
    cepstra = librosa.feature.mfcc(S=librosa.power_to_db(energy, top_db=None), n_mfcc=N_MFCC)[1:]
    times_s, hz = pitch(samples)
    is_voiced = (
        np.interp(np.arange(len(level_db)) * HOP / SAMPLE_RATE, times_s, hz > 0) > 0.5 if len(hz) else level_db > 0
    )
    kept = is_voiced & (level_db >= level_db.max() - LOUD_DB)
    chosen = cepstra[:, kept] if kept.sum() >= N_MFCC else cepstra
    return chosen.mean(axis=1), np.cov(chosen)


def _described(corpus: Corpus, cache_dir: Path) -> np.ndarray:
    """Whitened descriptions (utterance, feature) of a corpus, kept in a cache."""
    names = corpus.utterances["utterance_id"].tolist()
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in names:
        digest.update(name.encode() + corpus.audio(name).tobytes())

    def build(folder: Path) -> None:
        described = [describe(corpus.audio(name)) for name in tqdm(names, desc="voices", unit="utt", mininterval=2)]
        means, covariances = zip(*described, strict=True)
        within = np.mean(covariances, axis=0) + RIDGE * np.eye(N_MFCC - 1)
        np.save(folder / "voices.npy", np.array(means) @ np.linalg.cholesky(np.linalg.inv(within)))

    language = corpus.utterances["language"].iloc[0]
    return np.load(build_once(cache_dir / language, digest.hexdigest()[:16], build) / "voices.npy")
