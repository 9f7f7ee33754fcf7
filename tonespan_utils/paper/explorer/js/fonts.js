// Letters of the scripts that are shown, so that a machine without their fonts shows words and no empty boxes.

import { fromBase64 } from "./bundle.js";

const SCRIPTS = "Tonespan Scripts";
export const FAMILY = `system-ui, -apple-system, 'Segoe UI', Roboto, '${SCRIPTS}', sans-serif`; // what the first ones lack comes from the last
export const SAVED_FAMILY = `'${SCRIPTS}', system-ui, 'Segoe UI', Roboto, sans-serif`; // of a picture: its fonts are in it

export async function loadFonts(header) {
  const faces = (header.fonts ?? []).map(font => new FontFace(SCRIPTS, fromBase64(font.data), { unicodeRange: font.range }));
  await Promise.allSettled(faces.map(async face => document.fonts.add(await face.load())));
}

export function fontRules(header, letters) { // for a picture that leaves the page: of the fonts that these letters need
  const codes = [...letters].map(letter => letter.codePointAt(0));
  const needed = (header.fonts ?? []).filter(({ range }) => range.split(", ").some(part => {
    const [low, high = low] = part.replace("U+", "").split("-").map(code => parseInt(code, 16));
    return codes.some(code => code >= low && code <= high && code > 0x24f);
  }));
  return needed.map(({ data, range }) => `@font-face{font-family:'${SCRIPTS}';src:url(data:font/woff;base64,${data}) format('woff');unicode-range:${range}}`).join("");
}
