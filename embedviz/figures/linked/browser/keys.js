const TOWARDS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** The maps by keyboard: from point to point, and from map to map. */
class Keys {
  constructor(maps) {
    this.maps = maps;
    maps.stage.onkeydown = (event) => this.pressed(event);
    maps.stage.onblur = () => {
      delete maps.stage.dataset.byPointer;
      maps.setCursor(null);
    };
  }

  pressed(event) {
    const { maps } = this;
    if (event.altKey || ((event.ctrlKey || event.metaKey) && event.key !== "Enter")) return;
    const acts = {
      Enter: () => this.pick(event),
      " ": () => this.pick(event),
      Escape: () => this.escape(),
      PageDown: () => maps.activate(this.beside(1)),
      PageUp: () => maps.activate(this.beside(-1)),
      "+": () => maps.toolbar.zoomBy(1.5),
      "=": () => maps.toolbar.zoomBy(1.5),
      "-": () => maps.toolbar.zoomBy(1 / 1.5),
      0: () => maps.toolbar.zoomBy(0),
    };
    const act = TOWARDS[event.key] ? () => this.go(TOWARDS[event.key]) : acts[event.key];
    if (!act) return;
    event.preventDefault();
    delete maps.stage.dataset.byPointer;
    act();
  }

  pick(event) {
    const { cursor } = this.maps;
    if (cursor === null) return this.go([0, 0]);
    this.maps.selection.pick(cursor, event.shiftKey || event.ctrlKey || event.metaKey);
  }

  escape() {
    this.maps.setCursor(null);
    this.maps.selection.choose([]);
  }

  beside(direction) {
    const { panels, active } = this.maps;
    return panels[(panels.indexOf(active) + direction + panels.length) % panels.length];
  }

  go(direction) {
    const { maps } = this;
    const from = maps.cursor ?? null;
    const next = from === null ? this.first() : this.next(from, direction);
    if (next === null) return;
    const places = maps.placesOf(maps.active);
    maps.frame.reveal(places[2 * next], places[2 * next + 1]);
    maps.toolbar.framed();
    maps.setCursor(next);
  }

  /** What is selected or looked at, or else the point in the middle. */
  first() {
    const { maps } = this;
    const places = maps.placesOf(maps.active);
    const known = [...maps.selected, maps.focus].find((i) => i !== null && places[2 * i] === places[2 * i]);
    return known ?? this.best((dx, dy) => dx * dx + dy * dy, maps.frame.x, maps.frame.y, null);
  }

  /** The nearest point in a direction: within a right angle about it, and rather ahead than aside. */
  next(from, [rightwards, upwards]) {
    const places = this.maps.placesOf(this.maps.active);
    const score = (dx, dy) => {
      const ahead = dx * rightwards + dy * upwards;
      const aside = Math.abs(dx * upwards) + Math.abs(dy * rightwards);
      return ahead > 0 && ahead >= aside ? ahead * ahead + 4 * aside * aside : NaN;
    };
    return this.best(score, places[2 * from], places[2 * from + 1], from);
  }

  best(score, x, y, except) {
    const { maps } = this;
    const places = maps.placesOf(maps.active);
    let [best, least] = [null, Infinity];
    for (let i = 0; i < maps.data.n; i++) {
      const found = i === except || !maps.selection.holds(i) ? NaN : score(places[2 * i] - x, places[2 * i + 1] - y);
      if (found < least) [best, least] = [i, found];
    }
    return best;
  }
}
