// Where the explorer lives: the page from disk calls `mount`, a notebook's widget (anywidget) calls `render`.
// It reads one bundle; nothing stored is ever asked of a kernel.

import { App } from "./app.js";
import { unpack } from "./bundle.js";
import { loadFonts } from "./fonts.js";
import { measureBy } from "./measuring.js";
import { text } from "./words.js";

export async function mount(root, header, bytes, host = {}) {
  try {
    const [bundle] = await Promise.all([unpack(header, bytes), loadFonts(header)]); // fonts first: a browser keeps the boxes it has drawn
    const app = new App(root, bundle, host);
    root.dataset.ready = String(Math.round(performance.now()));
    return root.explorer = app;
  } catch (error) {
    root.replaceChildren(text("p", `The explorer cannot start: ${error.message}`, { class: "ts-error", role: "alert" }));
    root.dataset.failed = "1";
    throw error;
  }
}

export async function mountPage(root, header, bytes) { // the address of the page is that of what it shows
  let last = location.hash.slice(1);
  const bare = () => location.href.split("#")[0];
  const writeAddress = address => { last = address; try { history.replaceState(null, "", `${bare()}#${address}`); } catch { /* a page in a frame may not */ } };
  const app = await mount(root, header, bytes, { page: true, keys: document, address: last, writeAddress, link: address => `${bare()}#${address}` });
  app.on(window, "hashchange", () => { const address = location.hash.slice(1); if (address !== last) { last = address; app.go(address); } });
  return app;
}

function render({ model, el }) { // `address` says what is shown, and is set from Python to show something else
  const root = document.createElement("div");
  const writeAddress = address => { if (model.get("address") !== address) { model.set("address", address); model.save_changes(); } };
  const host = { address: model.get("address"), writeAddress, ...(model.get("can_measure") ? { measure: measureBy(model) } : {}) };
  el.append(root);
  const opened = mount(root, model.get("header"), model.get("packed"), host);
  const go = () => opened.then(app => { if (app.address() !== model.get("address")) app.go(model.get("address")); });
  model.on("change:address", go);
  return () => { model.off("change:address", go); return opened.then(app => app.close()); };
}

export default { render };
