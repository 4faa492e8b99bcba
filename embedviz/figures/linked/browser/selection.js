/** Which instances are selected, and which are faded: those not among the selected, the found and the legend's. */
class Selection {
  /** `told` hears of each selection that the person makes. */
  constructor(maps, told) {
    Object.assign(this, { maps, told, places: [], found: new Set(), faded: new Uint8Array(0) });
  }

  pick(i, adds) {
    if (!adds) return this.choose([i]);
    this.choose(this.places.includes(i) ? this.places.filter((other) => other !== i) : [...this.places, i]);
  }

  choose(places) {
    if (places.length === this.places.length && places.every((i, order) => i === this.places[order])) return;
    this.places = places;
    this.fade();
    this.maps.say(places.length ? `${places.length.toLocaleString("en")} selected` : "Nothing selected");
    this.told(places);
  }

  /** Whether the search and the legend leave an instance as it is. */
  holds(i) {
    const { only } = this.maps.legend;
    return (!only.size || only.has(this.maps.data.look[i])) && (!this.found.size || this.found.has(i));
  }

  fade() {
    const { n } = this.maps.data;
    // One point is found by its ring; fading all the others for it would hide the map.
    const selected = this.places.length > 1 ? new Set(this.places) : null;
    const before = this.faded;
    this.faded = Uint8Array.from({ length: n }, (_, i) => (this.holds(i) && (!selected || selected.has(i)) ? 0 : 1));
    this.hasFaded = this.faded.includes(1);
    this.summarise();
    const isSame = before.length === n && this.faded.every((value, i) => value === before[i]);
    this.maps.redraw("over", ...(isSame ? [] : ["points"]));
  }

  summarise() {
    const { n } = this.maps.data;
    const count = this.places.length;
    const all = `${n.toLocaleString("en")} ${n === 1 ? "instance" : "instances"}`;
    const found = this.found.size ? ` · ${this.found.size.toLocaleString("en")} found` : "";
    this.maps.find(".summary").textContent = (count ? `${count.toLocaleString("en")} of ${all} selected` : all) + found;
    this.maps.find(".clear").hidden = !count;
  }
}
