// Numbers and nodes as the explorer shows them. Every text of a corpus goes through `text`, and so stays text.

export const ms = value => Number.isFinite(value) ? (Math.abs(value) < 99.95 ? value.toFixed(1) : value.toFixed(0)) : "–";
export const signed = value => `${value < 0 ? "−" : ""}${Math.abs(value)}`;
export const percent = share => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
export const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

export function text(tag, content, attributes = {}) {
  const node = document.createElement(tag);
  if (content !== undefined) node.textContent = content;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export function niceStep(about) { // 1, 2 or 5 times a power of ten, at least `about`
  const power = 10 ** Math.floor(Math.log10(about));
  return power * ([1, 2, 5, 10].find(step => step * power >= about) ?? 10);
}

export const nameOf = about => `${about.ipa ? `[${about.ipa}] ` : ""}${about.syllable || (about.ipa ? "" : about.id)}`.trim();
export const tokenLine = about => `${nameOf(about)} · tone ${about.tone}${about.speaker ? ` · ${about.speaker}` : ""}`;
