// Type-ahead search of tokens: every word typed must begin a word of the token's syllable, IPA, tone, speaker or name.
// A combobox with a list, as ARIA's authoring practices have it.

import { text } from "./words.js";

const MOST = 60; // lines in the list: a longer one is not read but narrowed down by a further letter

const plain = words => words.toLowerCase().normalize("NFD").replace(/\p{Diacritic}/gu, "").replace(/đ/g, "d");
const exact = words => words.toLowerCase().normalize("NFC");

export function matching(tokens, typed) { // with and without the letters' marks: "ma" finds "mả", "mả" does not find "ma"
  const parts = typed.trim().split(/\s+/).filter(Boolean).map(part => [exact(part), plain(part)]);
  return tokens.filter(token => {
    const { syllable, ipa, tone, speaker, id } = token.about, fields = [syllable, ipa, tone, `tone ${tone}`, speaker, id];
    const whole = fields.map(exact).join(" "), bare = fields.map(plain).join(" ");
    return parts.every(([marked, bald]) => marked === bald ? begins(bare, bald) : begins(whole, marked));
  });
}

const begins = (words, part) => words.split(/\s+/).some(word => word.startsWith(part)) || (part.length > 2 && words.includes(part));

export class Search {
  constructor(app, input, list) {
    this.app = app; this.input = input; this.list = list; this.active = -1;
    app.on(input, "input", () => this.open());
    app.on(input, "focus", () => { if (input.value) this.open(); });
    app.on(input, "keydown", event => this.key(event));
    app.on(input, "blur", () => this.close());
    app.on(list, "mousedown", event => { event.preventDefault(); const item = event.target.closest("[role=option]"); if (item) this.pick(Number(item.dataset.at)); });
  }
  open() {
    const { app, input, list } = this;
    if (!input.value.trim()) return this.close();
    this.all = matching(app.ordered(app.tokensOf(app.state.language)), input.value);
    this.shown = this.all.slice(0, MOST);
    list.replaceChildren(...this.shown.map((token, i) => text("li", app.lineOf(token), { role: "option", id: `${list.id}-${i}`, "data-at": String(i), "aria-selected": "false" })));
    if (this.all.length > MOST) list.append(text("li", `and ${this.all.length - MOST} more: type another letter`, { class: "ts-more", role: "option", "aria-disabled": "true" }));
    if (!this.all.length) list.append(text("li", "no token begins so", { class: "ts-more", role: "option", "aria-disabled": "true" }));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    this.mark(this.shown.length ? 0 : -1);
  }
  mark(at) {
    this.active = at;
    [...this.list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    const item = this.list.children[at];
    if (item) { this.input.setAttribute("aria-activedescendant", item.id); item.scrollIntoView({ block: "nearest" }); }
    else this.input.removeAttribute("aria-activedescendant");
  }
  close() {
    this.list.hidden = true; this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
  key(event) {
    const n = this.list.hidden ? 0 : this.shown.length, act = {
      ArrowDown: () => n ? this.mark((this.active + 1) % n) : this.open(), ArrowUp: () => n && this.mark((this.active + n - 1) % n),
      Enter: () => this.active >= 0 && this.pick(this.active), Escape: () => { if (this.list.hidden) this.input.value = ""; this.close(); },
    }[event.key];
    if (!act) return;
    event.preventDefault(); event.stopPropagation();
    act();
  }
  pick(at) {
    const recording = this.shown[at];
    if (!recording) return;
    this.input.value = "";
    this.close();
    this.app.choose({ recording, ...(this.app.state.tone && recording.about.tone !== this.app.state.tone ? { tone: "" } : {}) });
  }
}
