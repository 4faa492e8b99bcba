const AWAY = 16; // pixels from the pointer, so that the text never lies under it

/** What an instance is, beside the pointer. */
class Tip {
  constructor(root, element) {
    Object.assign(this, { root, element });
    this.find = (selector) => element.querySelector(selector);
  }

  /** Shows an instance at a place in the picture. Every text is somebody else's: textContent only. */
  show(data, i, layer, where, remark = "") {
    const label = data.label(i);
    this.find(".text").textContent = data.text(i);
    this.find(".text").hidden = !data.text(i);
    this.find(".label").textContent = label;
    this.find(".label").hidden = !label;
    this.find(".dot").style.background = data.colour(i);
    this.find(".dot").hidden = !label;
    this.find(".id").textContent = data.ids[i];
    this.find(".remark").textContent = remark || data.keeps(layer, i);
    this.find(".remark").hidden = !(remark || data.keeps(layer, i));
    this.element.hidden = false;
    this.place(where);
  }

  place([x, y]) {
    const outer = this.root.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = x + AWAY + width > outer.width ? x - AWAY - width : x + AWAY;
    // Within the picture, and within the window where the picture is higher than that.
    const [first, last] = [Math.max(0, -outer.top), Math.min(outer.height, innerHeight - outer.top) - height];
    const top = Math.max(first, Math.min(last, y + AWAY));
    this.element.style.transform = `translate(${Math.round(Math.max(0, left))}px, ${Math.round(top)}px)`;
  }

  hide() {
    this.element.hidden = true;
  }
}
