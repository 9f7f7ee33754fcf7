// What is shown, as the part of an address after #: a link to it opens the same token, condition, layer, range and zoom.
// An address is a stranger's text: each value is looked up among what there is, and what is not there is left out.

import { layerNamed } from "./chart.js";

export const SHOWS = { token: "this token", tone: "mean of its tone", speaker: "mean of its speaker", syllable: "mean of its syllable", all: "mean of all tokens" };
export const ORDERS = { corpus: "as in the corpus", hardest: "hardest first", surest: "surest first", widest: "widest first", narrowest: "narrowest first" };

const whole = number => String(Math.round(number * 10) / 10);

export function written(app) {
  const { state, view } = app, words = new URLSearchParams();
  const put = (name, value, usual = "") => { if (value !== usual) words.set(name, value); };
  words.set("language", state.language);
  words.set("condition", state.condition);
  words.set("compare", state.compare);
  words.set("layer", state.layer.name);
  put("tone", state.tone);
  if (state.recording !== app.mine) words.set("token", state.recording.about.id);
  if (state.second && state.second !== app.mine) words.set("second", state.second.about.id);
  put("show", state.show, "token");
  put("order", state.order, "corpus");
  if (state.difference) words.set("difference", "1");
  if (state.range) words.set("range", state.range.map(whole).join("to"));
  if (!view.isWhole) words.set("zoom", [view.from, view.to].map(whole).join("to"));
  return words.toString();
}

export function read(app, address) { // {change, zoom, missing}: what to choose, the stretch of time, and what there is not
  const words = new URLSearchParams(address.replace(/^#/, "")), change = {}, missing = [];
  const get = (name, isThere) => {
    const value = words.get(name);
    if (value === null) return undefined;
    if (isThere(value)) return value;
    missing.push(`${name} “${value.slice(0, 80)}”`);
    return undefined;
  };
  const token = name => { const id = get(name, value => app.tokensNamed(value)); return id === undefined ? undefined : app.tokensNamed(id); };
  const recording = token("token"), language = recording?.about.language ?? get("language", value => app.header.languages.some(each => each.code === value)) ?? app.state.language;
  const there = app.conditionsOf(language), isCondition = value => there.some(block => block.condition === value);
  Object.assign(change, { language, recording, second: token("second") ?? null, condition: get("condition", isCondition), compare: get("compare", value => !value || isCondition(value)),
                          tone: get("tone", value => app.languageInfo(language).tones.includes(value)) ?? "", show: get("show", value => Object.hasOwn(SHOWS, value)) ?? "token",
                          order: get("order", value => Object.hasOwn(ORDERS, value)) ?? "corpus", difference: words.get("difference") === "1", range: stretch(words.get("range")) });
  if (change.second && change.second.about.language !== language) change.second = null;
  if (recording && change.tone && recording.about.tone !== change.tone) change.tone = "";
  const layers = there.find(block => block.condition === (change.condition ?? there[0].condition)).layers, layer = get("layer", value => layers.includes(value));
  if (layer !== undefined) change.layer = layerNamed(layers, layer);
  for (const name of Object.keys(change)) if (change[name] === undefined) delete change[name];
  return { change, zoom: stretch(words.get("zoom")), missing };
}

export function stretch(words) { // "-120to80" as [-120, 80], or null
  const ends = (words ?? "").split("to").map(Number);
  return ends.length === 2 && words.trim() && ends.every(Number.isFinite) && ends[0] < ends[1] ? ends : null;
}
