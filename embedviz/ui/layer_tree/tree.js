// What a person did to a tree outlives reruns and page changes: it is kept on the window, by the widget's key.
const memories = (globalThis[Symbol.for("embedviz.layer_tree")] ??= new Map());
const views = new WeakMap();

const TONES = {
  embedding: "blue", block: "violet", attention: "orange", mlp: "green", pooler: "red", head: "red",
};
const SPARE_ROWS = 8; // drawn above and below what is seen
const TYPING_MS = 600; // letters typed faster than this search for one name

export default function (component) {
  const { data, parentElement } = component;
  let view = views.get(parentElement);
  if (!view) views.set(parentElement, (view = new TreeView(parentElement, data.key)));
  view.update(component);
  return () => {
    view.watcher.disconnect();
    views.delete(parentElement);
  };
}

/** The packed columns as rows: `end` is where the row's inside ends, `why` is set where it cannot be chosen. */
function unpack(text) {
  const packed = JSON.parse(text);
  const above = []; // the rows that the present one is inside of
  const rows = packed.depth.map((depth, index) => {
    above.length = depth;
    const parent = above[depth - 1];
    const base = parent ? parent.inside : "";
    const isRoot = packed.root && index === 0;
    const name = packed.names[packed.name[index]];
    const [before, own, after] = packed.merged[index] ?? ["", name, ""];
    const start = base && base + ".";
    const kind = packed.kinds[packed.kind[index]];
    const row = {
      index, depth, parent, before, after, kind,
      own: isRoot ? kind || "model" : own,
      path: isRoot ? "" : start + before + own,
      inside: isRoot ? "" : start + before + own + after,
      isRoot,
      role: packed.roles[packed.role[index]],
      shape: packed.shapes[packed.shape[index]],
      size: packed.sizes[packed.size[index]],
      recommended: packed.recommended[index],
      warning: packed.warning[index],
      why: packed.why[index],
      modules: packed.modules[index] ?? 1,
      hasInside: packed.depth[index + 1] > depth,
    };
    row.searched = `${row.inside}\n${kind}\n${row.role}`.toLowerCase();
    above.push(row);
    return row;
  });
  for (let index = rows.length - 1; index >= 0; index--) {
    const row = rows[index];
    row.end ??= index + 1;
    if (row.parent) row.parent.end ??= row.end;
  }
  return rows;
}

function ancestors(row) {
  const found = [];
  for (let above = row?.parent; above; above = above.parent) found.push(above);
  return found;
}

/** How many of the model's modules the rows stand for. */
function countOf(rows) {
  return rows.reduce((sum, row) => sum + row.modules, 0).toLocaleString("en");
}

/** The paths open at first: what leads to the blocks, but not their insides. */
function openAtFirst(rows) {
  const open = new Set(rows.filter((row) => row.isRoot).map((row) => row.path));
  for (const row of rows) {
    if (row.role !== "block") continue;
    const above = ancestors(row);
    if (!above.some((outer) => outer.role === "block")) above.forEach((outer) => open.add(outer.path));
  }
  return open;
}

function factsOf(row) {
  const size = row.size[0] ? `${row.size[1]} ${row.size[1] === "1" ? "parameter" : "parameters"}` : "";
  return [row.isRoot ? "whole model" : row.kind, row.role, row.shape[1], size].filter(Boolean);
}

function remarksOf(row) {
  const remarks = [];
  if (row.recommended) remarks.push(`Recommended: ${row.recommended}`);
  if (row.warning) remarks.push(`Warning: ${row.warning}`);
  if (row.why) remarks.push(`Cannot be chosen: ${row.why}`);
  return remarks;
}

class TreeView {
  constructor(root, key) {
    this.find = (selector) => root.querySelector(selector);
    this.box = this.find(".box");
    this.canvas = this.find(".canvas");
    this.input = this.find("input");
    this.template = this.find("template").content.firstElementChild;
    this.rows = [];
    this.shown = [];
    this.places = new Map();
    this.drawn = new Map();
    this.chosen = [];
    this.closed = new Set(); // rows closed while filtered, which opens all that leads to a match
    this.sent = 0;
    this.typed = { text: "", at: 0 };
    if (!memories.has(key)) memories.set(key, { filter: "" });
    this.memory = memories.get(key);
    this.input.value = this.memory.filter;
    this.listen();
  }

  listen() {
    // Streamlit's own shortcuts (r, c) must not take what is typed in here.
    this.find(".layers").onkeydown = (event) => event.stopPropagation();
    this.input.oninput = () => this.filterBy(this.input.value);
    this.input.onkeydown = (event) => {
      if (event.key === "Escape" && this.input.value) this.filterBy((this.input.value = ""));
      else if (event.key === "ArrowDown" && this.shown.length) this.goTo(this.active ?? this.shown[0]);
      else return;
      event.preventDefault();
    };
    this.canvas.onkeydown = (event) => this.onKey(event);
    this.canvas.onclick = (event) => this.onClick(event);
    this.canvas.addEventListener("focusin", (event) => {
      const row = this.rowAt(event.target);
      if (row && row.path !== this.memory.active) {
        this.memory.active = row.path;
        this.draw();
      }
    });
    this.box.onscroll = () => {
      this.memory.scroll = this.box.scrollTop;
      this.draw();
    };
    // Row heights change with the width, and a tree that was built out of sight can only now be measured.
    this.watcher = new ResizeObserver(() => this.measure());
    this.watcher.observe(this.box);
    this.watcher.observe(this.find(".probe"));
  }

  update(component) {
    const { data } = component;
    this.component = component;
    this.many = data.select === "many";
    this.bound = data.height;
    this.canvas.setAttribute("aria-multiselectable", this.many);
    const isNew = data.digest !== this.digest;
    if (isNew) this.load(data);
    // A run that began before the person's latest choice knows nothing of it.
    const told = data.seen < this.sent ? this.memory.told : data.chosen;
    const isOther = JSON.stringify(told) !== JSON.stringify(this.memory.told);
    if (isNew || isOther) this.choose(told, isOther);
    if (isNew) this.box.scrollTop = this.memory.scroll;
    if (isOther) this.reveal(this.byPath.get(this.chosen.at(-1)));
    this.draw();
  }

  load(data) {
    this.digest = data.digest;
    this.rows = unpack(data.tree);
    this.byPath = new Map(this.rows.map((row) => [row.path, row]));
    this.canvas.replaceChildren();
    this.drawn.clear();
    this.canvas.setAttribute("aria-label", this.rows[0]?.isRoot ? `Layers of ${this.rows[0].own}` : "Layers");
    // The same modules with more known about them (shapes, say) stay as the person left them.
    const names = this.rows.map((row) => row.inside).join("\n");
    if (names === this.memory.names) return;
    Object.assign(this.memory, { names, open: openAtFirst(this.rows), active: null, scroll: 0, told: null });
  }

  /** Takes over the selection; one that is new to the tree opens what it is inside of. */
  choose(paths, isOther) {
    this.memory.told = paths;
    this.chosen = paths.filter((path) => this.byPath.has(path) && !this.byPath.get(path).why);
    if (isOther && this.chosen.length) {
      for (const path of this.chosen) ancestors(this.byPath.get(path)).forEach((row) => this.memory.open.add(row.path));
      this.memory.active = this.chosen.at(-1);
    }
    this.list();
    const refused = this.byPath.get(paths.find((path) => !this.chosen.includes(path)));
    if (refused) this.refuse(refused);
    else this.describe();
  }

  get active() {
    return this.byPath.get(this.memory.active);
  }

  // What is shown

  filterBy(text) {
    this.memory.filter = text;
    this.closed.clear();
    this.box.scrollTop = 0;
    this.list();
    this.draw();
  }

  /** Lists the rows that are shown: those inside open rows, or those that match and what leads to them. */
  list() {
    const words = this.memory.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = words.length ? this.rows.filter((row) => words.every((word) => row.searched.includes(word))) : null;
    this.leading = new Set(matches?.flatMap(ancestors));
    this.kept = matches && new Set([...matches, ...this.leading]);
    this.shown = [];
    this.places.clear();
    const siblings = new Map();
    for (let index = 0; index < this.rows.length; ) {
      const row = this.rows[index];
      if (this.kept && !this.kept.has(row)) {
        index = row.end;
        continue;
      }
      const among = siblings.get(row.parent) ?? [];
      siblings.set(row.parent, among);
      among.push(row);
      this.places.set(row, { at: this.shown.length, order: among.length, among });
      this.shown.push(row);
      index = this.isOpen(row) ? index + 1 : row.end;
    }
    if (!this.places.has(this.active)) {
      const above = ancestors(this.active).find((row) => this.places.has(row));
      this.memory.active = (above ?? this.shown[0])?.path ?? null;
    }
    this.find(".empty").hidden = this.shown.length > 0;
    this.find(".empty").textContent = words.length ? `No layer matches "${this.memory.filter.trim()}".` : "No layers.";
    this.canvas.hidden = !this.shown.length;
    this.find(".count").textContent = matches ? `${countOf(matches)} of ${countOf(this.rows)}` : `${countOf(this.rows)} modules`;
    this.measure();
  }

  canOpen(row) {
    return this.kept ? this.leading.has(row) : row.hasInside;
  }

  isOpen(row) {
    return row.hasInside && (this.kept ? !this.closed.has(row.path) : this.memory.open.has(row.path));
  }

  toggle(rows, open) {
    for (const row of rows) {
      const [paths, listed] = this.kept ? [this.closed, !open] : [this.memory.open, open];
      if (listed) paths.add(row.path);
      else paths.delete(row.path);
    }
    const hadFocus = this.canvas.contains(this.canvas.getRootNode().activeElement);
    this.list();
    this.draw();
    if (hadFocus) this.drawn.get(this.active)?.focus({ preventScroll: true });
  }

  // Where it stands

  measure() {
    this.rowHeight = this.find(".probe").getBoundingClientRect().height || this.rowHeight || 42; // 42: never seen
    this.canvas.style.height = `${this.shown.length * this.rowHeight}px`;
    this.box.style.height = `${Math.min(this.bound, Math.max(this.rows.length, 2) * this.rowHeight + 2)}px`;
    if (this.hidden && this.box.clientHeight) this.reveal(this.hidden);
    this.draw();
  }

  /** Scrolls a row into sight inside the tree's own box, never the page. */
  reveal(row, centred = true) {
    if (!this.places.has(row)) return;
    this.hidden = this.box.clientHeight ? null : row;
    const top = this.places.get(row).at * this.rowHeight;
    const { scrollTop, clientHeight } = this.box;
    if (top >= scrollTop && top + this.rowHeight <= scrollTop + clientHeight) return;
    if (centred) this.box.scrollTop = top - (clientHeight - this.rowHeight) / 2;
    else this.box.scrollTop = top < scrollTop ? top : top + this.rowHeight - clientHeight;
  }

  /** Draws the rows in sight, and the one that can have the focus, in the tree's order. */
  draw() {
    const { scrollTop, clientHeight } = this.box;
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight) - SPARE_ROWS);
    const last = Math.ceil((scrollTop + clientHeight) / this.rowHeight) + SPARE_ROWS;
    const wanted = new Set(this.shown.slice(first, last));
    if (this.places.has(this.active)) wanted.add(this.active);
    for (const [row, element] of this.drawn) {
      if (wanted.has(row)) continue;
      this.drawn.delete(row);
      element.remove();
    }
    // Elements stay in place (moving one would take its focus away); new ones go in between.
    let next = this.canvas.firstElementChild;
    for (const row of [...wanted].sort((one, other) => one.index - other.index)) {
      let element = this.drawn.get(row);
      if (!element) {
        element = this.build(row);
        this.drawn.set(row, element);
        this.canvas.insertBefore(element, next);
      }
      this.refresh(row, element);
      next = element.nextElementSibling;
    }
  }

  /** A row's element. Every text comes from a file that anybody may have made: textContent only. */
  build(row) {
    const element = this.template.cloneNode(true);
    const part = (name) => element.querySelector(name);
    element.dataset.index = row.index;
    element.style.setProperty("--level", Math.min(row.depth, 9));
    element.title = [row.path || "whole model", factsOf(row).join("\n"), ...remarksOf(row)].join("\n");
    const [before, after] = element.querySelectorAll(".around");
    before.textContent = row.before;
    part(".own").textContent = row.own;
    after.textContent = row.after;
    part(".kind").textContent = row.isRoot ? "whole model" : row.kind;
    part(".shape").textContent = row.shape[0];
    part(".size").textContent = row.size[0];
    part(".chip").textContent = row.role;
    part(".chip").hidden = !row.role;
    part(".chip").dataset.tone = TONES[row.role] ?? "gray";
    for (const [name, text] of [["star", row.recommended], ["warning", row.warning], ["blocked", row.why]]) {
      part(`.${name}`).toggleAttribute("hidden", !text);
    }
    element.setAttribute("aria-label", [row.before + row.own + row.after, ...factsOf(row)].join(", "));
    element.setAttribute("aria-level", row.depth + 1);
    const remarks = remarksOf(row).join(" ");
    if (remarks) {
      part(".reason").textContent = remarks;
      part(".reason").id = `reason-${row.index}`;
      element.setAttribute("aria-describedby", `reason-${row.index}`);
    }
    if (row.why) element.setAttribute("aria-disabled", "true");
    return element;
  }

  refresh(row, element) {
    const { at, order, among } = this.places.get(row);
    element.style.top = `${at * this.rowHeight}px`;
    element.tabIndex = row === this.active ? 0 : -1;
    element.setAttribute("aria-posinset", order);
    element.setAttribute("aria-setsize", among.length);
    if (this.canOpen(row)) element.setAttribute("aria-expanded", this.isOpen(row));
    else element.removeAttribute("aria-expanded");
    if (!row.why) element.setAttribute("aria-selected", this.chosen.includes(row.path));
  }

  // What a person does

  rowAt(target) {
    const element = target.closest?.(".row");
    return element && this.rows[element.dataset.index];
  }

  onClick(event) {
    const row = this.rowAt(event.target);
    if (!row) return;
    if (event.target.closest(".twisty") && this.canOpen(row)) return this.toggle([row], !this.isOpen(row));
    // There is nothing to choose in a container, so a click on it opens it.
    if (row.why && this.canOpen(row)) this.toggle([row], !this.isOpen(row));
    this.pick(row);
  }

  onKey(event) {
    const row = this.rowAt(event.target);
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.places.get(row).at;
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
    const keys = {
      ArrowDown: () => this.goTo(this.shown[at + 1]),
      ArrowUp: () => this.goTo(this.shown[at - 1]),
      PageDown: () => this.goTo(this.shown[Math.min(at + page, this.shown.length - 1)]),
      PageUp: () => this.goTo(this.shown[Math.max(at - page, 0)]),
      Home: () => this.goTo(this.shown[0]),
      End: () => this.goTo(this.shown.at(-1)),
      ArrowRight: () => this.goIn(row),
      ArrowLeft: () => this.goOut(row),
      Enter: () => this.pick(row),
      " ": () => this.pick(row),
      "*": () => this.toggle(this.places.get(row).among.filter((sibling) => this.canOpen(sibling)), true),
    };
    const act = keys[event.key] ?? (event.key.length === 1 ? () => this.typeAhead(event.key, at) : null);
    if (!act) return;
    event.preventDefault();
    act();
  }

  goTo(row) {
    if (!row) return;
    this.memory.active = row.path;
    this.reveal(row, false);
    this.draw();
    this.drawn.get(row).focus({ preventScroll: true });
  }

  goIn(row) {
    if (!this.canOpen(row)) return;
    if (this.isOpen(row)) this.goTo(this.shown[this.places.get(row).at + 1]);
    else this.toggle([row], true);
  }

  goOut(row) {
    if (this.canOpen(row) && this.isOpen(row)) this.toggle([row], false);
    else this.goTo(row.parent);
  }

  typeAhead(letter, at) {
    const now = Date.now();
    const isNew = now - this.typed.at > TYPING_MS;
    this.typed = { text: (isNew ? "" : this.typed.text) + letter.toLowerCase(), at: now };
    const start = at + (this.typed.text.length === 1 ? 1 : 0);
    const order = [...this.shown.slice(start), ...this.shown.slice(0, start)];
    this.goTo(order.find((row) => (row.before + row.own).toLowerCase().startsWith(this.typed.text)));
  }

  pick(row) {
    this.memory.active = row.path;
    if (row.why) {
      this.refuse(row);
      return this.draw();
    }
    const isChosen = this.chosen.includes(row.path);
    if (!this.many) this.chosen = [row.path];
    else this.chosen = isChosen ? this.chosen.filter((path) => path !== row.path) : [...this.chosen, row.path];
    this.memory.told = this.chosen;
    this.describe();
    this.draw();
    if (isChosen && !this.many) return;
    // Numbers grow, so that the app takes each choice once and an old one never undoes a new one.
    this.sent = Math.max(Date.now(), this.sent + 1, this.component.data.seen + 1);
    this.component.setStateValue("choice", { number: this.sent, paths: this.chosen });
  }

  // The line below

  say(...lines) {
    this.find(".note").replaceChildren(
      ...lines.filter(([text]) => text).map(([text, style]) => {
        const line = document.createElement("p");
        line.textContent = text;
        line.className = style ?? "";
        return line;
      }),
    );
  }

  refuse(row) {
    this.say([`${row.path || row.own} cannot be chosen. ${row.why}`, "refused"]);
  }

  describe() {
    if (this.many && this.chosen.length !== 1) {
      const count = this.chosen.length;
      return this.say([count ? `${count} layers chosen` : "No layer chosen.", "path"], [this.chosen.join(", ")]);
    }
    const row = this.byPath.get(this.chosen[0]);
    if (!row) return this.say(["No layer chosen."]);
    this.say([row.path || row.own, "path"], [factsOf(row).join(" · ")], ...remarksOf(row).map((text) => [text]));
  }
}
