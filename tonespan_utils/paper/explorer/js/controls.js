// Lists, buttons and keys, and what each of them does.

import { layerNamed } from "./chart.js";
import { SHOWS } from "./address.js";
import { save } from "./save.js";

const KEYS_KEPT = "tonespan-keys"; // in the browser's own store: who switches single keys off wants them off tomorrow

export function listen(app) {
  const { ui } = app;
  for (const id of ["language", "condition", "compare", "tone", "order", "show"]) app.on(ui[id], "change", () => app.choose({ [id]: ui[id].value }));
  app.on(ui.layer, "change", () => app.choose({ layer: layerNamed(app.layers(), ui.layer.value) }));
  app.on(ui.token, "change", () => app.choose({ recording: app.tokens()[ui.token.selectedIndex] }));
  for (const id of ["from", "to"]) app.on(ui[id], "change", () => app.rangeFromFields());
  for (const [id, act] of Object.entries(buttons(app))) app.on(ui[id], "click", act);
  app.on(app.host.keys ?? app.root, "keydown", event => pressed(app, event));
  app.on(app.scatter.canvas, "click", event => app.scatter.pick(event));
  app.on(app.scatter.canvas, "pointermove", event => { const token = app.scatter.nearest(event); app.scatter.canvas.title = token ? app.lineOf(token) : ""; });
  ui.keys.checked = kept(KEYS_KEPT) !== "off";
  app.on(ui.keys, "change", () => keep(KEYS_KEPT, ui.keys.checked ? "on" : "off"));
}

function buttons(app) {
  return {
    previous: () => app.step(-1), next: () => app.step(1), play: () => app.playClip(), stop: () => app.player.stop(),
    playspan: () => app.playSpan(app.state.condition), playspanb: () => app.playSpan(app.state.compare), playrange: () => app.playRange(),
    zoomrange: () => app.zoomToRange(), clear: () => app.clearRange(), keep: () => app.keepBeside(), difference: () => app.choose({ difference: !app.state.difference }),
    zoomin: () => app.zoom(0.6), zoomout: () => app.zoom(1 / 0.6), zoomall: () => app.zoomWhole(), theme: () => app.switchTheme(), link: () => app.copyLink(),
    ...Object.fromEntries(["png", "svg", "csv"].map(kind => [kind, () => saved(app, kind)])),
  };
}

async function saved(app, kind) {
  try {
    await save(app, kind);
    app.ui.saved.textContent = `${kind.toUpperCase()} saved, with where it comes from.`;
  } catch (error) {
    app.problem(`The ${kind.toUpperCase()} could not be made: ${error.message}`);
  }
}

function keyActs(app) {
  const { state } = app;
  return {
    ArrowLeft: () => app.step(-1), ArrowRight: () => app.step(1), ArrowUp: () => app.stepLayer(1), ArrowDown: () => app.stepLayer(-1),
    " ": () => app.playClip(), s: () => app.playSpan(state.condition), d: () => app.playSpan(state.compare), r: () => app.playRange(), z: () => app.zoomToRange(),
    "+": () => app.zoom(0.6), "=": () => app.zoom(0.6), "-": () => app.zoom(1 / 0.6), "−": () => app.zoom(1 / 0.6), 0: () => app.zoomWhole(),
    x: () => app.swap(), b: () => state.compare && app.choose({ difference: !state.difference }), p: () => app.keepBeside(), m: () => nextMean(app),
    c: () => cycle(app, "condition"), l: () => cycle(app, "language"), t: () => cycle(app, "tone"), "/": () => app.ui.search.focus(),
    Escape: () => app.playhead != null ? app.player.stop() : app.clearRange(),
  };
}

function pressed(app, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(input|textarea)$/i.test(event.target.tagName)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!app.ui.keys.checked && key !== "Escape") return;
  const chooses = event.target.tagName === "SELECT", presses = /^(button|summary|a)$/i.test(event.target.tagName);
  const moves = event.shiftKey && { ArrowLeft: () => app.pan(-0.25), ArrowRight: () => app.pan(0.25) }[key], act = moves || keyActs(app)[key];
  if (!act || (chooses && key !== "Escape") || (presses && key === " ")) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function nextMean(app) {
  const names = Object.keys(SHOWS);
  app.choose({ show: names[(names.indexOf(app.state.show) + 1) % names.length] });
}

function cycle(app, id) {
  const select = app.ui[id];
  select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
  select.dispatchEvent(new Event("change"));
}

function kept(name) { try { return localStorage.getItem(name); } catch { return null; } } // some browsers give pages from disk no store
function keep(name, value) { try { localStorage.setItem(name, value); } catch { /* then it holds for this visit */ } }
