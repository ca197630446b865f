// Sentences in the page's language, from its data block.
const block = document.getElementById("words");
const table = block ? JSON.parse(block.textContent) : {};

export function word(key, fields = {}) {
  const found = table[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
}

export const commandWords = table.commands ?? {};
