// Runs in a copy of the page and tells the frame around it what it measured. The report itself has no
// script.
addEventListener("load", () => {
  const round = (x) => Math.round(x * 10) / 10;
  // What is in a closed fold has a place, and nobody sees it.
  const visible = (e) => e.checkVisibility() && e.getClientRects().length > 0 && !e.closest(".hidden, .skip");
  const name = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""} “${e.textContent.trim().slice(0, 40)}”`;

  // Blocks, from heading to heading, as the page opens.
  const headings = [...document.querySelectorAll("h1, h2, h3")].filter(visible);
  const blocks = headings.map((h) => [h.id || h.textContent.trim(), round(h.getBoundingClientRect().top + scrollY)]);
  const height = document.documentElement.scrollHeight;
  const probe = document.createElement("span");
  probe.textContent = "Collegium 0123456789 importance";
  probe.style.cssText = "position:absolute;font-size:100px;white-space:nowrap";
  document.body.append(probe);
  const font = round(probe.getBoundingClientRect().width);
  probe.remove();

  // Everything else with all folds open.
  document.querySelectorAll("details").forEach((d) => (d.open = true));
  const width = document.documentElement.clientWidth;
  const beyond = [...document.body.querySelectorAll("*")]
    .filter((e) => visible(e) && !e.parentElement?.closest(".scroll, .map"))
    .filter((e) => !e.ownerSVGElement && e.getBoundingClientRect().right > width + 0.5)
    .map(name);

  // Words in charts must not lie on each other.
  const clashes = [];
  for (const svg of document.querySelectorAll("svg.chart, .dag svg")) {
    const words = [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
    words.forEach(([one, a], i) => words.slice(i + 1).forEach(([other, b]) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 3) clashes.push(`${one} / ${other}`);
    }));
  }

  // Contrast of every piece of text with what lies behind it (WCAG 2.1, level AA).
  const parse = (c) => c.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [0.2126 * r, 0.7152 * g, 0.0722 * b].reduce((a, _, i) => {
    const c = [r, g, b][i] / 255;
    return a + [0.2126, 0.7152, 0.0722][i] * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const faint = new Set();
  let texts = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !visible(e) || ["SCRIPT", "STYLE", "TITLE", "DESC", "title", "desc"].includes(e.tagName)) continue;
    texts += 1;
    const style = getComputedStyle(e);
    const svg = e.ownerSVGElement;
    const [one, other] = [light(parse(svg ? style.fill : style.color)), light(behind(svg ? svg.parentElement : e))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) faint.add(`${name(e)} ${round(ratio)}`);
  }

  const ground = getComputedStyle(document.body).backgroundColor;
  const measured = { ground, width: innerWidth, scroll: document.documentElement.scrollWidth, height, font, blocks, beyond, clashes, faint: [...faint], texts };
  parent.postMessage(JSON.stringify(measured), "*");
});
