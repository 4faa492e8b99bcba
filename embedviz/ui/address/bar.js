// The address is replaced, not added to: the browser's Back still leads to the page before.
export default function ({ data }) {
  const address = new URL(location.href);
  for (const name of [...address.searchParams.keys()]) {
    if (data.names.includes(name) || name.startsWith(data.parameter)) address.searchParams.delete(name);
  }
  for (const [name, value] of Object.entries(data.words)) address.searchParams.set(name, value);
  window.onbeforeunload = data.asks ? (event) => event.preventDefault() : null;
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}
