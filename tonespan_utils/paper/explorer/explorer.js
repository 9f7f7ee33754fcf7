// The explorer, for any host: a notebook's widget (anywidget calls `render`) and the page from disk (calls `mount`).
// It reads one bundle (explorer/bundle.py): a header and gzipped arrays. Nothing stored is ever asked of a kernel.
// Times are ms from the tone centre; energy of a token is drawn from uint8 steps, its numbers come as float32.

const LEFT = 52, RIGHT = 14, GAP = 24;
const OCTAVES = 4; // the map's colours run from 1/16 to 16 times the flat null
const MAX_UPLOAD_MB = 8; // a notebook server's websocket takes 10 MB a message
const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "down", "plus", "star"];
const TONE_COLORS = { light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C6D31", "#5B5EA6", "#444444", "#3A9BD9"],
                      dark: ["#56B4E9", "#FF9A5C", "#4FD0A5", "#E9A6CB", "#D9BC72", "#A9ABF2", "#CFCFCF", "#8CC9F0"] };
const TABLE = ["span", "low", "high", "r90", "null", "n", "f1", "chance", "random", "random_low", "random_high"];
const KINDS = { int8: Int8Array, uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };

// The bundle

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function unpack(header, bytes) {
  if (header.version !== 1) throw new Error("this page and its data are of different versions; make them again");
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old to unpack the data; use one of 2023 or later");
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const arrays = {};
  for (const [name, { type, shape, at }] of Object.entries(header.arrays)) {
    arrays[name] = new KINDS[type](buffer, at, shape.reduce((a, b) => a * b, 1));
    arrays[name].shape = shape;
  }
  const perBin = new Float64Array(256);
  for (let q = 1; q < 256; q++) perBin[q] = 2 ** ((q - 255) / header.steps_per_octave);
  return { header, arrays, share: perBin };
}

class Recording { // one token of a bundle with what was measured on it
  constructor(bundle, index) {
    this.bundle = bundle; this.index = index; this.about = bundle.header.tokens[index];
    this.row = bundle.header.tokens.slice(0, index).filter(token => token.language === this.about.language).length;
    [this.before, this.after] = this.about.side_ms;
  }
  part(name) {
    const array = this.bundle.arrays[name], size = array.length / array.shape[0];
    return array.subarray(this.index * size, (this.index + 1) * size);
  }
  sound() { return this.bundle.arrays.sound.slice(...this.about.sound); }
  block(condition) {
    const { blocks } = this.bundle.header;
    const number = blocks.findIndex(block => block.condition === condition && block.language === this.about.language);
    return number < 0 ? null : { number, ...blocks[number] };
  }
  measured(condition, layer) { // energy row, radii and confidence in one layer, or null
    const block = this.block(condition);
    if (!block) return null;
    const at = layerLike(block.layers, layer), n = block.layers.length, { arrays } = this.bundle;
    const bins = arrays[`${block.number}.energy`].shape[2], start = (this.row * n + at) * bins;
    const value = name => arrays[`${block.number}.${name}`][this.row * n + at];
    return { layer: block.layers[at], at, row: arrays[`${block.number}.energy`].subarray(start, start + bins),
             r_com: value("r_com"), r90: value("r90"), confidence: value("confidence") };
  }
}

function depth(layers, name) { // as in comparison.relative_depth
  const top = Math.max(...layers.filter(one => /^\d+$/.test(one)).map(Number));
  return name === "cnn" ? -1 / top : name === "final" ? 1 : Number(name) / top;
}

function layerLike(layers, layer) { // the layer of that name, else the one at the nearest relative depth
  if (layers.includes(layer.name)) return layers.indexOf(layer.name);
  const gaps = layers.map(one => Math.abs(depth(layers, one) - layer.depth));
  return gaps.indexOf(Math.min(...gaps));
}

function flatNull(header, before, after) { // a model that looks everywhere alike, within the audio there is
  const { window_ms: window, bin_ms: bin } = header, n = Math.round(2 * window / bin);
  const held = Array.from({ length: n }, (_, i) => {
    const from = -window + i * bin;
    return Math.max(0, Math.min(from + bin, after) - Math.max(from, -before));
  });
  const total = held.reduce((a, b) => a + b, 0);
  return held.map(one => one / total);
}

const ms = value => Number.isFinite(value) ? (Math.abs(value) < 99.95 ? value.toFixed(1) : value.toFixed(0)) : "–";
const text = (tag, content, attributes = {}) => {
  const node = document.createElement(tag);
  if (content !== undefined) node.textContent = content;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};

// Sound

class Player {
  constructor(onTime, onProblem) { this.onTime = onTime; this.onProblem = onProblem; this.buffers = new WeakMap(); this.turn = 0; }
  async play(recording, from, to, window) { // ms from the centre
    this.stop();
    const turn = this.turn, Context = globalThis.AudioContext || globalThis.webkitAudioContext;
    if (!Context) return this.onProblem("This browser plays no sound (it has no Web Audio); everything else works.");
    try {
      this.context ??= new Context();
      let buffer = this.buffers.get(recording);
      if (!buffer) this.buffers.set(recording, buffer = await this.context.decodeAudioData(recording.sound().buffer));
      await this.context.resume();
      if (turn === this.turn) this.start(buffer, from + window, to + window, window);
    } catch (error) {
      this.onProblem("This browser cannot decode the clips (Ogg Opus, as Safari before 18.4); everything else works.");
    }
  }
  start(buffer, from, to, window) { // ms from the start of the clip; 4 ms fades, or a cut would click
    const { context } = this, begin = context.currentTime + 0.02, length = (to - from) / 1000;
    const source = context.createBufferSource(), gain = context.createGain();
    source.buffer = buffer;
    source.connect(gain).connect(context.destination);
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(1, begin + 0.004);
    gain.gain.setValueAtTime(1, begin + Math.max(0.004, length - 0.004));
    gain.gain.linearRampToValueAtTime(0, begin + length);
    source.start(begin, from / 1000, length);
    this.source = source;
    const step = () => {
      if (this.source !== source) return;
      const at = context.currentTime - begin;
      if (at >= length) return this.stop();
      this.onTime(from + 1000 * Math.max(0, at) - window);
      this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }
  stop() {
    this.turn++;
    cancelAnimationFrame(this.frame);
    try { this.source?.stop(); } catch { /* it had not begun */ }
    this.source = null;
    this.onTime(null);
  }
}

// The application

const PAGE = `
<header class="ts-head"><h2 class="ts-title">How far does it listen?</h2><p class="ts-note" data-id="about"></p></header>
<div class="ts-bar">
  <label class="ts-field ts-small"><span>Language</span><select data-id="language"></select></label>
  <label class="ts-field"><span class="ts-key a">Condition A</span><select data-id="condition"></select></label>
  <label class="ts-field"><span class="ts-key b">Compare with B</span><select data-id="compare"></select></label>
  <label class="ts-field ts-small"><span>Layer</span><select data-id="layer"></select></label>
  <label class="ts-field ts-small"><span>Tone</span><select data-id="tone"></select></label>
  <div class="ts-field ts-wide"><span>Token</span><div class="ts-step">
    <button type="button" data-id="previous" aria-label="Previous token" title="Previous token (←)">←</button>
    <select data-id="token" aria-label="Token"></select>
    <button type="button" data-id="next" aria-label="Next token" title="Next token (→)">→</button></div></div>
  <div class="ts-play" role="group" aria-label="Listen">
    <button type="button" class="ts-primary" data-id="play" title="Play the clip (Space)">▶ Clip</button>
    <button type="button" data-id="playspan" aria-label="Play inside the span of A" title="Play only ±r_com of A (S)">▶ Span A</button>
    <button type="button" data-id="playspanb" aria-label="Play inside the span of B" title="Play only ±r_com of B (D)">▶ Span B</button>
    <button type="button" data-id="stop" title="Stop (Escape)" aria-label="Stop">■</button>
    <button type="button" data-id="theme" title="Light or dark" aria-label="Light or dark">◐</button>
  </div>
</div>
<div class="ts-main">
  <div>
    <div class="ts-stage" data-id="stage"><canvas class="ts-base" role="img"></canvas><canvas class="ts-over" aria-hidden="true"></canvas></div>
    <p class="ts-status" data-id="hover" aria-hidden="true"></p>
    <p class="ts-error" data-id="problem" role="alert" hidden></p>
  </div>
  <aside class="ts-side">
    <section class="ts-card" aria-live="polite"><h3 data-id="heading"></h3><table data-id="numbers"></table></section>
    <section class="ts-card"><h3>All tokens: span against the probe's confidence</h3>
      <div class="ts-scatter" data-id="scatter"><canvas role="img" tabindex="0"></canvas></div><div class="ts-legend" data-id="legend"></div></section>
    <section class="ts-card" data-id="own"></section>
    <details class="ts-card"><summary>Keys</summary><div class="ts-keys">
      <kbd>← →</kbd><span>previous, next token</span><kbd>↑ ↓</kbd><span>layer up, down</span><kbd>Space</kbd><span>play the clip</span>
      <kbd>S D</kbd><span>play inside the span of A, of B</span><kbd>X</kbd><span>swap A and B</span><kbd>C</kbd><span>next condition</span>
      <kbd>L</kbd><span>next language</span><kbd>T</kbd><span>next tone</span><kbd>Esc</kbd><span>stop</span></div></details>
  </aside>
</div>`;

class App {
  constructor(root, bundle, host) {
    this.root = root; this.main = bundle; this.header = bundle.header; this.host = host;
    this.recordings = this.header.tokens.map((_, index) => new Recording(bundle, index));
    this.nulls = new Map(); this.undo = [];
    root.classList.add("ts-root");
    root.tabIndex = -1;
    root.dataset.lmSuppressShortcuts = "true"; // JupyterLab keeps its single-letter shortcuts off here
    root.innerHTML = PAGE;
    this.ui = Object.fromEntries([...root.querySelectorAll("[data-id]")].map(node => [node.dataset.id, node]));
    this.base = root.querySelector(".ts-base"); this.over = root.querySelector(".ts-over");
    this.plot = this.ui.scatter.querySelector("canvas");
    this.player = new Player(at => { this.playhead = at; root.toggleAttribute("data-playing", at !== null); this.drawOver(); }, problem => this.problem(problem));
    const first = this.header.languages.find(language => this.recordings.some(one => one.about.language === language.code));
    const conditions = this.conditionsOf(first.code);
    const target = conditions.find(block => block.label === "target ASR") ?? conditions[1];
    this.state = { language: first.code, condition: conditions[0].condition, compare: target?.condition ?? "", tone: "",
                   layer: null, recording: null };
    const layers = conditions[0].layers, top = layers.filter(one => /^\d+$/.test(one)).pop();
    this.state.layer = { name: top, depth: depth(layers, top) };
    this.state.recording = this.tokens()[0];
    this.say();
    this.listen();
    this.setTheme();
    this.update();
  }

  // What there is to choose from

  conditionsOf(language) { return this.header.blocks.filter(block => block.language === language); }
  tokens() {
    const { language, tone } = this.state;
    const own = this.mine?.about.language === language ? [this.mine] : [];
    return own.concat(this.recordings.filter(one => one.about.language === language && (!tone || one.about.tone === tone)));
  }
  languageInfo(code = this.state.language) { return this.header.languages.find(one => one.code === code); }
  pooled(condition, layer) {
    const number = this.header.blocks.findIndex(one => one.condition === condition && one.language === this.state.language);
    if (number < 0) return null;
    const block = this.header.blocks[number], at = layerLike(block.layers, layer), { arrays } = this.main;
    const row = (name, width) => arrays[`${number}.${name}`].subarray(at * width, (at + 1) * width);
    const profile = arrays[`${number}.pooled`];
    return { ...Object.fromEntries([...row("table", TABLE.length)].map((value, i) => [TABLE[i], value])),
             profile: row("pooled", profile.shape[1]), layer: block.layers[at], label: block.label, noFinding: block.no_finding?.[at] ?? "" };
  }
  null(recording) {
    if (!this.nulls.has(recording)) this.nulls.set(recording, flatNull(this.header, recording.before, recording.after));
    return this.nulls.get(recording);
  }

  // Choosing

  choose(change) {
    const before = this.state;
    this.player.stop();
    this.problem("");
    this.state = { ...before, ...change };
    const { state } = this;
    if (state.language !== before.language) {
      const there = this.conditionsOf(state.language);
      const like = name => { // the same condition, or the one that is to this language what the old one was to the old
        const role = this.conditionsOf(before.language).find(block => block.condition === name)?.label;
        return (there.find(block => block.condition === name) ?? there.find(block => block.label === role))?.condition;
      };
      state.condition = like(before.condition) ?? there[0].condition;
      state.compare = before.compare && (like(before.compare) ?? "");
      state.tone = "";
    }
    if (!this.tokens().includes(state.recording)) state.recording = this.tokens()[0];
    const layers = this.conditionsOf(state.language).find(block => block.condition === state.condition).layers;
    if (!layers.includes(state.layer.name)) {
      const name = layers[layerLike(layers, state.layer)];
      state.layer = { name, depth: depth(layers, name) };
    }
    this.update();
  }
  step(by) {
    const there = this.tokens(), at = there.indexOf(this.state.recording);
    this.choose({ recording: there[(at + by + there.length) % there.length] });
  }
  stepLayer(by) {
    const layers = this.conditionsOf(this.state.language).find(block => block.condition === this.state.condition).layers;
    const at = Math.max(0, Math.min(layers.length - 1, layers.indexOf(this.state.layer.name) + by));
    this.choose({ layer: { name: layers[at], depth: depth(layers, layers[at]) } });
  }
  cycle(id) {
    const select = this.ui[id];
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    select.dispatchEvent(new Event("change"));
  }
  swap() { if (this.state.compare) this.choose({ condition: this.state.compare, compare: this.state.condition }); }
  problem(line) { this.ui.problem.textContent = line; this.ui.problem.hidden = !line; }

  on(target, type, act, options) {
    target.addEventListener(type, act, options);
    this.undo.push(() => target.removeEventListener(type, act, options));
  }
  listen() {
    const { ui } = this;
    for (const id of ["language", "condition", "compare", "tone"]) this.on(ui[id], "change", () => this.choose({ [id]: ui[id].value }));
    this.on(ui.layer, "change", () => {
      const layers = this.conditionsOf(this.state.language).find(block => block.condition === this.state.condition).layers;
      this.choose({ layer: { name: ui.layer.value, depth: depth(layers, ui.layer.value) } });
    });
    this.on(ui.token, "change", () => this.choose({ recording: this.tokens()[ui.token.selectedIndex] }));
    this.on(ui.previous, "click", () => this.step(-1));
    this.on(ui.next, "click", () => this.step(1));
    this.on(ui.play, "click", () => this.playClip());
    this.on(ui.playspan, "click", () => this.playSpan(this.state.condition));
    this.on(ui.playspanb, "click", () => this.playSpan(this.state.compare));
    this.on(ui.stop, "click", () => this.player.stop());
    this.on(ui.theme, "click", () => { this.dark = !this.dark; this.themed = true; this.setTheme(); this.draw(); });
    this.on(this.host.keys ?? this.root, "keydown", event => this.key(event));
    this.on(ui.stage, "pointermove", event => this.hover(event));
    this.on(ui.stage, "pointerleave", () => { this.pointer = null; this.drawOver(); });
    this.on(ui.stage, "click", event => this.pick(event));
    this.on(this.plot, "click", event => this.pickPoint(event));
    this.on(this.plot, "pointermove", event => { this.plot.title = this.nearestPoint(event)?.about.id ?? ""; });
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    this.on(scheme, "change", () => { this.setTheme(); this.draw(); });
    const watch = new MutationObserver(() => { this.setTheme(); this.draw(); });
    watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    const resize = new ResizeObserver(() => {
      this.root.classList.toggle("narrow", this.root.clientWidth < 860);
      if (this.width !== this.ui.stage.clientWidth || this.plotWidth !== this.ui.scatter.clientWidth) this.draw();
    });
    resize.observe(this.root);
    this.undo.push(() => watch.disconnect(), () => resize.disconnect(), () => this.player.stop());
  }
  close() { this.undo.forEach(undo => undo()); }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(input|textarea)$/i.test(event.target.tagName)) return;
    const chooses = event.target.tagName === "SELECT", presses = /^(button|summary)$/i.test(event.target.tagName);
    const act = { ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), ArrowUp: () => this.stepLayer(1),
                  ArrowDown: () => this.stepLayer(-1), " ": () => this.playClip(), s: () => this.playSpan(this.state.condition),
                  d: () => this.playSpan(this.state.compare), x: () => this.swap(), c: () => this.cycle("condition"), l: () => this.cycle("language"), t: () => this.cycle("tone"),
                  Escape: () => this.player.stop() }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || (chooses && event.key !== "Escape") || (presses && event.key === " ")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
  playClip() {
    const { window_ms: window } = this.header, { recording } = this.state;
    this.player.play(recording, -Math.min(window, recording.before), Math.min(window, recording.after), window);
  }
  playSpan(condition) {
    const found = condition && this.state.recording.measured(condition, this.state.layer);
    if (found && found.r_com > 0) this.player.play(this.state.recording, -found.r_com, found.r_com, this.header.window_ms);
  }

  // Telling

  say() {
    const { header } = this, { ui } = this;
    const shown = header.n_shown < header.n_measured ? `${header.n_shown} of ${header.n_measured} measured tokens, drawn at random by tone` : `${header.n_shown} measured tokens`;
    ui.about.textContent = `${header.synthetic ? "Synthetic speech with a planted answer, no evidence about these languages" : header.speech} · profile ${header.profile} · ${shown}`;
    ui.about.classList.toggle("ts-synthetic", header.synthetic);
    if (this.host.measure) this.offerMeasuring();
    else {
      ui.own.append(text("h3", "Measure a recording of your own"), text("p", "This page holds stored results only. The notebook explorer (make explore) shows the same with the models beside it: there you give an audio file and a centre.", { class: "ts-note" }));
    }
  }
  offerMeasuring() {
    const own = this.ui.own;
    own.innerHTML = `<h3>Measure my recording</h3><div class="ts-measure">
      <label class="ts-field"><span>Audio file (wav, flac, mp3, ogg; up to 30 s, ${MAX_UPLOAD_MB} MB)</span><input type="file" accept="audio/*,.wav,.flac,.mp3,.ogg,.opus" data-own="file"></label>
      <div class="ts-row"><label class="ts-field"><span>Tone centre (s)</span><input type="number" min="0" step="0.01" value="0.5" style="width:90px" data-own="center"></label>
      <label class="ts-field"><span>Tone</span><select data-own="tone"></select></label>
      <button type="button" data-own="go">Measure</button></div><p class="ts-note" data-own="line" role="status"></p></div>`;
    this.own = Object.fromEntries([...own.querySelectorAll("[data-own]")].map(node => [node.dataset.own, node]));
    this.on(this.own.go, "click", () => this.measure());
  }
  async measure() {
    const { file: input, center, tone, go, line } = this.own, file = input.files[0], { state } = this;
    const say = (words, wrong) => { line.textContent = words; line.className = wrong ? "ts-error" : "ts-note"; };
    if (!file) return say("Choose an audio file first.", true);
    if (file.size > MAX_UPLOAD_MB * 1e6) return say(`${file.name} has ${(file.size / 1e6).toFixed(0)} MB; at most ${MAX_UPLOAD_MB} MB: cut a clip of at most 30 s around the syllable.`, true);
    go.disabled = true;
    say("Measuring …");
    try {
      const conditions = [...new Set([state.condition, state.compare].filter(Boolean))];
      const ask = { name: file.name, conditions, language: state.language, tone: tone.value, center_s: Number(center.value) };
      const { header, bytes } = await this.host.measure(ask, await file.arrayBuffer());
      this.mine = new Recording(await unpack(header, bytes), 0);
      say(`Measured under ${conditions.join(" and ")}: the first token of ${this.languageInfo().name}, “my recording”.`);
      this.choose({ recording: this.mine });
    } catch (error) {
      say(error.message, true);
    } finally { go.disabled = false; }
  }
  options(select, entries, chosen) {
    const same = select.options.length === entries.length && entries.every(([value, label], i) => select.options[i].value === value && select.options[i].text === label);
    if (!same) select.replaceChildren(...entries.map(([value, label]) => new Option(label, value)));
    select.value = chosen;
  }
  update() {
    const { state, ui } = this, there = this.conditionsOf(state.language);
    const named = block => [block.condition, block.label === block.condition.split("/")[1] ? block.condition : `${block.condition} · ${block.label}`];
    this.options(ui.language, this.header.languages.map(one => [one.code, one.name]), state.language);
    this.options(ui.condition, there.map(named), state.condition);
    this.options(ui.compare, [["", "nothing"], ...there.map(named)], state.compare);
    this.options(ui.layer, [...there.find(block => block.condition === state.condition).layers].reverse().map(one => [one, one]), state.layer.name);
    this.options(ui.tone, [["", "all"], ...this.languageInfo().tones.map(tone => [tone, tone])], state.tone);
    const label = (one, i) => one === this.mine ? `my recording: ${one.about.id}` : `${i + 1}. ${one.about.ipa ? `[${one.about.ipa}] ` : ""}${one.about.syllable}, tone ${one.about.tone}`;
    const tokens = this.tokens();
    this.options(ui.token, tokens.map((one, i) => [String(i), label(one, i)]), String(tokens.indexOf(state.recording)));
    if (this.own) this.options(this.own.tone, [["", "as the probe predicts it"], ...this.languageInfo().tones.map(tone => [tone, tone])], this.own.tone.value);
    ui.playspanb.hidden = !state.compare;
    ui.playspan.disabled = !(state.recording.measured(state.condition, state.layer)?.r_com > 0);
    this.tell();
    this.draw();
  }
  tell() {
    const { state, ui } = this, { about } = state.recording, [cue, low, high] = this.languageInfo().cue_ms;
    const columns = [state.condition, state.compare].filter(Boolean);
    const token = columns.map(one => state.recording.measured(one, state.layer)), pool = columns.map(one => this.pooled(one, state.layer));
    ui.heading.textContent = `${[about.ipa && `[${about.ipa}]`, about.syllable].filter(Boolean).join(" ") || about.id} · tone ${about.tone}${about.speaker ? ` · ${about.speaker}` : ""}`;
    const head = text("tr");
    head.append(text("th", "", { scope: "col" }), ...columns.map((one, i) => {
      const cell = text("th", undefined, { scope: "col" });
      cell.append(text("span", `${"AB"[i]} layer ${pool[i]?.layer ?? "–"}`, { class: `ts-key ${"ab"[i]}` }));
      return cell;
    }));
    const row = (name, key, values) => {
      const line = text("tr");
      line.append(text("th", name, { scope: "row" }), ...values.map((value, i) => {
        const cell = text("td", undefined, { "data-key": key, "data-column": "ab"[i] });
        const [number, rest] = Array.isArray(value) ? value : [value, ""];
        cell.append(text("span", number), ...(rest ? [document.createElement("br"), text("span", rest, { class: "ts-ci" })] : []));
        return cell;
      }));
      return line;
    };
    const group = name => { const line = text("tr", undefined, { class: "ts-group" }); line.append(text("th", name, { colspan: columns.length + 1, scope: "rowgroup" })); return line; };
    const body = text("tbody");
    const level = Math.round(100 * this.header.level), range = (a, b, show) => Number.isFinite(a) ? `[${show(a)}, ${show(b)}]` : "no interval";
    body.append(
      group("This token"),
      row("span 2 r_com (ms)", "token_span", token.map(one => one ? ms(2 * one.r_com) : "not measured")),
      row("90 % radius (ms)", "token_r90", token.map(one => one ? ms(one.r90) : "–")),
      row("P(true tone)", "confidence", token.map(one => one ? one.confidence.toFixed(3) : "–")),
      group(`All tokens, ${level} % interval`),
      row("span 2 r_com (ms)", "span", pool.map(one => !one ? "–" : one.noFinding ? ["none", `no finding: ${one.noFinding}`] : [ms(one.span), range(one.low, one.high, ms)])),
      row("90 % radius (ms)", "r90", pool.map(one => one ? ms(one.r90) : "–")),
      row("null span (ms)", "null", pool.map(one => one ? ms(one.null) : "–")),
      row("random weights (ms)", "random", pool.map(one => one ? [ms(one.random), range(one.random_low, one.random_high, ms)] : "–")),
      row("probe F1", "f1", pool.map(one => one ? [one.f1.toFixed(2), `chance ${one.chance.toFixed(2)}`] : "–")),
      row("tokens", "n", pool.map(one => one ? one.n.toFixed(0) : "–")),
    );
    const cueRow = row("cue width in the signal (ms)", "cue", [cue === null ? ["none", this.languageInfo().no_cue] : [ms(cue), range(low ?? NaN, high ?? NaN, ms)]]);
    cueRow.lastChild.colSpan = columns.length;
    body.append(cueRow);
    const thead = text("thead");
    thead.append(head);
    ui.numbers.replaceChildren(thead, body);
    const told = columns.map((one, i) => token[i] ? `${"AB"[i]}, ${one} layer ${token[i].layer}: span ${ms(2 * token[i].r_com)} ms, 90 % radius ${ms(token[i].r90)} ms` : `${"AB"[i]}, ${one}: not measured`);
    this.base.setAttribute("aria-label", `Waveform, log-Mel spectrogram with F0, gradient energy by layer and energy over time from the tone centre, of ${about.ipa || about.syllable || about.id}, tone ${about.tone}. ${told.join(". ")}. ${cue === null ? "No cue width in the signal" : `Cue width in the signal ${ms(cue)} ms`}.`);
  }

  // Drawing

  setTheme() {
    const jupyter = document.body.dataset.jpThemeLight;
    if (!this.themed) this.dark = jupyter !== undefined ? jupyter === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
    this.root.dataset.dark = this.dark ? "1" : "0";
    if (this.host.page) document.documentElement.dataset.dark = this.root.dataset.dark;
    const style = getComputedStyle(this.root);
    this.color = Object.fromEntries(["ink", "soft", "faint", "line", "paper", "wash", "a", "b", "cue", "f0", "random", "edge"].map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  draw() {
    this.drawStage();
    this.drawScatter();
    this.drawOver();
  }
  layout(width) {
    const { state } = this, panels = [], small = width < 560;
    let top = 0;
    const add = (name, height, more = {}) => { panels.push({ name, top: top + GAP, height, ...more }); top += GAP + height; };
    add("wave", small ? 66 : 82);
    add("mel", small ? 120 : 150);
    for (const [letter, condition] of [["a", state.condition], ["b", state.compare]]) {
      if (!condition) continue;
      const layers = this.conditionsOf(state.language).find(block => block.condition === condition).layers;
      add(`map ${letter}`, Math.max(110, Math.min(300, layers.length * (small ? 14 : 17))), { letter, condition, layers });
    }
    add("profile", small ? 150 : 180);
    return { panels, height: top + 36 };
  }
  x(at) { const { window_ms: window } = this.header; return LEFT + (at + window) / (2 * window) * (this.width - LEFT - RIGHT); }
  time(x) { const { window_ms: window } = this.header; return (x - LEFT) / (this.width - LEFT - RIGHT) * 2 * window - window; }
  fit(canvas, width, height) {
    const scale = globalThis.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale); canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    return context;
  }
  drawStage() {
    this.width = this.ui.stage.clientWidth;
    if (!this.width) return;
    const { panels, height } = this.layout(this.width);
    this.panels = panels; this.stageHeight = height;
    const context = this.fit(this.base, this.width, height);
    this.fit(this.over, this.width, height);
    const draw = { wave: this.drawWave, mel: this.drawMel, "map a": this.drawMap, "map b": this.drawMap, profile: this.drawProfile };
    for (const panel of panels) { context.save(); draw[panel.name].call(this, context, panel); context.restore(); }
    this.drawTimeAxis(context, panels.at(-1));
  }
  title(context, panel, words, color = this.color.ink) {
    context.fillStyle = color; context.textAlign = "left"; context.textBaseline = "alphabetic";
    context.font = "600 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    context.fillText(words, LEFT, panel.top - 7, this.width - LEFT - RIGHT);
    context.font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  }
  vertical(context, panel, words) {
    context.save();
    context.translate(11, panel.top + panel.height / 2); context.rotate(-Math.PI / 2);
    context.fillStyle = this.color.soft; context.textAlign = "center"; context.textBaseline = "middle";
    context.fillText(words, 0, 0);
    context.restore();
  }
  tick(context, panel, y, words) {
    context.fillStyle = this.color.soft; context.textAlign = "right"; context.textBaseline = "middle";
    context.fillText(words, LEFT - 5, y);
  }
  frame(context, panel) {
    context.strokeStyle = this.color.line; context.lineWidth = 1;
    context.strokeRect(LEFT + 0.5, panel.top + 0.5, this.width - LEFT - RIGHT - 1, panel.height - 1);
  }
  line(context, x1, y1, x2, y2, color, dash = [], width = 1) {
    context.strokeStyle = color; context.lineWidth = width; context.setLineDash(dash);
    context.beginPath(); context.moveTo(x1, y1); context.lineTo(x2, y2); context.stroke();
    context.setLineDash([]);
  }
  blank(context, panel) { // where the recording has ended
    const { before, after } = this.state.recording, { window_ms: window } = this.header;
    context.fillStyle = this.color.wash;
    for (const [from, to] of [[-window, -before], [after, window]]) if (to > from) context.fillRect(this.x(from), panel.top, this.x(to) - this.x(from), panel.height);
  }
  drawWave(context, panel) {
    const { recording } = this.state, outline = recording.part("outline"), n = outline.length / 2, { window_ms: window } = this.header;
    this.title(context, panel, "Waveform");
    this.blank(context, panel);
    const room = 18, middle = panel.top + room + (panel.height - room) / 2, scale = (panel.height - room) / 2 / 108;
    const [start, end] = recording.about.syllables.find(([from, to]) => from <= 0 && to >= 0) ?? [0, 0];
    context.fillStyle = this.color.a; context.globalAlpha = this.dark ? 0.22 : 0.12;
    context.fillRect(this.x(Math.max(start, -window)), panel.top, this.x(Math.min(end, window)) - this.x(Math.max(start, -window)), panel.height);
    context.globalAlpha = 1;
    context.fillStyle = this.color.soft;
    context.beginPath();
    for (let i = 0; i < n; i++) context.lineTo(this.x(-window + (i + 0.5) * 2 * window / n), middle - outline[2 * i + 1] * scale - 0.4);
    for (let i = n - 1; i >= 0; i--) context.lineTo(this.x(-window + (i + 0.5) * 2 * window / n), middle - outline[2 * i] * scale + 0.4);
    context.fill();
    this.syllables(context, panel, true);
    this.frame(context, panel);
  }
  syllables(context, panel, named) {
    const { window_ms: window } = this.header;
    context.save();
    context.beginPath(); context.rect(LEFT, panel.top - GAP, this.width - LEFT - RIGHT, panel.height + GAP); context.clip();
    for (const [from, to, syllable, ipa, tone] of this.state.recording.about.syllables) {
      for (const at of [from, to]) if (Math.abs(at) < window) this.line(context, this.x(at), panel.top, this.x(at), panel.top + panel.height, this.color.faint, [2, 3]);
      if (!named) continue;
      const own = from <= 0 && to >= 0, left = Math.max(this.x(from), LEFT), right = Math.min(this.x(to), this.width - RIGHT);
      const words = `${ipa || syllable} ${tone}`;
      context.font = `${own ? "600 " : ""}12px system-ui, sans-serif`;
      if (context.measureText(words).width > right - left - 4) continue;
      context.textAlign = "center"; context.textBaseline = "top";
      context.lineWidth = 3; context.strokeStyle = this.color.paper; context.strokeText(words, (left + right) / 2, panel.top + 3);
      context.fillStyle = own ? this.color.a : this.color.soft;
      context.fillText(words, (left + right) / 2, panel.top + 3);
    }
    context.restore();
  }
  image(columns, rows, paint) { // a small canvas whose pixels `paint(column, row)` gives as [r, g, b, alpha]
    const canvas = document.createElement("canvas");
    canvas.width = columns; canvas.height = rows;
    const context = canvas.getContext("2d"), pixels = context.createImageData(columns, rows);
    for (let row = 0, i = 0; row < rows; row++) for (let column = 0; column < columns; column++, i += 4) {
      const [r, g, b, a] = paint(column, row);
      pixels.data[i] = r; pixels.data[i + 1] = g; pixels.data[i + 2] = b; pixels.data[i + 3] = a;
    }
    context.putImageData(pixels, 0, 0);
    return canvas;
  }
  bandAt(hz) { // fractional band of a frequency; bands are even in mel
    const bands = this.header.band_hz, above = bands.findIndex(one => one >= hz);
    if (above <= 0) return above === 0 ? 0 : bands.length - 1;
    return above - 1 + (hz - bands[above - 1]) / (bands[above] - bands[above - 1]);
  }
  melY(panel, hz) { return panel.top + panel.height * (1 - (this.bandAt(hz) + 0.5) / this.header.band_hz.length); }
  drawMel(context, panel) {
    const { recording } = this.state, mel = recording.part("mel"), bands = this.header.band_hz.length, frames = mel.length / bands;
    const shade = this.dark ? 255 : 15, inner = this.width - LEFT - RIGHT;
    const picture = this.image(frames, bands, (frame, row) => [shade, shade, shade + (this.dark ? 0 : 10), 255 * (mel[frame * bands + bands - 1 - row] / 255) ** 2.2]);
    this.title(context, panel, this.width < 560 ? "Log-Mel, F0" : "Log-Mel spectrogram and F0");
    context.textAlign = "right"; context.fillStyle = this.color.f0; context.textBaseline = "alphabetic";
    const track = recording.part("f0"), voiced = [...track].filter(value => value > 0).map(value => value / 10);
    const low = Math.min(...voiced) / 2 ** (3 / 12), high = Math.max(...voiced) * 2 ** (3 / 12);
    if (voiced.length) context.fillText(`F0 ${Math.min(...voiced).toFixed(0)} to ${Math.max(...voiced).toFixed(0)} Hz${this.width < 560 ? "" : ", log scale of its own"}`, this.width - RIGHT, panel.top - 7);
    this.blank(context, panel);
    context.imageSmoothingEnabled = true; context.imageSmoothingQuality = "high";
    context.drawImage(picture, LEFT, panel.top, inner, panel.height);
    for (const hz of [200, 500, 1000, 2000, 4000]) this.tick(context, panel, this.melY(panel, hz), hz < 1000 ? String(hz) : `${hz / 1000}k`);
    this.vertical(context, panel, "Hz, mel scale");
    this.syllables(context, panel, false);
    const f0Y = hz => panel.top + panel.height * (0.92 - 0.84 * Math.log(hz / low) / Math.log(high / low));
    for (const [color, width] of [[this.color.paper, 5], [this.color.f0, 2.4]]) {
      context.strokeStyle = color; context.lineWidth = width; context.lineJoin = context.lineCap = "round";
      context.beginPath();
      track.forEach((value, i) => {
        if (!value) return;
        const x = LEFT + (i + 0.5) * inner / track.length, y = f0Y(value / 10);
        if (i && track[i - 1]) context.lineTo(x, y); else { context.moveTo(x, y); context.lineTo(x + 0.1, y); }
      });
      context.stroke();
    }
    this.frame(context, panel);
  }
  drawMap(context, panel) {
    const { state } = this, { recording } = state, block = recording.block(panel.condition), inner = this.width - LEFT - RIGHT;
    const color = this.color[panel.letter], label = this.conditionsOf(state.language).find(one => one.condition === panel.condition).label;
    this.title(context, panel, `${panel.letter.toUpperCase()}  ${panel.condition}${label === panel.condition.split("/")[1] ? "" : ` (${label})`}${this.width < 560 ? "" : ": gradient energy by layer"}`, color);
    if (!block) {
      context.fillStyle = this.color.soft; context.textAlign = "left"; context.textBaseline = "middle";
      context.fillText("Not measured for this recording: choose Measure again.", LEFT + 10, panel.top + panel.height / 2);
      return this.frame(context, panel);
    }
    const layers = panel.layers, n = layers.length, flat = this.null(recording), { share, arrays } = recording.bundle, lut = this.main.arrays.viridis;
    const energy = arrays[`${block.number}.energy`], bins = energy.shape[2], first = recording.row * n * bins;
    const picture = this.image(bins, n, (bin, row) => {
      const value = share[energy[first + (n - 1 - row) * bins + bin]];
      if (!flat[bin]) return [0, 0, 0, 0];
      const level = value ? (Math.log2(value / flat[bin]) + OCTAVES) / (2 * OCTAVES) : 0, at = 3 * Math.round(255 * Math.max(0, Math.min(1, level)));
      return [lut[at], lut[at + 1], lut[at + 2], 255];
    });
    this.blank(context, panel);
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, LEFT, panel.top, inner, panel.height);
    const rowHeight = panel.height / n, y = at => panel.top + (n - 1 - at) * rowHeight, every = Math.ceil(n * 13 / panel.height);
    const chosen = layerLike(layers, state.layer);
    layers.forEach((name, at) => {
      if ((n - 1 - at) % every === 0 || at === chosen) {
        context.font = `${at === chosen ? "700 " : ""}12px system-ui, sans-serif`;
        this.tick(context, panel, y(at) + rowHeight / 2, name);
      }
      const radius = arrays[`${block.number}.r_com`][recording.row * n + at];
      for (const side of [-1, 1]) if (radius > 0) {
        const x = this.x(side * radius);
        this.line(context, x, y(at) + 1, x, y(at) + rowHeight - 1, "#00000099", [], 4);
        this.line(context, x, y(at) + 1, x, y(at) + rowHeight - 1, "#ffffff", [], 2);
      }
    });
    context.font = "12px system-ui, sans-serif";
    context.strokeStyle = color; context.lineWidth = 2;
    context.strokeRect(LEFT + 1, y(chosen) + 0.5, inner - 2, rowHeight - 1);
    this.vertical(context, panel, "layer");
    if (panel.letter === "a" && this.width >= 700) this.colorbar(context, panel, lut);
    this.frame(context, panel);
  }
  colorbar(context, panel, lut) {
    const width = 110, left = this.width - RIGHT - width - 62, y = panel.top - 15;
    for (let i = 0; i < width; i++) {
      const at = 3 * Math.round(255 * i / (width - 1));
      context.fillStyle = `rgb(${lut[at]},${lut[at + 1]},${lut[at + 2]})`;
      context.fillRect(left + i, y, 1.2, 9);
    }
    context.fillStyle = this.color.soft; context.textBaseline = "middle";
    context.textAlign = "right"; context.fillText("1/16", left - 4, y + 5);
    context.textAlign = "left"; context.fillText("16 × null", left + width + 4, y + 5);
  }
  drawProfile(context, panel) {
    const { state } = this, { recording } = state, { window_ms: window, bin_ms: bin } = this.header, flat = this.null(recording);
    const [cue] = this.languageInfo().cue_ms, curves = [];
    for (const [letter, condition] of [["b", state.compare], ["a", state.condition]]) {
      const own = condition && recording.measured(condition, state.layer), pool = condition && this.pooled(condition, state.layer);
      if (own) curves.push({ letter, own, pool, values: [...own.row].map(value => recording.bundle.share[value]) });
    }
    const top = 1.12 * Math.max(...flat, ...curves.flatMap(curve => [...curve.values, ...(curve.pool?.profile ?? [])]));
    const y = value => panel.top + panel.height * (1 - value / top), bottom = panel.top + panel.height;
    const name = curves.at(-1)?.own.layer ?? state.layer.name;
    this.title(context, panel, this.width < 560 ? `Energy over time, layer ${name}` : `Energy over time from the tone centre, layer ${name}`);
    this.blank(context, panel);
    context.fillStyle = this.color.cue; context.globalAlpha = this.dark ? 0.2 : 0.13;
    if (cue !== null) context.fillRect(this.x(-cue / 2), panel.top, this.x(cue / 2) - this.x(-cue / 2), panel.height);
    context.globalAlpha = 1;
    const step = niceStep(100 * top / 4) / 100;
    for (let value = 0; value <= top; value += step) {
      this.line(context, LEFT, y(value), this.width - RIGHT, y(value), this.color.line);
      this.tick(context, panel, y(value), (100 * value).toFixed(step < 0.01 ? 1 : 0));
    }
    this.vertical(context, panel, `% per ${bin} ms`);
    const path = (values, close) => {
      context.beginPath();
      if (close) context.moveTo(this.x(-window), bottom);
      values.forEach((value, i) => { context.lineTo(this.x(-window + i * bin), y(value)); context.lineTo(this.x(-window + (i + 1) * bin), y(value)); });
      if (close) context.lineTo(this.x(window), bottom);
    };
    for (const { letter, values, pool, own } of curves) {
      const color = this.color[letter];
      context.fillStyle = color; context.globalAlpha = 0.22; path(values, true); context.fill(); context.globalAlpha = 1;
      context.strokeStyle = color; context.lineWidth = 1.8; path(values); context.stroke();
      if (pool) { context.lineWidth = 1; context.globalAlpha = 0.8; context.setLineDash([5, 2]); path([...pool.profile]); context.stroke(); context.setLineDash([]); context.globalAlpha = 1; }
      for (const side of [-1, 1]) {
        if (own.r_com > 0) this.line(context, this.x(side * own.r_com), panel.top, this.x(side * own.r_com), bottom, color, [], 1.6);
        if (own.r90 > 0) this.line(context, this.x(side * own.r90), panel.top, this.x(side * own.r90), bottom, color, [1.5, 3.5], 1.6);
      }
    }
    context.strokeStyle = this.color.soft; context.lineWidth = 1.4; context.setLineDash([2, 2]); path(flat); context.stroke(); context.setLineDash([]);
    this.legend(context, panel);
    this.frame(context, panel);
  }
  legend(context, panel) {
    const entries = [["this token", [], 1.8, this.color.a], ["all tokens", [5, 2], 1, this.color.a], ["±r_com", [], 1.6, this.color.a, true], ["±90 %", [1.5, 3.5], 1.6, this.color.a, true], ["flat null", [2, 2], 1.4, this.color.soft], ["cue width", null, 0, this.color.cue]].filter(([words]) => words !== "cue width" || this.languageInfo().cue_ms[0] !== null);
    const right = this.x(this.header.window_ms) - 10;
    entries.forEach(([words, dash, width, color, upright], i) => {
      const y = panel.top + 13 + i * 16;
      context.textAlign = "right"; context.textBaseline = "middle";
      context.lineWidth = 3; context.strokeStyle = this.color.paper; context.strokeText(words, right - 28, y);
      context.fillStyle = this.color.soft; context.fillText(words, right - 28, y);
      if (!dash) { context.globalAlpha = 0.3; context.fillStyle = color; context.fillRect(right - 22, y - 5, 22, 10); context.globalAlpha = 1; }
      else if (upright) this.line(context, right - 11, y - 7, right - 11, y + 7, color, dash, width);
      else this.line(context, right - 22, y, right, y, color, dash, width);
    });
  }
  drawTimeAxis(context, panel) {
    const { window_ms: window } = this.header, y = panel.top + panel.height, step = niceStep(2 * window / (this.width < 560 ? 5 : 10));
    context.fillStyle = this.color.soft; context.textAlign = "center"; context.textBaseline = "top";
    for (let at = Math.ceil(-window / step) * step; at <= window; at += step) {
      this.line(context, this.x(at), y, this.x(at), y + 4, this.color.faint);
      context.textAlign = at <= -window ? "left" : at >= window ? "right" : "center";
      context.fillText(at === 0 ? "0" : `${at < 0 ? "−" : ""}${Math.abs(at)}`, this.x(at), y + 6);
    }
    context.textAlign = "center";
    context.fillText("time from the tone centre (ms)", (LEFT + this.width - RIGHT) / 2, y + 20);
    for (const one of this.panels) this.line(context, this.x(0), one.top, this.x(0), one.top + one.height, this.color.faint, [1, 4]);
  }
  drawOver() {
    if (!this.panels) return;
    const context = this.over.getContext("2d");
    context.clearRect(0, 0, this.width, this.stageHeight);
    const bar = (at, color, width) => this.panels.forEach(panel => this.line(context, this.x(at), panel.top, this.x(at), panel.top + panel.height, color, [], width));
    if (this.pointer != null) bar(this.pointer.at, this.color.ink, 1);
    if (this.playhead != null) bar(this.playhead, this.color.f0, 2.5);
    this.ui.hover.textContent = this.pointer ? this.describe(this.pointer) : "Point at a panel to read it; click in a map to choose its layer, elsewhere to play from there.";
  }
  describe({ at, panel, y }) {
    const { state } = this, { recording } = state, { window_ms: window, bin_ms: bin } = this.header;
    const share = (at + window) / (2 * window), sign = at < 0 ? "−" : "+";
    const parts = [`${sign}${Math.abs(at).toFixed(0)} ms`];
    const track = recording.part("f0"), hz = track[Math.min(track.length - 1, Math.floor(share * track.length))];
    parts.push(hz ? `F0 ${(hz / 10).toFixed(0)} Hz` : "unvoiced");
    if (panel?.name === "mel") {
      const row = (1 - (y - panel.top) / panel.height) * this.header.band_hz.length - 0.5, bands = this.header.band_hz;
      parts.push(`${bands[Math.max(0, Math.min(bands.length - 1, Math.round(row)))].toFixed(0)} Hz`);
    }
    const number = Math.min(Math.round(2 * window / bin) - 1, Math.floor(share * Math.round(2 * window / bin))), flat = this.null(recording)[number];
    for (const [letter, condition] of [["A", state.condition], ["B", state.compare]]) {
      if (!condition) continue;
      let layer = state.layer;
      if (panel?.condition === condition && panel.letter === letter.toLowerCase()) { const name = this.layerAt(panel, y); layer = { name, depth: depth(panel.layers, name) }; }
      const found = recording.measured(condition, layer), value = found && recording.bundle.share[found.row[number]];
      if (found) parts.push(`${letter} layer ${found.layer}: ${(100 * value).toFixed(2)} %${flat ? ` = ${(value / flat).toFixed(value < flat ? 2 : 1)} × null` : ""}`);
    }
    return parts.join(" · ");
  }
  layerAt(panel, y) {
    const n = panel.layers.length;
    return panel.layers[n - 1 - Math.max(0, Math.min(n - 1, Math.floor((y - panel.top) / panel.height * n)))];
  }
  place(event) {
    const box = this.ui.stage.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top, { window_ms: window } = this.header;
    return { at: Math.max(-window, Math.min(window, this.time(x))), y, panel: this.panels.find(one => y >= one.top && y <= one.top + one.height) };
  }
  hover(event) { this.pointer = this.place(event); this.drawOver(); }
  pick(event) {
    const { at, panel, y } = this.place(event), { recording } = this.state, { window_ms: window } = this.header;
    if (panel?.layers) { const name = this.layerAt(panel, y); return this.choose({ layer: { name, depth: depth(panel.layers, name) } }); }
    if (panel && at < Math.min(window, recording.after)) this.player.play(recording, Math.max(at, -recording.before), Math.min(window, recording.after), window);
  }

  // The scatter

  drawScatter() {
    this.plotWidth = this.ui.scatter.clientWidth;
    if (!this.plotWidth) return;
    const width = this.plotWidth, height = 230, left = 44, right = 10, top = 8, bottom = 40, { state } = this;
    const context = this.fit(this.plot, width, height), tones = this.languageInfo().tones, palette = TONE_COLORS[this.dark ? "dark" : "light"];
    const pool = this.pooled(state.condition, state.layer), [cue] = this.languageInfo().cue_ms;
    const all = this.recordings.filter(one => one.about.language === state.language).concat(this.mine?.about.language === state.language ? [this.mine] : []);
    const points = all.map(recording => ({ recording, found: recording.measured(state.condition, state.layer) })).filter(one => one.found && Number.isFinite(one.found.r_com));
    const most = 1.08 * Math.max(pool?.null ?? 0, pool?.random || 0, cue, ...points.map(one => 2 * one.found.r_com));
    const odds = p => Math.log(Math.max(1e-3, Math.min(1 - 1e-3, p)) / (1 - Math.max(1e-3, Math.min(1 - 1e-3, p))));
    const edge = odds(0.9995), x = p => left + (odds(p) + edge) / (2 * edge) * (width - left - right), y = value => top + (1 - value / most) * (height - top - bottom);
    context.textBaseline = "middle"; context.fillStyle = this.color.soft;
    for (let value = 0, step = niceStep(most / 4); value <= most; value += step) { this.line(context, left, y(value), width - right, y(value), this.color.line); context.textAlign = "right"; context.fillText(String(value), left - 5, y(value)); }
    context.textAlign = "center"; context.textBaseline = "top";
    for (const [p, words] of [[0.001, "≤.001"], [0.01, ".01"], [0.1, ".1"], [0.5, ".5"], [0.9, ".9"], [0.99, ".99"], [0.999, "≥.999"]]) context.fillText(words, Math.min(x(p), width - 20), height - bottom + 5);
    context.fillText("P(true tone), log-odds scale", left + (width - left - right) / 2, height - bottom + 22);
    context.save(); context.translate(9, top + (height - top - bottom) / 2); context.rotate(-Math.PI / 2); context.textBaseline = "middle"; context.fillText("span 2 r_com (ms)", 0, 0); context.restore();
    if (pool) this.line(context, left, y(pool.null), width - right, y(pool.null), this.color.soft, [2, 3], 1.4);
    if (pool && Number.isFinite(pool.random)) this.line(context, left, y(pool.random), width - right, y(pool.random), this.color.random, [7, 2, 1.5, 2], 1.4);
    if (cue !== null) this.line(context, left, y(cue), width - right, y(cue), this.color.cue, [6, 3], 1.4);
    this.points = points.map(({ recording, found }) => {
      const tone = Math.max(0, tones.indexOf(recording.about.tone)), at = { recording, x: x(found.confidence), y: y(2 * found.r_com) };
      const faded = state.tone && recording.about.tone !== state.tone;
      context.globalAlpha = faded ? 0.15 : 0.85;
      mark(context, at.x, at.y, 4, SHAPES[tone % SHAPES.length], palette[tone % palette.length]);
      context.globalAlpha = 1;
      return at;
    });
    const own = this.points.find(one => one.recording === state.recording);
    if (own) { context.strokeStyle = this.color.ink; context.lineWidth = 2; context.beginPath(); context.arc(own.x, own.y, 8, 0, 2 * Math.PI); context.stroke(); }
    const shown = { a: `${state.condition}, layer ${pool?.layer}` };
    this.plot.setAttribute("aria-label", `Scatter of ${points.length} tokens of ${this.languageInfo().name} under ${shown.a}: span against the probability of the true tone. Arrow keys step through the tokens.`);
    const keyed = tones.map((tone, i) => { const item = text("span"); const sign = text("i", { circle: "●", square: "■", triangle: "▲", diamond: "◆", cross: "✕", down: "▼", plus: "✚", star: "★" }[SHAPES[i % SHAPES.length]]); sign.style.color = palette[i % palette.length]; item.append(sign, `tone ${tone}`); return item; });
    const lines = [["┈", "flat null", this.color.soft], ["╍", "random weights", this.color.random], ["╌", "cue width", this.color.cue]].slice(0, cue === null ? 2 : 3).map(([sign, words, color]) => { const item = text("span"), glyph = text("i", sign); glyph.style.color = color; item.append(glyph, words); return item; });
    this.ui.legend.replaceChildren(...keyed, ...lines);
  }
  nearestPoint(event) {
    const box = this.plot.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, reach = 24 ** 2;
    for (const point of this.points ?? []) { const far = (point.x - x) ** 2 + (point.y - y) ** 2; if (far < reach) { best = point; reach = far; } }
    return best?.recording;
  }
  pickPoint(event) {
    const recording = this.nearestPoint(event);
    if (recording) this.choose({ recording, ...(this.state.tone && recording.about.tone !== this.state.tone ? { tone: "" } : {}) });
  }
}

function niceStep(about) {
  const power = 10 ** Math.floor(Math.log10(about));
  return power * ([1, 2, 5, 10].find(one => one * power >= about) ?? 10);
}

function mark(context, x, y, r, shape, color) {
  context.fillStyle = color; context.strokeStyle = color; context.lineWidth = 2;
  context.beginPath();
  const corners = points => { points.forEach(([dx, dy]) => context.lineTo(x + dx * r, y + dy * r)); context.closePath(); context.fill(); };
  if (shape === "circle") { context.arc(x, y, r, 0, 2 * Math.PI); context.fill(); }
  else if (shape === "square") context.fillRect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
  else if (shape === "triangle") corners([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]);
  else if (shape === "down") corners([[0, 1.2], [1.1, -0.8], [-1.1, -0.8]]);
  else if (shape === "diamond") corners([[0, -1.25], [1.1, 0], [0, 1.25], [-1.1, 0]]);
  else if (shape === "star") corners(Array.from({ length: 10 }, (_, i) => [Math.sin(i * Math.PI / 5) * (i % 2 ? 0.55 : 1.3), -Math.cos(i * Math.PI / 5) * (i % 2 ? 0.55 : 1.3)]));
  else {
    const arms = shape === "cross" ? [[-0.9, -0.9, 0.9, 0.9], [-0.9, 0.9, 0.9, -0.9]] : [[-1.1, 0, 1.1, 0], [0, -1.1, 0, 1.1]];
    for (const [a, b, c, d] of arms) { context.moveTo(x + a * r, y + b * r); context.lineTo(x + c * r, y + d * r); }
    context.stroke();
  }
}

// Hosts

export async function mount(root, header, bytes, host = {}) {
  try {
    const app = new App(root, await unpack(header, bytes), host);
    root.dataset.ready = String(Math.round(performance.now()));
    return root.explorer = app;
  } catch (error) {
    root.replaceChildren(text("p", `The explorer cannot start: ${error.message}`, { class: "ts-error", role: "alert" }));
    root.dataset.failed = "1";
    throw error;
  }
}

function measureBy(model) { // a question to the kernel with the file beside it; the answer carries a bundle of one token
  let last = 0;
  return (ask, file) => new Promise((resolve, reject) => {
    const id = ++last;
    const hear = (message, buffers) => {
      if (message.answer !== id) return;
      model.off("msg:custom", hear);
      if (message.error) reject(new Error(message.error)); else resolve({ header: message.header, bytes: buffers[0] });
    };
    model.on("msg:custom", hear);
    model.send({ measure: id, ...ask }, undefined, [file]);
  });
}

function render({ model, el }) {
  const root = document.createElement("div"), host = model.get("can_measure") ? { measure: measureBy(model) } : {};
  el.append(root);
  const opened = mount(root, model.get("header"), model.get("packed"), host);
  return () => opened.then(app => app.close());
}

export default { render };
