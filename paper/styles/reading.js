// Help with reading: how long a page takes, what a word means, and a filter for the scorecard.
(() => {
  "use strict";
  const main = document.querySelector("main");
  if (!main) return;
  const SKIP = "a, code, pre, math, figure, table, dl, h1, h2, h3, h4, script, button, summary, .verdict, .claim, .latent-card, .value, .value-note";

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // Minutes at 220 words a minute, without code, tables and cards.
  const title = main.querySelector("#title-block-header") ?? document.querySelector("#title-block-header");
  const paragraphs = [...main.querySelectorAll("p, li, dd")].filter((each) => !each.closest(".figure-card, .claim"));
  const words = paragraphs.reduce((sum, each) => sum + each.textContent.split(/\s+/).length, 0);
  if (title && words > 150) {
    const minutes = Math.max(1, Math.round(words / 220));
    title.append(element("p", { className: "reading-time", textContent: `${minutes} min read` }));
  }

  // The first time a word of the glossary comes up in a section, it can be asked what it means.
  const glossary = window.glossary ?? {};
  const terms = Object.keys(glossary).sort((a, b) => b.length - a.length);
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  let explained = 0;
  const pattern = terms.length && new RegExp(`(?<![\\w-])(${terms.map(escaped).join("|")})(?![\\w-])`, "i");

  function mark(node, seen) {
    const found = pattern.exec(node.data);
    if (!found) return;
    const entry = glossary[found[1].toLowerCase()];
    const rest = node.splitText(found.index);
    const after = rest.splitText(found[1].length);
    if (!seen.has(entry.anchor)) {
      seen.add(entry.anchor);
      const meaning = element("span", { className: "meaning", textContent: entry.meaning });
      meaning.setAttribute("role", "tooltip");
      meaning.id = `meaning-${++explained}`;
      const term = element("a", { className: "term", href: `glossary.html#${entry.anchor}` }, rest.data);
      term.setAttribute("aria-describedby", meaning.id);
      rest.replaceWith(element("span", { className: "explained" }, term, meaning));
    }
    mark(after, seen);
  }

  if (pattern && !location.pathname.endsWith("/glossary.html")) {
    for (const section of main.querySelectorAll("section.level2, section.level1")) {
      const seen = new Set();
      for (const paragraph of section.querySelectorAll("p")) {
        if (paragraph.closest(SKIP) || paragraph.closest(".column-margin, figcaption, #title-block-header")) continue;
        const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
        const nodes = [];
        while (walker.nextNode()) if (!walker.currentNode.parentElement.closest(SKIP)) nodes.push(walker.currentNode);
        nodes.forEach((node) => mark(node, seen));
      }
    }
  }

  // Escape takes the meaning of a word away, until the word is left.
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    main.querySelectorAll(".explained:is(:hover, :focus-within)").forEach((word) => word.classList.add("dismissed"));
  });
  for (const left of ["mouseleave", "focusout"]) {
    main.addEventListener(left, (event) => event.target.closest(".explained")?.classList.remove("dismissed"), true);
  }

  // What scrolls within the page can be scrolled with the keyboard, too.
  function reach() {
    for (const box of main.querySelectorAll(".vega-figure, .graph, .cell-output-display, pre, table, math[display=block], .figure-data")) {
      const wide = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
      if (wide && getComputedStyle(box).overflowX !== "visible") box.setAttribute("tabindex", "0");
    }
  }
  reach();
  addEventListener("resize", reach);

  // The scorecard: show the claims of one paper, of one verdict, or with some words.
  const claims = [...main.querySelectorAll(".claim[id]")];
  if (claims.length < 5) return;
  const verdictOf = (claim) => claim.querySelector(".verdict")?.textContent.trim() ?? "";
  const paperOf = (claim) => claim.closest("section.level2")?.querySelector("h2")?.textContent.trim() ?? "";

  function choice(label, options) {
    const select = element("select", {}, ...["all", ...options].map((text) => element("option", { value: text, textContent: text })));
    return [select, element("label", {}, `${label} `, select)];
  }

  const unique = (list) => [...new Set(list)].filter(Boolean);
  const [paper, paperLabel] = choice("Paper", unique(claims.map(paperOf)));
  const [verdict, verdictLabel] = choice("Verdict", unique(claims.map(verdictOf)));
  const search = element("input", { type: "search", placeholder: "words or an id" });
  const count = element("span", { className: "said" });
  count.setAttribute("role", "status");
  const bar = element("form", { className: "claim-filter" }, paperLabel, verdictLabel,
    element("label", {}, "Search ", search), count);
  bar.addEventListener("submit", (event) => event.preventDefault());

  function filter() {
    const asked = search.value.trim().toLowerCase();
    let shown = 0;
    for (const claim of claims) {
      const fits = (paper.value === "all" || paperOf(claim) === paper.value) &&
        (verdict.value === "all" || verdictOf(claim) === verdict.value) &&
        claim.textContent.toLowerCase().includes(asked);
      claim.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${claims.length} claims`;
  }

  bar.addEventListener("input", filter);
  claims[0].closest("section.level2").before(bar);
  filter();
  // A link to one claim finds it whatever was filtered.
  addEventListener("hashchange", () => {
    const claim = claims.find((each) => `#${each.id}` === location.hash);
    if (claim?.hidden) {
      bar.reset();
      filter();
      claim.scrollIntoView();
    }
  });
})();
