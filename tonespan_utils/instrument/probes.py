"""Where does an encoder keep tone? One linear probe per layer, its control task, its interval.

The probe is the multinomial logistic regression of ``classifier`` on the frozen hidden vector at the tone centre
(Alain & Bengio 2017). The control task (Hewitt & Liang 2019) gives every syllable type one random tone and asks the
same classifier to learn that: what it learns there it learned by remembering syllables. Selectivity = F1 - control F1.

Conventions: trained on the corpus' train and dev split, scored on its test split, which shares no sentence and no
speaker with them. Intervals: percentile bootstrap over test utterances; none (nan) from fewer than
``bootstrap.LEAST_TOKENS`` tokens, or from one utterance.

Notebook: notebooks/03_layer_probes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from tonespan_utils.audio.reading import SAMPLE_RATE
from tonespan_utils.corpus import cuts
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.encoders.batches import TOGETHER_S, alike
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.errors import TonespanError
from tonespan_utils.instrument.features import Features, center_frames, of_samples
from tonespan_utils.statistics import bootstrap, classifier, splits
from tonespan_utils.statistics.bootstrap import Interval
from tonespan_utils.statistics.classifier import LinearClassifier


@torch.no_grad()
def hidden_vectors(
    encoder: Encoder, corpus: Corpus, tokens: pd.DataFrame, *, features: Features | None = None
) -> dict[str, np.ndarray]:
    """Hidden vectors at the centres of ``tokens``, row by row: layer -> (token, hidden), float32.

    Whole utterances go in, those of one length together; of those that are longer than the encoder takes, a clip
    around each centre. ``features`` gives the ``cnn`` layer of utterances where it is stored. Raises TonespanError
    naming the utterance whose centre lies outside its audio. Notebook: notebooks/03_layer_probes
    """
    corpus, tokens = cuts.around_centers(corpus, tokens, longest_s=encoder.longest_s)
    features = features or (lambda utterance_id: of_samples(encoder, corpus.audio(utterance_id)))
    frames = center_frames(encoder, corpus, tokens)
    rows = tokens.groupby("utterance_id", sort=False).indices
    n_samples = corpus.utterances.set_index("utterance_id")["n_samples"]
    lengths = {name: encoder.n_frames(int(n_samples[name])) for name in rows}
    vectors: dict[str, np.ndarray] = {}
    with tqdm(total=len(rows), desc="hidden vectors", unit="utt") as bar:
        for names in alike(lengths, lambda n_frames: round(TOGETHER_S * SAMPLE_RATE / encoder.hop) // n_frames):
            cnn = torch.from_numpy(np.stack([features(name) for name in names])).to(encoder.model.device)
            at = np.concatenate([rows[name] for name in names])
            clip = np.repeat(np.arange(len(names)), [rows[name].size for name in names])
            for layer, states in {"cnn": cnn, **encoder.forward_from_cnn(cnn)}.items():
                store = vectors.setdefault(layer, np.empty((len(tokens), states.shape[2]), dtype=np.float32))
                store[at] = states[clip, frames[at]].float().cpu().numpy()
            bar.update(len(names))
    return vectors


class Scored:
    """What has a ``macro_f1`` between ``ci_low`` and ``ci_high``."""

    @property
    def interval(self) -> Interval:
        """Macro-F1 with its interval."""
        return Interval(self.macro_f1, self.ci_low, self.ci_high)


@dataclass(frozen=True)
class ProbeResult(Scored):
    """A probe and its scores on held-out tokens. ``control_f1`` is the mean over draws of the control task;
    ``predicted`` (test token,) is what the probe predicts, in the tokens' order."""

    probe: LinearClassifier
    macro_f1: float
    control_f1: float
    ci_low: float
    ci_high: float
    chance_f1: float
    n_train: int
    n_test: int
    predicted: np.ndarray

    @property
    def selectivity(self) -> float:
        return self.macro_f1 - self.control_f1


def probe_layer(
    vectors: np.ndarray,
    tokens: pd.DataFrame,
    *,
    regularisation_c: float,
    control_seeds: Sequence[int],
    n_resamples: int,
    level: float,
    seed: int,
) -> ProbeResult:
    """Train and score the probe of one layer on ``vectors`` (token, hidden). Notebook: notebooks/03_layer_probes"""
    train, test = splits.train_test(tokens)
    tone = tokens["tone"].to_numpy(dtype=str)
    whitened = classifier.whiten(vectors[train], regularisation_c=regularisation_c)  # for the probe and its controls
    probe = whitened.fit(tone[train])
    scored = score(probe, vectors[test], tokens.iloc[test], n_resamples=n_resamples, level=level, seed=seed)
    drawn = [control_labels(tokens, seed=control_seed) for control_seed in control_seeds]
    controls = [_control_f1(whitened, labels[train], vectors[test], labels[test]) for labels in drawn]
    return ProbeResult(
        probe=probe,
        macro_f1=scored.macro_f1,
        control_f1=float(np.mean(controls)),
        ci_low=scored.ci_low,
        ci_high=scored.ci_high,
        chance_f1=scored.chance_f1,
        n_train=train.size,
        n_test=test.size,
        predicted=scored.predicted,
    )


@dataclass(frozen=True)
class Score(Scored):
    """Macro-F1 of answers with its interval; ``above_chance_low`` is the lower bound of F1 minus chance, both drawn
    together, and nan where there are too few tokens for one; ``predicted`` (token,)."""

    macro_f1: float
    ci_low: float
    ci_high: float
    chance_f1: float
    above_chance_low: float
    predicted: np.ndarray


def score(
    probe: LinearClassifier, vectors: np.ndarray, tokens: pd.DataFrame, *, n_resamples: int, level: float, seed: int
) -> Score:
    """Score ``probe`` on held-out ``vectors`` (token, hidden) of ``tokens``. Notebook: notebooks/03_layer_probes"""
    tone, utterances = tokens["tone"].to_numpy(dtype=str), tokens["utterance_id"].to_numpy()
    return score_answers(tone, probe.predict(vectors), utterances, n_resamples=n_resamples, level=level, seed=seed)


def score_answers(
    tone: np.ndarray, predicted: np.ndarray, utterances: np.ndarray, *, n_resamples: int, level: float, seed: int
) -> Score:
    """Score any answers: ``tone``, ``predicted`` and ``utterances`` (token,); whole utterances are resampled."""
    counts = classifier.confusion_by_cluster(tone, predicted, utterances)
    draws = bootstrap.resample_clusters(len(counts), n_resamples=n_resamples, seed=seed)
    f1 = classifier.f1_resamples(counts, draws)
    above = f1 - classifier.chance_resamples(counts, draws)
    enough = {"n_tokens": len(tone), "n_clusters": len(counts)}
    low, high = bootstrap.percentile_interval(f1, level=level, **enough)
    return Score(
        macro_f1=float(classifier.macro_f1(counts.sum(axis=0))),
        ci_low=low,
        ci_high=high,
        chance_f1=float(classifier.chance_f1(counts.sum(axis=0))),
        above_chance_low=bootstrap.percentile_interval(above, level=level, **enough)[0],
        predicted=predicted,
    )


def control_labels(tokens: pd.DataFrame, *, seed: int) -> np.ndarray:
    """A random tone per syllable type (IPA without tone), drawn from the tones' own frequencies: (token,)."""
    rng = np.random.default_rng(seed)
    types, codes = np.unique(tokens["ipa"].to_numpy(dtype=str), return_inverse=True)
    return rng.choice(tokens["tone"].to_numpy(dtype=str), size=types.size)[codes]


def _control_f1(whitened: classifier.Whitened, train: np.ndarray, vectors: np.ndarray, test: np.ndarray) -> float:
    """Macro-F1 on ``vectors`` with labels ``test`` of the probe trained on the labels ``train``."""
    predicted = whitened.fit(train).predict(vectors)
    return float(classifier.macro_f1(classifier.confusion(test, predicted, np.unique(np.concatenate([train, test])))))


def of_segments(
    vectors: Mapping[str, np.ndarray],
    tokens: pd.DataFrame,
    given: Mapping[str, LinearClassifier] | None,
    *,
    regularisation_c: float,
    n_resamples: int,
    level: float,
    seed: int,
) -> tuple[dict[str, LinearClassifier], pd.DataFrame]:
    """The probes, given or trained, and their scores: layer, f1, f1_low, f1_high, chance_f1, above_chance_low.

    For ``measure_span``: ``vectors`` layer -> (token, hidden). Raises TonespanError for hidden vectors that are not
    finite, and for a scored label that a probe does not know. Notebook: notebooks/04_gradient_energy
    """
    is_test = (tokens["split"] == "test").to_numpy()
    tone = tokens["tone"].to_numpy(dtype=str)
    trained, rows = {}, []
    for layer, hidden in vectors.items():
        if not np.isfinite(hidden).all():
            raise TonespanError(f"layer {layer} holds NaN or infinite values; are the checkpoint's weights finite?")
        if given is None:
            probe = classifier.fit(hidden[~is_test], tone[~is_test], regularisation_c=regularisation_c)
        else:
            probe = given[layer]
        unknown = sorted(set(tone[is_test].tolist()) - set(probe.classes))
        if unknown:
            raise TonespanError(
                f"label {unknown[0]!r} is scored, but the probe of layer {layer} knows only {', '.join(probe.classes)}"
            )
        scored = score(probe, hidden[is_test], tokens[is_test], n_resamples=n_resamples, level=level, seed=seed)
        trained[layer] = probe
        rows.append({
            "layer": layer, "f1": scored.macro_f1, "f1_low": scored.ci_low, "f1_high": scored.ci_high,
            "chance_f1": scored.chance_f1, "above_chance_low": scored.above_chance_low,
        })  # fmt: skip
    return trained, pd.DataFrame(rows)


def path(results: Path, condition: str, language: str, *, seed: int) -> Path:
    """Where the probes of one condition, language and seed of training are kept."""
    return results / "probes" / condition.replace("/", "--") / f"{language}.seed{seed}.npz"


def save_probes(probes: Mapping[str, LinearClassifier], path: Path) -> None:
    """All probes of one condition and language, layer -> probe, in one npz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for layer, probe in probes.items():
        arrays |= {
            f"{layer}/weight": probe.weight,
            f"{layer}/bias": probe.bias,
            f"{layer}/classes": np.array(probe.classes),
        }
    np.savez(path, **arrays)


def load_probes(path: Path) -> dict[str, LinearClassifier]:
    """What :func:`save_probes` wrote, bottom layer first."""
    with np.load(path, allow_pickle=False) as arrays:
        layers = [key.removesuffix("/weight") for key in arrays.files if key.endswith("/weight")]
        return {
            layer: LinearClassifier(
                tuple(map(str, arrays[f"{layer}/classes"])), arrays[f"{layer}/weight"], arrays[f"{layer}/bias"]
            )
            for layer in layers
        }
