// What a person did to a picture outlives reruns and page changes: it is kept on the window, by the widget's key.
const shared = (globalThis[Symbol.for("embedviz.linked_maps")] ??= {
  memories: new Map(), texts: new Map(), live: new Set(),
});
const views = new WeakMap();
const MOST_HELD = 4; // maps that the window keeps beside those on the page, so that they need not be sent again

export default function (component) {
  const { data, parentElement } = component;
  let view = views.get(parentElement);
  if (!view) views.set(parentElement, (view = new ComponentView(parentElement, data.key)));
  view.update(component);
  return () => {
    view.maps.close();
    shared.live.delete(view);
    views.delete(parentElement);
  };
}

class ComponentView {
  constructor(parent, key) {
    if (!shared.memories.has(key)) shared.memories.set(key, {});
    this.maps = new LinkedMaps(parent.querySelector(".linked"), shared.memories.get(key), (places) => this.send(places));
    this.sent = 0;
    shared.live.add(this);
  }

  update(component) {
    const { data } = component;
    Object.assign(this, { component, wanted: data.digest });
    if (data.maps) this.keep(data.digest, data.maps);
    const text = shared.texts.get(data.digest);
    // The app took it that the window has these maps, but it has let them go.
    if (!text) return this.send(null);
    if (data.digest !== this.digest) {
      this.digest = data.digest;
      this.unpacked = new MapData(text);
    }
    // A run that began before the person's latest choice knows nothing of it.
    if (data.seen >= this.sent) this.maps.selection.places = data.selected;
    this.maps.update({ ...data, data: this.unpacked });
  }

  keep(digest, text) {
    shared.texts.delete(digest);
    shared.texts.set(digest, text);
    // Pictures on one page must not push each other's maps out, or they would ask for them for ever.
    const inUse = new Set([...shared.live].map((view) => view.wanted));
    for (const oldest of [...shared.texts.keys()].slice(0, -MOST_HELD)) {
      if (!inUse.has(oldest)) shared.texts.delete(oldest);
    }
  }

  send(places) {
    const { data, setStateValue } = this.component;
    // Numbers grow, so that the app takes each choice once and an old one never undoes a new one.
    this.sent = Math.max(Date.now(), this.sent + 1, data.seen + 1);
    setStateValue("choice", { number: this.sent, about: data.about, places, held: [...shared.texts.keys()] });
  }
}
