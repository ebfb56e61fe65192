// Draws the page's diagrams with the Mermaid that the site serves, in the colours of its scheme.
"use strict";
(() => {
  const blocks = [...document.querySelectorAll("pre.diagram")];
  if (blocks.length === 0) return;
  const library = new URL("mermaid.min.js", document.currentScript.src);
  const sources = blocks.map((block) => block.textContent);

  const loaded = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = library;
    script.onload = () => resolve(window.mermaid);
    script.onerror = reject;
    document.head.append(script);
  });

  const draw = async () => {
    const mermaid = await loaded;
    const dark = document.body.dataset.mdColorScheme === "slate";
    const style = getComputedStyle(document.body);
    mermaid.initialize({
      startOnLoad: false,
      securityLevel: "strict",
      theme: dark ? "dark" : "neutral",
      fontFamily: style.fontFamily,
    });
    for (const [index, block] of blocks.entries()) {
      const { svg } = await mermaid.render(`diagram-${index}`, sources[index]);
      block.innerHTML = svg;
      // On a narrow screen it scrolls in its own box before its letters become too small to read.
      const drawing = block.querySelector("svg");
      drawing.style.minWidth = `${0.6 * drawing.viewBox.baseVal.width}px`;
      block.dataset.drawn = dark ? "dark" : "light";
    }
  };

  // One drawing at a time: the scheme may change while Mermaid is at work.
  let last = Promise.resolve();
  const again = () => (last = last.then(draw));
  new MutationObserver(again).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
  again();
})();
