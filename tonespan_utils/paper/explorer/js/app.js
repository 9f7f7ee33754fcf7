// The explorer: what is chosen, and that everything on the page shows it.

import { ORDERS, SHOWS, read, written } from "./address.js";
import { Recording, depth, layerLike, pooledOf } from "./bundle.js";
import { layerNamed } from "./chart.js";
import { listen } from "./controls.js";
import { keyBelow } from "./curves.js";
import { FAMILY, fontRules } from "./fonts.js";
import { difference } from "./maps.js";
import { PAGE, withHeadings } from "./markup.js";
import { Mean } from "./means.js";
import { Measuring } from "./measuring.js";
import { Numbers } from "./numbers.js";
import { Scatter } from "./scatter.js";
import { Search } from "./search.js";
import { Player } from "./sound.js";
import { Stage, described } from "./stage.js";
import { View } from "./view.js";
import { ms, text, tokenLine } from "./words.js";

const COLORS = ["ink", "soft", "faint", "line", "paper", "wash", "a", "b", "cue", "f0", "random", "edge"];
const HINT = "Point at a panel to read it; drag to choose a range; click in a map to choose its layer, elsewhere to play from there.";
const MAP_KEY = "In the maps: white ticks are ±r_com, pink ◆ half the margin knee of all tokens.";
const NARROW = 860, BESIDE = 1240; // px: under the first all is one column; from the second two tokens stand side by side
const SETTLED_MS = 250; // after the last change the address is written
const SHORTEST_MS = 5; // of a range
let explorers = 0;

export class App {
  constructor(root, bundle, host) {
    Object.assign(this, { root, bundle, host, header: bundle.header, family: FAMILY, undo: [], means: new Map(), stages: [] });
    this.recordings = this.header.tokens.map((_, index) => new Recording(bundle, index));
    this.view = new View(this.header.window_ms);
    root.classList.add("ts-root");
    root.tabIndex = -1;
    root.dataset.lmSuppressShortcuts = "true"; // JupyterLab keeps its single-letter shortcuts off here
    root.innerHTML = withHeadings(PAGE, host.page).replaceAll("-#", `-${++explorers}`); // ids, of which a notebook may hold several
    this.ui = Object.fromEntries([...root.querySelectorAll("[data-id]")].map(node => [node.dataset.id, node]));
    this.stages.push(new Stage(this, this.ui.stages));
    this.scatter = new Scatter(this, this.ui.scatter, this.ui.legend);
    this.numbers = new Numbers(this);
    this.measuring = new Measuring(this, this.ui.own);
    this.search = new Search(this, this.ui.search, this.ui.results);
    this.player = new Player(at => { this.playhead = at; root.toggleAttribute("data-playing", at !== null); this.stages.forEach(stage => stage.drawOver()); }, line => this.problem(line));
    this.begin();
    this.say();
    listen(this);
    this.watch();
    this.setTheme();
    if (host.address) this.go(host.address); else this.update();
  }
  begin() {
    const first = this.header.languages.find(language => this.recordings.some(token => token.about.language === language.code)).code, conditions = this.conditionsOf(first);
    const target = conditions.find(block => block.label === "target ASR") ?? conditions[1], { layers } = conditions[0];
    this.state = { language: first, condition: conditions[0].condition, compare: target?.condition ?? "", tone: "", show: "token", order: "corpus", difference: false,
                   range: null, second: null, recording: null, layer: layerNamed(layers, layers.filter(name => /^\d+$/.test(name)).pop()) };
    this.state.recording = this.tokens()[0];
  }
  on(target, type, act, options) {
    target.addEventListener(type, act, options);
    this.undo.push(() => target.removeEventListener(type, act, options));
  }
  close() { clearTimeout(this.waiting); this.stages.forEach(stage => stage.close()); this.undo.forEach(undo => undo()); }

  // What there is to choose from

  conditionsOf(language) { return this.header.blocks.filter(block => block.language === language); }
  languageInfo(code = this.state.language) { return this.header.languages.find(language => language.code === code); }
  layers() { return this.conditionsOf(this.state.language).find(block => block.condition === this.state.condition).layers; }
  pooled(condition) { return pooledOf(this.bundle, this.state.language, condition, this.state.layer); }
  tokensOf(language) {
    const tokens = this.recordings.filter(token => token.about.language === language);
    return this.mine?.about.language === language ? [this.mine, ...tokens] : tokens;
  }
  tokensNamed(id) { return this.recordings.find(token => token.about.id === id); }
  tokens() { return this.ordered(this.tokensOf(this.state.language).filter(token => !this.state.tone || token.about.tone === this.state.tone)); }
  ordered(tokens) { // what the order goes by is of A in the chosen layer
    const { condition, layer, order } = this.state, sign = ["surest", "widest"].includes(order) ? -1 : 1;
    if (order === "corpus") return tokens;
    const keyed = tokens.map(token => [["hardest", "surest"].includes(order) ? token.sureAt(condition, layer) : token.spanAt(condition, layer), token]);
    return keyed.sort(([a], [b]) => Number.isNaN(a) - Number.isNaN(b) || sign * (a - b) || 0).map(([, token]) => token);
  }
  lineOf(token) { // with what the order goes by
    const { condition, layer, order } = this.state, line = token === this.mine ? `my recording: ${token.about.id}` : tokenLine(token.about);
    if (order === "corpus") return line;
    return `${["hardest", "surest"].includes(order) ? `P ${token.sureAt(condition, layer).toFixed(3)}` : `${ms(token.spanAt(condition, layer))} ms`} · ${line}`;
  }
  get subject() { return this.state.show === "token" ? this.state.recording : this.mean(this.state.show, this.state.recording.about[this.state.show]); }
  subjects() { return this.state.second ? [this.subject, this.state.second] : [this.subject]; }
  mean(show, value) {
    const { language, tone } = this.state, key = JSON.stringify([language, tone, show, value]);
    if (!this.means.has(key)) {
      const tokens = this.recordings.filter(({ about }) => about.language === language && (!tone || about.tone === tone) && (show === "all" || about[show] === value));
      const label = { tone: `tone ${value}`, speaker: `speaker ${value || "unnamed"}`, syllable: `syllable ${value || "unnamed"}`, all: "all tokens" }[show];
      this.means.set(key, new Mean(tokens.length ? tokens : [this.state.recording], `Mean of ${label}${tone && show !== "tone" ? `, tone ${tone}` : ""}`));
    }
    return this.means.get(key);
  }

  // Choosing

  choose(change) {
    const before = this.state, state = this.state = { ...before, ...change };
    this.player.stop();
    this.problem("");
    const there = this.conditionsOf(state.language);
    if (state.language !== before.language) {
      const roleOf = name => this.conditionsOf(before.language).find(block => block.condition === name)?.label;
      const like = name => there.find(block => block.condition === name) ?? there.find(block => block.label === roleOf(name)); // the same, or what plays its part here
      state.condition = (like(state.condition) ?? there[0]).condition;
      state.compare = state.compare && (like(state.compare)?.condition ?? "");
      if (!("tone" in change)) state.tone = "";
      if (!("second" in change)) state.second = null;
    }
    if (!state.compare) state.difference = false;
    const tokens = this.tokens();
    if (!tokens.includes(state.recording) || ("order" in change && change.order !== before.order && !("recording" in change))) state.recording = tokens[0];
    const layers = this.layers();
    if (!layers.includes(state.layer.name)) state.layer = layerNamed(layers, layers[layerLike(layers, state.layer)]);
    this.update();
  }
  go(address) { // to what a link names
    const { change, zoom, missing } = read(this, address);
    this.setRange(change.range, { isQuiet: true });
    if (zoom) this.view.show(...zoom); else this.view.whole();
    this.choose({ ...change, range: this.state.range });
    if (missing.length) this.problem(`This page does not hold ${missing.join(", ")}: ${this.header.n_shown} of ${this.header.n_measured} measured tokens are in it; the notebook (make explore) has all.`);
  }
  address() { return written(this); }
  step(by) {
    const tokens = this.tokens(), at = tokens.indexOf(this.state.recording);
    this.choose({ recording: tokens[(at + by + tokens.length) % tokens.length] });
  }
  stepLayer(by) {
    const layers = this.layers(), at = Math.max(0, Math.min(layers.length - 1, layers.indexOf(this.state.layer.name) + by));
    this.choose({ layer: { name: layers[at], depth: depth(layers, layers[at]) } });
  }
  swap() { if (this.state.compare) this.choose({ condition: this.state.compare, compare: this.state.condition }); }
  keepBeside() { this.choose({ second: this.state.second ? null : this.state.recording }); }
  problem(line) { this.ui.problem.textContent = line; this.ui.problem.hidden = !line; }

  // Range and zoom

  setRange(ends, { isLive = false, isQuiet = false } = {}) {
    const { window_ms: window } = this.header, clamped = at => Math.max(-window, Math.min(window, at));
    const [from, to] = ends ? [...ends].map(clamped).sort((a, b) => a - b) : [0, 0];
    this.state.range = ends && to - from >= SHORTEST_MS ? [from, to] : null;
    if (isQuiet) return;
    this.stages.forEach(stage => stage.drawOver());
    this.tellRange();
    if (!isLive) this.settled();
  }
  clearRange() { this.setRange(null); }
  rangeFromFields() {
    const [from, to] = [this.ui.from, this.ui.to].map(field => field.value === "" ? NaN : Number(field.value));
    if (Number.isFinite(from) && Number.isFinite(to)) this.setRange([from, to]);
  }
  tellRange() {
    const { ui, state: { range } } = this;
    for (const [field, at] of [[ui.from, 0], [ui.to, 1]]) {
      field.min = -this.header.window_ms; field.max = this.header.window_ms;
      if (document.activeElement !== field || range) field.value = range ? range[at].toFixed(0) : field.value && document.activeElement === field ? field.value : "";
    }
    for (const button of [ui.playrange, ui.zoomrange, ui.clear]) button.disabled = !range;
    ui.rangenote.textContent = range ? "Shares of single tokens are sums of the drawn steps, within 2 % of themselves." : "Drag in the figure, or give both ends: listen to that part, and see how much of the energy lies in it.";
    this.numbers.drawShares(ui.shares);
  }
  zoom(factor) { const { range } = this.state, { view } = this; view.zoom(factor, range ? (range[0] + range[1]) / 2 : (view.from + view.to) / 2); this.viewed(); }
  zoomWhole() { this.view.whole(); this.viewed(); }
  zoomToRange() { if (this.state.range) { const [from, to] = this.state.range, room = 0.08 * (to - from); this.view.show(from - room, to + room); this.viewed(); } }
  pan(part) { this.view.pan(part * this.view.length); this.viewed(); }
  viewed() { // the stretch of time has changed: drawn once a frame, however often
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => { this.drawStages(); this.settled(); });
  }
  settled() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.host.writeAddress?.(this.address()), SETTLED_MS);
  }

  // Listening

  play(recording, from, to) { this.player.play(recording, Math.max(from, -recording.before, -this.header.window_ms), Math.min(to, recording.after, this.header.window_ms), this.header.window_ms); }
  playClip() { this.play(this.state.recording, -this.header.window_ms, this.header.window_ms); }
  playRange() { if (this.state.range) this.play(this.state.recording, ...this.state.range); }
  playSpan(condition) {
    const measured = condition && this.state.recording.measured(condition, this.state.layer);
    if (measured?.r_com > 0) this.play(this.state.recording, -measured.r_com, measured.r_com);
  }

  // Telling and drawing

  say() {
    const { header, ui } = this, shown = header.n_shown < header.n_measured ? `${header.n_shown} of ${header.n_measured} measured tokens, drawn at random by tone` : `${header.n_shown} measured tokens`;
    ui.about.textContent = `${header.synthetic ? "Synthetic speech with a planted answer, no evidence about these languages" : header.speech} · profile ${header.profile} · ${shown}`;
    ui.about.classList.toggle("ts-synthetic", header.synthetic);
  }
  options(select, entries, chosen) {
    const same = select.options.length === entries.length && entries.every(([value, label], i) => select.options[i].value === value && select.options[i].text === label);
    if (!same) select.replaceChildren(...entries.map(([value, label]) => new Option(label, value)));
    select.value = chosen;
  }
  update() {
    const { state, ui } = this, there = this.conditionsOf(state.language), tokens = this.tokens();
    const named = block => [block.condition, block.label === block.condition.split("/")[1] ? block.condition : `${block.condition} · ${block.label}`];
    this.options(ui.language, this.header.languages.map(({ code, name }) => [code, name]), state.language);
    this.options(ui.condition, there.map(named), state.condition);
    this.options(ui.compare, [["", "nothing"], ...there.map(named)], state.compare);
    this.options(ui.layer, [...this.layers()].reverse().map(name => [name, name]), state.layer.name);
    this.options(ui.tone, [["", "all"], ...this.languageInfo().tones.map(tone => [tone, tone])], state.tone);
    this.options(ui.order, Object.entries(ORDERS), state.order);
    this.options(ui.show, Object.entries(SHOWS), state.show);
    this.options(ui.token, tokens.map((token, i) => [String(i), `${i + 1}. ${this.lineOf(token)}`]), String(tokens.indexOf(state.recording)));
    this.measuring.update(this.languageInfo().tones);
    ui.playspanb.hidden = !state.compare;
    ui.playspan.disabled = !(state.recording.measured(state.condition, state.layer)?.r_com > 0);
    ui.difference.disabled = !state.compare;
    ui.difference.setAttribute("aria-pressed", String(state.difference));
    ui.keep.setAttribute("aria-pressed", String(Boolean(state.second)));
    ui.keep.textContent = state.second ? "One token" : "Keep beside";
    this.numbers.draw(ui.heading, ui.numbers);
    this.tellRange();
    this.draw();
    this.settled();
  }
  draw() { this.drawStages(); this.scatter.draw(); }
  drawStages() {
    const subjects = this.subjects();
    while (this.stages.length < subjects.length) this.stages.push(new Stage(this, this.ui.stages));
    while (this.stages.length > subjects.length) this.stages.pop().close();
    this.ui.stages.classList.toggle("ts-two", subjects.length > 1 && this.root.clientWidth >= BESIDE);
    this.root.classList.toggle("ts-wide", subjects.length > 1);
    subjects.forEach((subject, i) => this.stages[i].draw(subject, subjects.length < 2 ? "" : i ? `Kept: ${tokenLine(subject.about)}` : subject.label ?? tokenLine(subject.about), this.numbers.inWords(subject)));
    const { chart } = this.stages[0];
    if (chart) this.ui.key.replaceChildren(...keyBelow(chart), text("span", MAP_KEY));
    this.point(null);
  }
  point(stage) { this.ui.hover.textContent = stage?.pointer ? described(this, stage.pointer, stage.chart) : HINT; }
  fit(canvas, width, height) {
    const scale = globalThis.devicePixelRatio || 1, context = canvas.getContext("2d");
    const [across, down] = [width, height].map(size => Math.round(size * scale));
    if (canvas.width !== across || canvas.height !== down) { canvas.width = across; canvas.height = down; canvas.style.height = `${height}px`; }
    else { context.setTransform(1, 0, 0, 1, 0, 0); context.clearRect(0, 0, across, down); }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.font = `12px ${this.family}`;
    return context;
  }
  differenceOf(subject) { return difference(this, subject); }
  fontRules() { return fontRules(this.header, this.subjects().flatMap(({ about }) => [about.syllable, about.ipa, ...about.syllables.flat()]).join("")); }
  async copyLink() {
    const address = this.host.link?.(this.address()) ?? this.address();
    try { await navigator.clipboard.writeText(address); this.ui.saved.textContent = "Link copied."; }
    catch { this.ui.saved.textContent = `The link: ${address}`; }
  }
  switchTheme() { this.dark = !this.dark; this.isThemed = true; this.setTheme(); this.draw(); }
  setTheme() {
    const jupyter = document.body.dataset.jpThemeLight;
    if (!this.isThemed) this.dark = jupyter !== undefined ? jupyter === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
    this.root.dataset.dark = this.dark ? "1" : "0";
    if (this.host.page) document.documentElement.dataset.dark = this.root.dataset.dark;
    const style = getComputedStyle(this.root);
    this.color = Object.fromEntries(COLORS.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  watch() { // the theme and the width of the host
    this.on(matchMedia("(prefers-color-scheme: dark)"), "change", () => { this.setTheme(); this.draw(); });
    const themes = new MutationObserver(() => { this.setTheme(); this.draw(); });
    themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    const resize = new ResizeObserver(() => {
      this.root.classList.toggle("narrow", this.root.clientWidth < NARROW);
      if (this.stages[0].chart?.width !== this.stages[0].host.clientWidth || this.scatter.width !== this.ui.scatter.clientWidth) this.draw();
    });
    resize.observe(this.root);
    this.undo.push(() => themes.disconnect(), () => resize.disconnect(), () => this.player.stop());
  }
}
