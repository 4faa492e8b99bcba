for (const host of document.querySelectorAll(".embedviz-linked-maps:not([data-ready])")) {
  host.dataset.ready = "";
  const template = host.querySelector("template[shadowrootmode]"); // a browser that does not know these leaves it
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  if (template) root.append(template.content);
  const settings = JSON.parse(host.querySelector('script[type="application/json"]').textContent);
  const maps = new LinkedMaps(root.querySelector(".linked"), {}, () => {});
  maps.update({ ...settings, data: new MapData(settings.maps) });
}
