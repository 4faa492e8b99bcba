/** What the colours and shapes mean; a click on an entry fades all others. */
class Legend {
  constructor(maps, element) {
    this.maps = maps;
    this.element = element;
  }

  load() {
    const { legend } = this.maps.data;
    this.only = new Set();
    const title = document.createElement("span");
    title.className = "column";
    title.textContent = legend.title;
    const parts = legend.scale ? [this.scale(legend.scale)] : [];
    this.buttons = new Map(legend.entries.map((entry) => [entry[2], this.entry(entry)]));
    this.element.replaceChildren(...(legend.title ? [title] : []), ...parts, ...this.buttons.values());
    this.element.hidden = !legend.title;
    this.element.setAttribute("aria-label", `Legend: ${legend.title}`);
  }

  entry([name, count, look]) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Show these alone; click again to show all";
    button.setAttribute("aria-pressed", "false");
    const text = Object.assign(document.createElement("span"), { className: "name", textContent: name });
    const number = Object.assign(document.createElement("span"), { className: "count" });
    number.textContent = count.toLocaleString("en");
    button.append(this.swatch(look), text, number);
    button.onclick = () => this.toggle(look);
    return button;
  }

  swatch(look) {
    const ratio = Math.max(2, devicePixelRatio);
    const sprite = this.maps.sprites.draw(this.maps.data.looks[look], 10, ratio);
    sprite.style.width = sprite.style.height = `${sprite.width / ratio}px`;
    return sprite;
  }

  scale({ low, high, colours }) {
    const scale = document.createElement("span");
    const bar = document.createElement("span");
    scale.className = "scale";
    bar.className = "colours";
    bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
    scale.append(low, bar, high);
    return scale;
  }

  toggle(look) {
    if (!this.only.delete(look)) this.only.add(look);
    if (this.only.size === this.buttons.size && !this.maps.data.legend.scale) this.only.clear();
    for (const [other, button] of this.buttons) {
      button.setAttribute("aria-pressed", this.only.has(other));
      button.toggleAttribute("data-faded", this.only.size > 0 && !this.only.has(other));
    }
    this.maps.selection.fade();
  }
}
