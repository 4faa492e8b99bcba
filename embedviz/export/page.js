const MOST_LISTED = 200; // rows of a search; a longer list is not read but searched again
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
const kinds = data.kinds.map((kind) => ({
  ...kind, indices: new Int32Array(bytes(kind.indices)), cosines: new Int16Array(bytes(kind.cosines)),
}));
const searched = data.texts.map((text, i) => `${text} ${data.labels?.[i] ?? ""} ${data.ids[i]}`.toLowerCase());
const maps = document.querySelector(".embedviz-linked-maps");
let focus = null;
let kind = kinds[0];

function element(tag, content, name = "") {
  const made = document.createElement(tag);
  if (typeof content === "string") made.textContent = content;
  else made.append(content);
  if (name) made.className = name;
  return made;
}

/** The cells that say which instance a row is of; a press turns to it. */
function instance(i) {
  const cells = [];
  if (data.pictures) {
    const image = document.createElement("img");
    image.alt = "";
    if (data.pictures[i].startsWith("data:image/")) image.src = data.pictures[i];
    cells.push(element("td", image));
  }
  const button = element("button", data.texts[i] || data.ids[i]);
  button.type = "button";
  button.onclick = () => turnTo(i);
  return [...cells, element("td", button)];
}

function named(words) {
  return data.pictures ? words.flatMap((word) => ["", word]) : words;
}

function table(place, head, rows) {
  const made = document.createElement("table");
  const line = document.createElement("tr");
  line.append(...head.map((word) => element("th", word)));
  made.append(line);
  for (const { cells, i } of rows) {
    const row = document.createElement("tr");
    row.append(...cells);
    if (i !== undefined) row.dataset.i = i;
    made.append(row);
  }
  at(place).replaceChildren(made);
  at(place).scrollTop = 0;
  mark();
}

/** Shows which row of the list is the one whose neighbours are listed. */
function mark() {
  for (const row of at("found").querySelectorAll("tr[data-i]")) row.toggleAttribute("data-chosen", Number(row.dataset.i) === focus);
}

// Adding zero turns "-0.000" into "0.000".
const said = (cosine, digits) => (Number(cosine.toFixed(digits)) + 0).toFixed(digits);
const number = (cosine) => element("td", said(cosine, 3), "number");
const label = (i) => (data.labels ? [element("td", data.labels[i], "label")] : []);
const labelled = data.labels ? [data.label || "label"] : [];

function list() {
  const words = at("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = searched.flatMap((text, i) => (words.every((word) => text.includes(word)) ? [i] : []));
  const all = searched.length.toLocaleString("en");
  const first = found.length > MOST_LISTED ? `; the first ${MOST_LISTED} are listed` : "";
  at("said").textContent = `${found.length.toLocaleString("en")} of ${all} found${first}`;
  const rows = found.slice(0, MOST_LISTED).map((i) => ({ cells: [...instance(i), ...label(i)], i }));
  table("found", [...named([data.item]), ...labelled], rows);
  maps?.dispatchEvent(new CustomEvent("find", { detail: words.length ? found : [] }));
}

function near() {
  if (focus === null) {
    at("whose").textContent = "Nearest neighbours";
    at("near").replaceChildren(element("p", "Press an instance in the list or a point on the map.", "small"));
    return;
  }
  at("whose").textContent = `Nearest to: “${(data.texts[focus] || data.ids[focus]).slice(0, 160)}”`;
  const rows = [];
  for (let place = focus * kind.k; place < (focus + 1) * kind.k; place++) {
    const i = kind.indices[place];
    if (i < 0) break;
    rows.push({ cells: [element("td", `${rows.length + 1}`, "number"), number(kind.cosines[place] / 10000), ...instance(i), ...label(i)] });
  }
  if (rows.length) table("near", ["#", "cosine", ...named([data.item]), ...labelled], rows);
  else at("near").replaceChildren(element("p", "No cosine is defined here: there is no other instance, or the vector has length 0.", "small"));
}

function pairs() {
  for (const end of ["most", "least"]) {
    const rows = kind[end].map(([one, other, cosine]) => ({ cells: [number(cosine), ...instance(one), ...instance(other)] }));
    table(end, ["cosine", ...named(["one", "other"])], rows);
  }
}

function turnTo(i) {
  if (i === focus) return;
  focus = i;
  near();
  mark();
  maps?.dispatchEvent(new CustomEvent("choose", { detail: [i] }));
}

maps?.addEventListener("chosen", ({ detail }) => {
  const [first = null] = detail;
  if (first !== focus) {
    focus = first;
    near();
    mark();
  }
});
at("find").oninput = list;
at("kind").append(...kinds.map(({ name, crowding }) => element("option", crowding === null ? name : `${name} (mean of all pairs ${said(crowding, 2)})`)));
at("kind").onchange = () => {
  kind = kinds[at("kind").selectedIndex];
  near();
  pairs();
};
list();
near();
pairs();
