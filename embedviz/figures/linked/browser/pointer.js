const REACH = 14; // pixels from a point at which the pointer still means it
const STILL = 4; // pixels that a hand moves without meaning to drag

/** What the pointer does on the maps: points, clicks, draws a lasso, pans, zooms. */
class Pointer {
  constructor(maps) {
    this.maps = maps;
    this.drag = null;
  }

  attach(panel) {
    const area = panel.find(".area");
    area.onpointermove = (event) => this.moved(panel, event);
    area.onpointerleave = () => this.drag ?? this.maps.point(null);
    area.onpointerdown = (event) => this.pressed(panel, event);
    area.onpointerup = (event) => this.released(panel, event);
    area.onpointercancel = () => this.cancelled();
    area.ondblclick = () => this.maps.selection.choose([]);
    area.addEventListener("wheel", (event) => this.wheeled(panel, event), { passive: false });
  }

  at(panel, event) {
    const box = panel.find(".area").getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** The instance nearest to a place in a panel, within reach; among those not faded first. */
  nearest(panel, [x, y]) {
    const { maps } = this;
    const places = maps.placesOf(panel);
    const { frame, selection: { faded } } = maps;
    let [best, least] = [null, Infinity];
    for (let i = 0, at = 0; i < maps.data.n; i++, at += 2) {
      const distance = (frame.left(places[at]) - x) ** 2 + (frame.top(places[at + 1]) - y) ** 2;
      if (!(distance < REACH * REACH)) continue;
      const rank = distance + (faded[i] ? REACH * REACH : 0);
      if (rank < least) [best, least] = [i, rank];
    }
    return best;
  }

  moved(panel, event) {
    const { maps, drag } = this;
    const where = this.at(panel, event);
    if (!drag) return maps.point(this.meant(panel, where), panel, where);
    if (Math.hypot(where[0] - drag.start[0], where[1] - drag.start[1]) > STILL) drag.isDrag = true;
    if (!drag.isDrag || drag.panel !== panel) return;
    maps.point(null);
    if (drag.kind === "pan") {
      maps.frame.pan(where[0] - drag.from[0], where[1] - drag.from[1]);
      maps.toolbar.framed();
    } else if (drag.kind === "lasso") {
      const last = drag.path.at(-1);
      if (Math.hypot(where[0] - last[0], where[1] - last[1]) > 2) drag.path.push(where);
      maps.lasso = { panel, path: drag.path };
      maps.redraw("over");
    }
    drag.from = where;
  }

  /** A dot of a trail where there is one, else the nearest point. */
  meant(panel, where) {
    const stop = this.maps.mode === "trails" ? this.maps.trails.stopAt(...where) : null;
    this.maps.hoverStop = stop;
    return stop ? stop.i : this.nearest(panel, where);
  }

  pressed(panel, event) {
    if (event.button > 1) return;
    const { maps } = this;
    const where = this.at(panel, event);
    const pans = maps.toolbar.tool === "pan" || event.altKey || event.button === 1;
    // A finger that moves scrolls the page, unless the person has asked to pan.
    const kind = pans ? "pan" : event.pointerType === "touch" ? "tap" : "lasso";
    this.drag = { kind, panel, start: where, from: where, path: [where], isDrag: false };
    panel.find(".area").setPointerCapture(event.pointerId);
    maps.stage.focus({ preventScroll: true });
    maps.stage.dataset.byPointer = "";
    maps.activate(panel);
    if (event.button === 1) event.preventDefault();
  }

  released(panel, event) {
    const { drag, maps } = this;
    this.drag = null;
    if (!drag) return;
    const adds = event.shiftKey || event.ctrlKey || event.metaKey;
    if (drag.isDrag) {
      if (drag.kind === "lasso") this.caught(panel, drag.path, adds);
    } else if (event.button === 0) {
      const i = this.meant(panel, this.at(panel, event));
      if (i !== null) maps.selection.pick(i, adds);
      else if (!adds) maps.selection.choose([]);
    }
    maps.lasso = null;
    maps.redraw("over");
  }

  cancelled() {
    this.drag = null;
    this.maps.lasso = null;
    this.maps.point(null);
  }

  /** Chooses what lies inside the lasso, but nothing that a search or the legend has faded. */
  caught(panel, path, adds) {
    const { maps } = this;
    const places = maps.placesOf(panel);
    const { frame } = maps;
    const found = [];
    for (let i = 0; i < maps.data.n; i++) {
      if (!maps.selection.holds(i)) continue;
      if (isInside(frame.left(places[2 * i]), frame.top(places[2 * i + 1]), path)) found.push(i);
    }
    maps.selection.choose(adds ? [...new Set([...maps.selected, ...found])] : found);
  }

  wheeled(panel, event) {
    const { frame } = this.maps;
    const factor = Math.exp(-Math.max(-60, Math.min(60, event.deltaY * (event.deltaMode ? 20 : 1))) / 220);
    // At the whole, the page may scroll on.
    if (factor <= 1 && frame.zoom === 1) return;
    event.preventDefault();
    frame.zoomAt(factor, ...this.at(panel, event));
    this.maps.toolbar.framed();
  }
}

/** Whether a place lies inside a closed path, by how often a ray crosses it; NaN never does. */
function isInside(x, y, path) {
  let inside = false;
  for (let one = 0, other = path.length - 1; one < path.length; other = one++) {
    const [[ax, ay], [bx, by]] = [path[one], path[other]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}
