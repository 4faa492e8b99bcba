// Where a person was in a story outlives reruns and page changes: it is kept on the window, by the widget's key.
const players = (globalThis[Symbol.for("embedviz.player")] ??= { memories: new Map() });
const playing = new WeakMap();

export default function (component) {
  const { data, parentElement } = component;
  let held = playing.get(parentElement);
  if (!held) playing.set(parentElement, (held = begin(parentElement, data.key)));
  held.component = component;
  held.player.update(data);
  if (!held.isShown) {
    held.isShown = true;
    // Keys work at once, without a click into the slide.
    if (!isWriting(document.activeElement ?? document.body)) held.player.root.focus({ preventScroll: true });
  }
  return () => {
    removeEventListener("resize", held.fit);
    held.watcher.disconnect();
    held.player.close();
    playing.delete(parentElement);
  };
}

function begin(parent, key) {
  if (!players.memories.has(key)) players.memories.set(key, {});
  const held = {};
  const ask = (step, number, text) => held.component.setTriggerValue("asked", { step, number, text });
  held.player = new Player(parent.querySelector(".player"), players.memories.get(key), ask);
  // The player fills the window below what stands above it.
  held.fit = () => {
    const { root } = held.player;
    const scrolled = document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0;
    const above = root.getBoundingClientRect().top + scrolled;
    if (!document.fullscreenElement) root.style.setProperty("--player-height", `${innerHeight - above - 16}px`);
  };
  addEventListener("resize", held.fit);
  // What stands above may change too: a longer title takes a line more.
  held.watcher = new ResizeObserver(() => requestAnimationFrame(held.fit));
  held.watcher.observe(document.querySelector("[data-testid=stMainBlockContainer]") ?? document.body);
  held.fit();
  return held;
}
