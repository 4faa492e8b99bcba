const UNKNOWN = 255; // a share of kept neighbours that nobody knows

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/**
 * The packed maps as typed arrays. A layer's `places` are x0, y0, x1, y1, …, NaN where an instance has none;
 * its `neighbours` are `k` an instance, -1 where there is none.
 */
class MapData {
  constructor(text) {
    const packed = JSON.parse(text);
    Object.assign(this, packed);
    this.look = bytes(packed.look);
    this.layers = packed.layers.map((layer, index) => ({
      ...layer,
      index,
      places: new Float32Array(bytes(layer.places).buffer),
      kept: layer.kept && bytes(layer.kept),
      k: layer.neighbours?.k ?? 0,
      neighbours: layer.neighbours && new Int16Array(bytes(layer.neighbours.indices).buffer),
    }));
    this.box = boxOf(this.layers);
  }

  text(i) {
    return this.texts?.[i] ?? "";
  }

  label(i) {
    return this.labels?.texts[this.labels.of[i]] ?? "";
  }

  colour(i) {
    return this.looks[this.look[i]][0];
  }

  /** How many of how many true neighbours the layer's map keeps beside an instance; "" where that is unknown. */
  keeps(layer, i) {
    const share = layer.kept?.[i] ?? UNKNOWN;
    if (share === UNKNOWN) return "";
    return `${share} % of its true neighbours are near it on this map`;
  }

  neighboursOf(layer, i) {
    return layer.neighbours ? [...layer.neighbours.subarray(i * layer.k, (i + 1) * layer.k)].filter((j) => j >= 0) : [];
  }
}

/** The one frame of all layers, so that a place means the same in each of them. */
function boxOf(layers) {
  const box = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (const { places } of layers) {
    for (let at = 0; at < places.length; at += 2) {
      if (!(places[at] === places[at])) continue;
      box.left = Math.min(box.left, places[at]);
      box.right = Math.max(box.right, places[at]);
      box.bottom = Math.min(box.bottom, places[at + 1]);
      box.top = Math.max(box.top, places[at + 1]);
    }
  }
  return box.left <= box.right ? box : { left: -1, right: 1, bottom: -1, top: 1 };
}
