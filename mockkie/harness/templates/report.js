"use strict";
(() => {
  const filters = document.querySelector(".filters"), form = filters.querySelector("form");
  const clauses = [...document.querySelectorAll("[data-clause]")];
  const said = form.querySelector("output");
  const texts = new Map(clauses.map((one) => [one, one.textContent.toLowerCase()]));

  const ticked = (name) =>
    new Set([...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value));

  function filter() {
    const verdicts = ticked("verdict"), levels = ticked("level");
    const group = form.elements.group.value;
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of clauses) {
      const fits = verdicts.has(one.dataset.verdict) && levels.has(one.dataset.level) &&
        (!group || one.dataset.group === group) &&
        words.every((word) => texts.get(one).includes(word));
      one.hidden = !fits;
      shown += fits;
    }
    for (const part of document.querySelectorAll("main tbody, main section")) {
      const inside = [...part.querySelectorAll("[data-clause]")];
      part.hidden = inside.length > 0 && inside.every((one) => one.hidden);
    }
    said.textContent = shown === clauses.length
      ? `all ${shown} clauses` : `${shown} of ${clauses.length} clauses`;
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filters.hidden = false;
  filters.open = matchMedia("(min-width: 40rem)").matches;
  filter();

  function showTarget() {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.hidden) {
      form.reset();
      setTimeout(() => target.scrollIntoView());
    }
  }
  addEventListener("hashchange", showTarget);

  /* Where a page may not use the clipboard, a selection that is copied does the same. */
  async function copy(text, from) {
    try {
      await navigator.clipboard.writeText(text);
      return "Copied";
    } catch {
      getSelection().selectAllChildren(from);
      return document.execCommand("copy") ? "Copied" : "Selected";
    }
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    const from = document.getElementById(button.dataset.copy), name = button.ariaLabel;
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.textContent = button.ariaLabel = await copy(from.textContent, from);
      setTimeout(() => { button.textContent = "Copy"; button.ariaLabel = name; }, 2_000);
    });
  }

  let shut = [];
  addEventListener("beforeprint", () => {
    shut = [...document.querySelectorAll("details:not([open])")];
    for (const one of shut) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of shut) one.open = false; });
})();
