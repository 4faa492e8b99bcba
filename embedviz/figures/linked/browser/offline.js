for (const host of document.querySelectorAll(".embedviz-linked-maps:not([data-ready])")) {
  host.dataset.ready = "";
  const template = host.querySelector("template[shadowrootmode]"); // a browser that does not know these leaves it
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  if (template) root.append(template.content);
  const settings = JSON.parse(host.querySelector('script[type="application/json"]').textContent);
  const data = new MapData(settings.maps);
  // The page around the maps hears of a selection by "chosen", and asks for one by "choose", of places.
  const chosen = (places) => host.dispatchEvent(new CustomEvent("chosen", { detail: places }));
  const maps = new LinkedMaps(root.querySelector(".linked"), {}, chosen);
  maps.update({ ...settings, data });
  host.addEventListener("choose", ({ detail }) => maps.selection.choose(detail));
  host.addEventListener("find", ({ detail }) => maps.update({ ...settings, data, highlighted: detail }));
}
