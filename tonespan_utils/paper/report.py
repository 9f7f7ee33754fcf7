"""The report: the study of a profile as one page that reads like the paper and opens from disk.

The page is plain HTML with inline style and script; figures lie beside it, the tables are inside, to sort and to
download. Every number in its text is computed here from the tables and parameters that it shows. Sections on validity
and alignment appear where their tables or figures exist: a table is ``results/<profile>/<name>.csv``, and a figure is
any in ``figures/<profile>/`` that is not of the paper and whose provenance has a ``title`` and a ``caption``.

Notebook: notebooks/05_rcom_comparison
"""

from __future__ import annotations

import base64
import gzip
import html
import platform
import re
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from tqdm.auto import tqdm

from tonespan_utils import languages
from tonespan_utils.errors import TonespanError
from tonespan_utils.paper import provenance
from tonespan_utils.paper.figures import store
from tonespan_utils.params import conditions, profile, tables
from tonespan_utils.params.profile import Params
from tonespan_utils.plots import style
from tonespan_utils.statistics import findings
from tonespan_utils.study import claims, quality_flags

MAX_ROWS = 200  # longer tables are shown as a head; the download holds every row
HEAD_ROWS = 20
# What begins a formula in some spreadsheet, after spaces too; and what begins like one but is only a number.
FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
NOTEBOOK = "notebooks/05_rcom_comparison.ipynb"
# Sections for what other notebooks leave: title, what it is, tables.
EXTRAS = {
    "validity": (
        "Can the spans be believed?",
        "The instrument on speech whose cue width was planted, and checks that it must fail where it should.",
        ("calibration_lines", "calibration", "calibration_scores", "sanity"),
    ),
    "alignment": (
        "What the alignment adds",
        "How far the aligner's times lie from known ones, and what such errors do to a span.",
        ("alignment", "jitter"),
    ),
}
OF_NOTEBOOK = {"06": "validity", "07": "alignment"}  # where a figure belongs, by the number of its notebook


def write(params: Params, loaded: dict[str, pd.DataFrame]) -> Path:
    """Write ``figures/<profile>/index.html`` from the tables; the figures must have been drawn. Returns its path."""
    record = provenance.describe_run(params, notebook=NOTEBOOK, call="report.write(", figure="index")
    record |= {"command": f"make figures PROFILE={params.profile}"}
    stored = loaded | _extra_tables(params, known=set(loaded))
    drawn = [_figure(name, recipe, loaded, params) for name, recipe in store.paper_recipes(params).items()]
    others = _other_figures(params, {figure["name"] for figure in drawn})
    environment = Environment(
        loader=PackageLoader("tonespan_utils.paper", "."), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    page = environment.get_template("report.html").render(
        profile=params.profile,
        record=provenance.as_text(record),
        speech=profile.describe_speech(params),
        synthetic=params.speech.source == "synthetic",
        languages=[languages.LANGUAGE_NAMES[language] for language in params.speech.tonal],
        abstract=abstract(loaded, params),
        methods=methods(loaded, params),
        figures=drawn,
        board=_board(loaded["claims"]),
        verdicts=loaded["claims"]["verdict"].value_counts().to_dict(),
        signs=_table(_named(quality_flags.board(loaded["signatures"]))),
        extras=_extras(stored, others),
        tables={name: _table(table) for name, table in stored.items()},
        files={name: _packed(table) for name, table in stored.items()},
        made=[_made(params, figure["name"]) for figure in [*drawn, *others]],
        parameters=yaml.safe_dump(params.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        commit=record["commit"],
        versions={"python": platform.python_version()} | {name: version(name) for name in provenance.PACKAGES},
    )
    path = params.figures / "index.html"
    tables.write_atomically(path, lambda file: file.write(page))
    return path


def _named(board: pd.DataFrame) -> pd.DataFrame:
    """A board with the languages' names over its columns."""
    return board.rename(columns=languages.LANGUAGE_NAMES)


def abstract(loaded: dict[str, pd.DataFrame], params: Params) -> list[str]:
    """What was run and what came out, in paragraphs; every number is one of a table."""
    tokens, names = loaded["tokens"], languages.LANGUAGE_NAMES
    studied = tokens[tokens["language"].isin(params.speech.tonal)]
    parsed = [conditions.parse(name) for name in params.conditions]
    n_encoders = len({condition.backbone for condition in parsed})
    ran = (
        f"How wide is the tone cue in the signal, in which layers does a speech encoder keep tone, and how far around "
        f"the tone centre does it look? We asked {len(parsed)} conditions of {_count(n_encoders, 'encoder')} in "
        f"{_listed([names[language] for language in params.speech.tonal])}: {len(studied):,} tone tokens, "
        f"{(studied['split'] == 'test').sum():,} of them in the test split, of {profile.describe_speech(params)}."
    )
    cues, notes = (
        tables.select(loaded[name], frontend=params.baseline.frontends[0]).set_index("language")
        for name in ("baseline_spans", "baseline_notes")
    )
    told = [
        f"{names[la]} {findings.cue_text(cues.loc[la], notes.loc[la, 'reason'])} (n = {notes.loc[la, 'n_tokens']:.0f})"
        for la in params.speech.tonal
    ]
    signal = f"In the signal, the cue is this wide: {'; '.join(told)}."
    return [ran, signal, *(_of_encoder(loaded, name, params) for name in _backbones(params)), _verdicts(loaded)]


def _of_encoder(loaded: dict[str, pd.DataFrame], backbone: str, params: Params) -> str:
    """Where one encoder keeps tone, and what its span becomes after ASR in the language."""
    compared, names = loaded["comparison"].set_index(["condition", "language"]), languages.LANGUAGE_NAMES
    first = next(one.name for one in map(conditions.parse, params.conditions) if one.backbone == backbone)
    before = compared.loc[first]
    kept = [
        f"{names[la]} {row.f1:.2f} {_layers(row.best_layer)} (n = {row.n_tokens:.0f})" for la, row in before.iterrows()
    ]
    there = [_span(names[la], row) for la, row in before.iterrows()]
    text = f"Macro-F1 of the probes of {first} at their best layer: {'; '.join(kept)}. The span 2 r_com there: "
    text += "; ".join(there)
    targets = [(la, f"{backbone}/asr-{la}") for la in before.index if (f"{backbone}/asr-{la}", la) in compared.index]
    if not targets:
        return text + "."
    after = [(names[la], compared.loc[(name, la)]) for la, name in targets]
    told = [_span(name, row) for name, row in after]
    return f"{text}. After fine-tuning on ASR of the language: {'; '.join(told)}."


def _layers(best: str) -> str:
    """``3`` or ``3, 4``, as the two halves of the test utterances chose, in words; that there is none for ``""``."""
    if not best:
        return "and no layer above chance"
    layers = best.split(", ")
    return f"at layer{'s' if len(layers) > 1 else ''} {_listed(layers)}"


def _verdicts(loaded: dict[str, pd.DataFrame]) -> str:
    counts = loaded["claims"]["verdict"].value_counts()
    told = [f"{count} {verdict}" for verdict, count in counts.items()]
    return f"Of {counts.sum()} checks, a claim in one language or in all of them together each: {_listed(told)}."


def methods(loaded: dict[str, pd.DataFrame], params: Params) -> list[tuple[str, str]]:
    """Methods in short, with the resolved parameters: heading and paragraph."""
    b, g, f = params.baseline, params.gradient, params.finetune
    front = _listed([style.FRONTEND_NAMES[name] for name in b.frontends])
    trained = any(conditions.parse(name).is_trained for name in params.conditions)
    told = [
        (
            "Signal",
            f"Logistic regression (C = {b.regularisation_c:g}) on {front} in windows of {b.windows_ms[0]:g} to "
            f"{b.windows_ms[-1]:g} ms around the tone centre, frames of {b.analysis_window_ms:g} ms every "
            f"{b.hop_ms:g} ms, folds of up to {b.n_folds} groups that share no sentence and no known speaker, at most "
            f"{b.max_tokens:,} tokens per language.",
        ),
        (
            "Probes",
            f"One linear probe per layer (C = {params.probe.regularisation_c:g}) on the frozen vector at the tone "
            f"centre, at most {params.probe.max_tokens:,} tokens; control: a random tone per syllable type, "
            f"{_count(len(params.probe.control_seeds), 'draw')}.",
        ),
        (
            "Gradients",
            f"Square of the gradient of the {g.target} tone's logit with respect to the {g.wrt}, in bins of "
            f"{g.bin_ms:g} ms over ±{g.window_ms:g} ms; {g.n_tokens} test tokens per language with "
            f"{g.min_side_ms:g} ms of audio on either side. r_com is the centre of mass of |offset|, the span 2 r_com.",
        ),
        (
            "Intervals",
            f"{params.bootstrap.level:.0%} percentile bootstrap over utterances, and seeds of training where there are "
            f"several, {params.bootstrap.n_resamples:,} resamples. Seed of all draws: {params.seed}.",
        ),
    ]
    if trained:
        seeds = _listed([str(seed) for seed in f.seeds])
        crops = f"{f.batch_size * f.task_batch['xvector']} crops of {f.xvector_crop_ms:g} ms"
        fine = (
            f"{f.steps:,} updates of {f.batch_size} utterances (speaker: {crops}) for every task, peak learning rate "
            f"{f.learning_rate:g}, seeds {seeds}; before them {f.head_first_steps:,} of a recogniser's head alone; "
            "the convolutional front end stays as it was."
        )
        told.insert(2, ("Fine-tuning", fine))
    return told


def _backbones(params: Params) -> list[str]:
    return list(dict.fromkeys(one.backbone for one in map(conditions.parse, params.conditions) if one.is_measured))


def _span(name: str, row: pd.Series) -> str:
    """The span of a row of ``comparison``, or that it is no finding, and why."""
    if row.note:
        return f"{name} none ({row.note}, n = {row.n_span_tokens:.0f})"
    told = findings.interval_text(row.span_ms, row.span_low_ms, row.span_high_ms, unit=" ms")
    return f"{name} {told} (n = {row.n_span_tokens:.0f})"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _extra_tables(params: Params, *, known: set[str]) -> dict[str, pd.DataFrame]:
    """The tables of other notebooks that are there."""
    names = [name for _, _, own in EXTRAS.values() for name in own if name not in known]
    paths = {name: params.results / f"{name}.csv" for name in names}
    return {name: pd.read_csv(path) for name, path in paths.items() if path.is_file()}


def _other_figures(params: Params, known: set[str]) -> list[dict[str, str]]:
    """The figures of other notebooks: those beside ours whose provenance has a title and a caption."""
    found = []
    for path in sorted(params.figures.glob("*.png")):
        try:
            record = provenance.read(path)
        except TonespanError:
            continue  # a picture that is nobody's figure
        if path.stem not in known and {"title", "caption"} <= set(record):
            section = OF_NOTEBOOK.get(Path(record["notebook"]).name[:2], "validity")
            own = {name: record[name] for name in ("title", "caption")}
            found.append({"name": path.stem, "section": section, **own})
    return found


def _extras(stored: dict[str, pd.DataFrame], others: list[dict[str, str]]) -> list[dict[str, object]]:
    """The sections of other notebooks that have something to show."""
    found = []
    for name, (title, text, own) in EXTRAS.items():
        there = {table: _table(stored[table]) for table in own if table in stored}
        drawn = [figure for figure in others if figure["section"] == name]
        if there or drawn:
            found.append({"name": name, "title": title, "text": text, "tables": there, "figures": drawn})
    return found


def _made(params: Params, name: str) -> dict[str, object]:
    """What made one figure, as its file tells it."""
    try:
        record = provenance.read(store.figure_stem(params, name).with_suffix(".png"))
    except TonespanError as error:
        return {"name": name, "problem": str(error)}
    return {"name": name, "problem": "", **{key: record.get(key) for key in ("notebook", "cell", "commit", "command")}}


def write_again(params: Params) -> Path | None:
    """Write the report anew where there is one, so that it shows the figures of a later notebook; else None.

    Says so where the tables of the paper are not there, or of another version.
    """
    if not (params.figures / "index.html").is_file():
        return None
    try:
        loaded = store.load_tables(params)
    except TonespanError as error:
        tqdm.write(f"the report stays as it is: {error}")
        return None
    return write(params, loaded)


def _figure(name: str, recipe: store.Recipe, loaded: dict[str, pd.DataFrame], params: Params) -> dict[str, str]:
    return {"name": name, "title": recipe.title, "caption": recipe.caption(loaded, params)}


def _table(table: pd.DataFrame) -> dict[str, object]:
    shown = table if len(table) <= MAX_ROWS else table.head(HEAD_ROWS)
    head = "".join(
        f'<th scope="col"><button type="button">{html.escape(column)}</button></th>' for column in shown.columns
    )
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in shown.itertuples(index=False))
    return {
        "html": Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"),
        "n_rows": len(table),
        "n_shown": len(shown),
    }


def _packed(table: pd.DataFrame) -> str:
    """A table as CSV, gzip and base64: what the page's download gives out."""
    text = without_formulas(table).to_csv(index=False, float_format="%.10g")
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """A table for spreadsheets: a text that they would run as a formula has a single quote before it.

    Numbers stay numbers, those in columns of text too; the stored tables are as they were.
    """
    texts = table.select_dtypes(include=["object", "string"])
    return table.assign(**{name: texts[name].map(_quoted) for name in texts})


def _quoted(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value) else value


def _board(stored: pd.DataFrame) -> Markup:
    """The claims board as an HTML table: verdicts in symbol, word and colour."""
    board = claims.board(stored)
    names = languages.LANGUAGE_NAMES | {claims.EVERY: "all languages"}
    head = "".join(f'<th scope="col">{html.escape(names.get(column, column))}</th>' for column in board.columns)
    kinds = {f"{symbol} {word}": word.replace(" ", "-") for word, symbol in claims.VERDICTS.items()}
    body = ""
    for row in board.itertuples(index=False):
        cells = [f'<td class="{kinds.get(value, "")}">{html.escape(value)}</td>' for value in row]
        body += f"<tr>{''.join(cells)}</tr>"
    return Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{"" if pd.isna(value) else f"{value:.4g}"}</td>'
    kind = ' class="number"' if isinstance(value, int) else ""
    return f"<td{kind}>{html.escape(str(value))}</td>"
