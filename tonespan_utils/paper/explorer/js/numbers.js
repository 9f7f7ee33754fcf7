// The table beside the picture, the share of energy in the chosen range, and the same in words for who cannot see.

import { shareBetween } from "./bundle.js";
import { ms, nameOf, percent, plural, text } from "./words.js";

const range = (low, high, show) => Number.isFinite(low) ? `[${show(low)}, ${show(high)}]` : "no interval";
const probability = p => p > 0.9995 ? "> .999" : p < 0.0005 ? "< .001" : p.toFixed(3);

export class Numbers {
  constructor(app) { this.app = app; }
  get columns() { return [this.app.state.condition, this.app.state.compare].filter(Boolean); }
  row(name, key, values) {
    const line = text("tr");
    line.append(text("th", name, { scope: "row" }), ...values.map((value, i) => {
      const cell = text("td", undefined, { "data-key": key, "data-column": "ab"[i] }), [number, rest] = Array.isArray(value) ? value : [value, ""];
      cell.append(text("span", number), ...(rest ? [document.createElement("br"), text("span", rest, { class: rest.startsWith("[") ? "ts-ci" : "ts-why" })] : []));
      return cell;
    }));
    return line;
  }
  group(name) { const line = text("tr", undefined, { class: "ts-group" }); line.append(text("th", name, { colspan: this.columns.length + 1, scope: "rowgroup" })); return line; }
  head(pools) {
    const line = text("tr");
    line.append(text("td"), ...pools.map((pool, i) => {
      const cell = text("th", undefined, { scope: "col" });
      cell.append(text("span", `${"AB"[i]} layer ${pool?.layer ?? "–"}`, { class: `ts-key ${"ab"[i]}` }));
      return cell;
    }));
    const head = text("thead");
    head.append(line);
    return head;
  }
  ofSubject(subject, prefix) { // rows of a token or of a mean
    const measured = this.columns.map(condition => subject.measured(condition, this.app.state.layer));
    return [
      this.row("span 2 r_com (ms)", `${prefix}_span`, measured.map(each => each ? ms(2 * each.r_com) : "not measured")),
      this.row("90 % radius (ms)", `${prefix}_r90`, measured.map(each => each ? ms(each.r90) : "–")),
      this.row("P(true tone)", prefix === "token" ? "confidence" : `${prefix}_confidence`, measured.map(each => each ? probability(each.confidence) : "–")),
    ];
  }
  draw(heading, table) {
    const { app } = this, { state, subject } = app, [cue, low, high] = app.languageInfo().cue_ms, pools = this.columns.map(condition => app.pooled(condition));
    const level = Math.round(100 * app.header.level), body = text("tbody");
    heading.textContent = subject.recordings ? subject.label : `${nameOf(state.recording.about)} · tone ${state.recording.about.tone}${state.recording.about.speaker ? ` · ${state.recording.about.speaker}` : ""}`;
    body.append(this.group(subject.recordings ? `Mean of ${plural(subject.n, "token")}` : "This token"), ...this.ofSubject(subject, "token"));
    if (state.second) body.append(this.group(`Beside it: ${nameOf(state.second.about)} · tone ${state.second.about.tone}`), ...this.ofSubject(state.second, "second"));
    body.append(
      this.group(`All tokens, ${level} % interval`),
      this.row("span 2 r_com (ms)", "span", pools.map(pool => !pool ? "–" : pool.noFinding ? ["none", `no finding: ${pool.noFinding}`] : [ms(pool.span), range(pool.low, pool.high, ms)])),
      this.row("90 % radius (ms)", "r90", pools.map(pool => pool ? ms(pool.r90) : "–")),
      this.row("null span (ms)", "null", pools.map(pool => pool ? ms(pool.null) : "–")),
      this.row("random weights (ms)", "random", pools.map(pool => pool && Number.isFinite(pool.random) ? [ms(pool.random), range(pool.random_low, pool.random_high, ms)] : "–")),
      this.row("margin knee (ms)", "knee", pools.map(pool => !pool ? "–" : pool.knee > 0 ? [ms(pool.knee), range(pool.knee_low, pool.knee_high, ms)] : ["none", pool.noKnee])),
      this.row("probe F1", "f1", pools.map(pool => pool ? [pool.f1.toFixed(2), `chance ${pool.chance.toFixed(2)}`] : "–")),
      this.row("tokens", "n", pools.map(pool => pool ? pool.n.toFixed(0) : "–")),
    );
    const cueRow = this.row("cue width in the signal (ms)", "cue", [cue === null ? ["none", app.languageInfo().no_cue] : [ms(cue), range(low ?? NaN, high ?? NaN, ms)]]);
    cueRow.lastChild.colSpan = this.columns.length;
    body.append(cueRow);
    table.replaceChildren(this.head(pools), body);
  }
  shares() { // of the energy in the chosen range: what, by column of conditions, and the flat null
    const { app } = this, { state, subject, header } = app;
    const within = values => shareBetween(header, values, ...state.range);
    const of = token => this.columns.map(condition => { const measured = token.measured(condition, state.layer); return measured ? within(measured.values) / measured.values.reduce((a, b) => a + b, 0) : NaN; });
    return [
      { name: subject.recordings ? `mean of ${plural(subject.n, "token")}` : "this token", key: "range_token", values: of(subject) },
      ...(state.second ? [{ name: "token beside it", key: "range_second", values: of(state.second) }] : []),
      { name: "all measured tokens", key: "range_all", values: this.columns.map(condition => { const pool = app.pooled(condition); return pool ? within(pool.profile) : NaN; }) },
      { name: "flat null", key: "range_null", values: this.columns.map(() => within(subject.flat)) },
    ];
  }
  drawShares(table) {
    if (!this.app.state.range) return table.replaceChildren();
    const body = text("tbody");
    body.append(...this.shares().map(({ name, key, values }) => this.row(name, key, values.map(value => Number.isFinite(value) ? percent(value) : "–"))));
    table.replaceChildren(text("caption", `Share of the energy in it, layer ${this.app.pooled(this.app.state.condition)?.layer ?? "–"}`), this.head(this.columns.map(condition => this.app.pooled(condition))), body);
  }
  inWords(subject) {
    const { app } = this, { about } = subject, [cue] = app.languageInfo().cue_ms;
    const spans = this.columns.map((condition, i) => {
      const measured = subject.measured(condition, app.state.layer);
      return measured ? `${"AB"[i]}, ${condition} layer ${measured.layer}: span ${ms(2 * measured.r_com)} ms, 90 % radius ${ms(measured.r90)} ms` : `${"AB"[i]}, ${condition}: not measured`;
    });
    const what = subject.recordings ? `${subject.label}, ${plural(subject.n, "token")}` : `${about.ipa || about.syllable || about.id}, tone ${about.tone}`;
    return `${subject.recordings ? "Pitch, mean log-Mel spectrogram" : "Waveform, log-Mel spectrogram with F0"}, gradient energy by layer and energy over time from the tone centre, of ${what}. ${spans.join(". ")}. ${cue === null ? "No cue width in the signal" : `Cue width in the signal ${ms(cue)} ms`}.`;
  }
}
