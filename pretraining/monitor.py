"""Watching the training: linear tone probes on voices and syllables that are not in its training data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from transformers import Wav2Vec2Model

from tonespan_utils.corpus import recordings
from tonespan_utils.corpus.corpus import Corpus
from tonespan_utils.corpus.synthetic import pitch, readings, rendering
from tonespan_utils.encoders.encoder import Encoder
from tonespan_utils.instrument import probes
from tonespan_utils.params.tables import TOKEN_COLUMNS, UTTERANCE_COLUMNS
from tonespan_utils.statistics import classifier, splits

MOVEMENT = pitch.Wander(step_st=1.5)  # smaller steps than the demo's corpus: the curves must not end at a ceiling


def synthetic_corpus(language: str, *, span_ms: float, n_tokens: int, seed: int) -> Corpus:
    """Tone tokens of the generator's test voices, in memory; pre-training has none of those voices."""
    utterances, tokens, sounds, count = [], [], {}, 0
    for reading in readings.readings(language, n_speakers=16, seed=seed):
        if reading.speaker.split != "test":
            continue
        samples, rows = rendering.render(reading, language=language, span_ms=span_ms, wander=MOVEMENT)
        name, person = reading.file_name, reading.speaker
        sounds[name] = samples.astype(np.float32) / 32768
        common = {
            "utterance_id": name, "sentence_id": str(reading.sentence_id), "language": language, "split": "test",
            "speaker": person.name, "gender": person.gender, "emotion": reading.style,
        }  # fmt: skip
        utterances.append(common | {"text": "", "n_samples": samples.size})
        for row in rows.itertuples():
            ipa = row.onset + row.nucleus + row.coda
            center_s = (row.nucleus_start_s + row.nucleus_end_s) / 2
            tokens.append(common | {
                "token_id": f"{name}:{row.index}", "syllable": ipa, "ipa": ipa, "tone": row.tone,
                "start_s": row.start_s, "end_s": row.end_s, "center_s": center_s, "align_score": 1.0,
            })  # fmt: skip
        count += len(rows)
        if count >= n_tokens:
            break
    tables = pd.DataFrame(utterances)[UTTERANCE_COLUMNS], pd.DataFrame(tokens)[TOKEN_COLUMNS]
    return Corpus(*tables, sounds.__getitem__, pd.DataFrame(columns=["item", "reason"]))


def probe_f1(model: Wav2Vec2Model, corpus: Corpus) -> dict[str, float]:
    """Macro-F1 of a linear probe per layer, cross-validated over speakers (or syllable types) of a corpus."""
    encoder = Encoder(model.eval(), "in training", "", scale_input=True)
    vectors = probes.hidden_vectors(encoder, corpus, corpus.tokens)
    tone = corpus.tokens["tone"].to_numpy(dtype=str)
    model.train()
    return {layer: _cross_validated_f1(values, tone, corpus.tokens) for layer, values in vectors.items()}


def _cross_validated_f1(values: np.ndarray, tone: np.ndarray, tokens: pd.DataFrame) -> float:
    predicted = np.empty_like(tone)
    for train, test in splits.folds(tokens, n_folds=4, seed=0):
        predicted[test] = classifier.fit(values[train], tone[train], regularisation_c=0.01).predict(values[test])
    return float(classifier.macro_f1(classifier.confusion(tone, predicted, np.unique(tone))))


def monitor_corpora(recordings_root: Path, cache_dir: Path) -> dict[str, Corpus]:
    """Small held-out sets: Thai and Vietnamese synthetic voices, and real Mandarin syllables where they are."""
    spans_ms = {"th": 100.0, "vi": 180.0}
    sets = {name: synthetic_corpus(name, span_ms=span, n_tokens=400, seed=7) for name, span in spans_ms.items()}
    if (recordings_root / "cmn_syllables").is_dir():
        whole = recordings.load(recordings_root / "cmn_syllables", language="cmn", cache_dir=cache_dir)
        sets["cmn"] = replace(whole, tokens=whole.tokens[whole.tokens["split"] == "test"])
    return sets
