/** Finds the glossary's words, the longest first; not within dotted names such as encoder.layer.5. */
function termsOf(glossary) {
  const terms = Object.keys(glossary).sort((one, other) => other.length - one.length);
  return new RegExp(`(?<![\\w.-])(${terms.join("|")})s?(?![\\w-]|\\.\\w)`, "gi");
}

let explanations = 0; // numbers them, so that each can be pointed to

/** A sentence whose jargon is explained on hover and focus: each term once, by what `used` holds; no quoted text. */
function explained(sentence, glossary, used) {
  const parts = document.createDocumentFragment();
  const terms = termsOf(glossary);
  for (const part of sentence.split(/(“[^”]*”)/)) {
    if (part.startsWith("“")) {
      parts.append(part);
      continue;
    }
    let from = 0;
    for (const found of part.matchAll(terms)) {
      const term = found[1].toLowerCase();
      if (used.has(term)) continue;
      used.add(term);
      parts.append(part.slice(from, found.index), termElement(found[0], glossary[term]));
      from = found.index + found[0].length;
    }
    parts.append(part.slice(from));
  }
  return parts;
}

function termElement(word, explanation) {
  const id = `explanation-${(explanations += 1)}`;
  const button = element("button", { type: "button", textContent: word, className: "word" });
  button.setAttribute("aria-describedby", id);
  const tip = element("span", { className: "explanation", id, textContent: explanation });
  tip.setAttribute("role", "tooltip");
  const term = element("span", { className: "term" }, button, tip);
  // The explanation stays within the window, wherever its word stands.
  const place = () => {
    tip.style.setProperty("--shift", "0px");
    const box = tip.getBoundingClientRect();
    const shift = Math.min(0, document.documentElement.clientWidth - 12 - box.right) + Math.max(0, 12 - box.left);
    tip.style.setProperty("--shift", `${Math.round(shift)}px`);
  };
  term.addEventListener("pointerenter", place);
  button.addEventListener("focus", place);
  return term;
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function cosineText(value) {
  return (Math.round(value * 100) / 100 + 0).toFixed(2).replace(/^-0\.00$/, "0.00");
}

/** What an instance is: its text, or its picture with its name as the text in place of it. */
function instanceElement({ text, picture }) {
  if (!picture) return element("span", { className: "text", textContent: text });
  return element("img", { className: "thumbnail", alt: text, src: `data:image/png;base64,${picture}` });
}
