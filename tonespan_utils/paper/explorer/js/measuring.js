// A recording of the reader's own, measured by the kernel behind a notebook; the page from disk says where that is.

import { Recording, unpack } from "./bundle.js";
import { MAX_UPLOAD_MB, MEASURE, withHeadings } from "./markup.js";
import { text } from "./words.js";

const ELSEWHERE = "This page holds stored results only. The notebook explorer (make explore) shows the same with the models beside it: there you give an audio file and a centre.";

export class Measuring {
  constructor(app, place) {
    this.app = app; this.offered = Boolean(app.host.measure);
    if (!this.offered) return place.append(text(app.host.page ? "h2" : "h3", "Measure a recording of your own"), text("p", ELSEWHERE, { class: "ts-note" }));
    place.innerHTML = withHeadings(MEASURE, app.host.page);
    this.ui = Object.fromEntries([...place.querySelectorAll("[data-own]")].map(node => [node.dataset.own, node]));
    app.on(this.ui.go, "click", () => this.measure());
  }
  update(tones) {
    if (this.offered) this.app.options(this.ui.tone, [["", "as the probe predicts it"], ...tones.map(tone => [tone, tone])], this.ui.tone.value);
  }
  say(words, isWrong) { this.ui.line.textContent = words; this.ui.line.className = isWrong ? "ts-error" : "ts-note"; }
  async measure() {
    const { app, ui } = this, { state } = app, file = ui.file.files[0];
    if (!file) return this.say("Choose an audio file first.", true);
    if (file.size > MAX_UPLOAD_MB * 1e6) return this.say(`${file.name} has ${(file.size / 1e6).toFixed(0)} MB; at most ${MAX_UPLOAD_MB} MB: cut a clip of at most 30 s around the syllable.`, true);
    ui.go.disabled = true;
    this.say("Measuring …");
    try {
      const conditions = [...new Set([state.condition, state.compare].filter(Boolean))];
      const ask = { name: file.name, conditions, language: state.language, tone: ui.tone.value, center_s: Number(ui.center.value) };
      const { header, bytes } = await app.host.measure(ask, await file.arrayBuffer());
      app.mine = new Recording(await unpack(header, bytes), 0);
      this.say(`Measured under ${conditions.join(" and ")}: the first token of ${app.languageInfo().name}, “my recording”.`);
      app.choose({ recording: app.mine, show: "token" });
    } catch (error) {
      this.say(error.message, true);
    } finally { ui.go.disabled = false; }
  }
}

export function measureBy(model) { // a question to the kernel with the file beside it; the answer carries a bundle of one token
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
