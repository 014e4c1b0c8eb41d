// The atlas: search, sort and look at every unit. Parts are scripts, because fetch does not work
// from a disk. Words from the text are only ever set as text, never as HTML.
(() => {
  "use strict";
  const home = document.getElementById("atlas");
  if (!home) return;
  const FOLDER = home.dataset.folder;
  const SHOWN = 40;

  // Parts, each loaded once.
  const waiting = new Map();
  const loaded = new Map();
  window.atlas = { part: (name, part) => waiting.get(name)?.resolve(part) };
  function load(name) {
    if (loaded.has(name)) return loaded.get(name);
    const promise = new Promise((resolve, reject) => {
      waiting.set(name, { resolve });
      const script = document.createElement("script");
      script.src = `${FOLDER}/${name}.js`;
      script.onerror = () => reject(new Error(`${script.getAttribute("src")} is not there: run dvc repro paper`));
      document.head.append(script);
    });
    loaded.set(name, promise);
    return promise;
  }
  const several = async (stem, n, each) =>
    Promise.all(Array.from({ length: Math.ceil(n / each) }, (_, number) => load(`${stem}-${number}`)));

  function make(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties ?? {})) {
      if (name in made) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  function drawing(tag, properties, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const number = (value, digits = 3) =>
    value === null || value === undefined ? "–" : Number(value.toPrecision(digits)).toLocaleString("en", { maximumSignificantDigits: digits });
  const percent = (share) => `${number(100 * share, 2)}%`;
  const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value), 2)}`;

  // Tokens: text in even places, what is spelt out in odd ones.
  let vocabulary = [];
  const textOf = (token) => (vocabulary[token] ?? [`token ${token}`]).join("");
  function token(id, { alone = false, ...properties } = {}) {
    const made = make("bdi", { className: "token", translate: false, ...properties });
    (vocabulary[id] ?? [`token ${id}`]).forEach((piece, place) => {
      if (!piece) return;
      const shown = alone ? piece.replaceAll(" ", "␣") : piece;
      made.append(place % 2 ? make("span", { className: "unseen", textContent: shown }) : shown);
    });
    return made;
  }

  let contents;
  let kind;
  let index;
  let found = [];
  let current = null;
  const kindOf = (name) => contents.kinds.find((each) => each.name === name);
  const title = (name, unit) => `${name[0].toUpperCase()}${name.slice(1)} ${unit}`;
  const base = () => document.querySelector("link[rel=canonical]")?.href ?? location.href.split("#")[0];

  // The frame.
  const field = (label, input) => make("label", {}, make("span", { textContent: label }), input);
  const options = (list) => list.map(([value, textContent]) => make("option", { value, textContent }));
  const query = make("input", { type: "search", id: "atlas-query", autocomplete: "off", placeholder: "a token, a concept, or a number" });
  const within = make("select", {}, ...options([["all", "anything"], ["tokens", "tokens it is active on"], ["concepts", "concepts"], ["logits", "tokens it promotes or suppresses"], ["unit", "its number"]]));
  const kinds = make("select", {});
  const sort = make("select", {}, ...options([["match", "best match"], ["mcc", "Matthews correlation"], ["f1", "F1"], ["active", "density"], ["effect", "effect of ablation"], ["unit", "number"]]));
  const density = make("select", {}, ...options([["live", "active at all"], ["0-0.0001", "below 0.01%"], ["0.0001-0.001", "0.01% to 0.1%"], ["0.001-0.01", "0.1% to 1%"], ["0.01-1.1", "1% or more"], ["dead", "never active"], ["any", "any"]]));
  const least = () => make("input", { type: "number", min: "0", max: "1", step: "0.05", value: "0" });
  const f1 = least();
  const mcc = least();
  const form = make("form", { className: "atlas-form", role: "search" },
    field("Search", query), field("in", within), field("Show", kinds), field("Sort by", sort),
    field("Density", density), field("F1 from", f1), field("Matthews correlation from", mcc), make("button", { type: "submit", textContent: "Open the first" }));
  const said = make("p", { className: "atlas-said", role: "status" });
  const list = make("ol", { className: "atlas-list" });
  const more = make("button", { type: "button", textContent: "Show more", hidden: true });
  const card = make("section", { className: "latent-card atlas-card", ariaLabel: "The unit" });
  const notes = make("div", { className: "atlas-notes" });

  function part(name, unit) {
    const size = contents.sizes.shard;
    return load(`${name}-${Math.floor(unit / size)}`).then((entries) => entries[unit % size]);
  }

  async function choose(name) {
    kind = kindOf(name);
    const parts = await several(`${name}-index`, kind.n, contents.sizes.index);
    index = {};
    for (const column of Object.keys(parts[0] ?? {})) index[column] = parts.flatMap((each) => each[column]);
    index.search = null;
    notes.replaceChildren(...kind.missing.map((text) => make("p", { textContent: text })));
  }

  // Search: how well a unit fits, 0 if it does not.
  async function scores(asked) {
    const words = asked.toLowerCase();
    const result = new Array(kind.n).fill(0);
    const raise = (unit, score) => { if (score > result[unit]) result[unit] = score; };
    const where = within.value;
    const plain = /^#?(?:latent|neuron|unit)?[\s-]*(\d+)$/.exec(words);
    if (plain && (where === "all" || where === "unit") && Number(plain[1]) < kind.n) raise(Number(plain[1]), 8);
    if (where === "unit") return result;
    if (!index.search) {
      const parts = await several(`${kind.name}-search`, kind.n, contents.sizes.index);
      index.search = {};
      for (const column of Object.keys(parts[0] ?? {})) index.search[column] = parts.flatMap((each) => each[column]);
    }
    const likeness = (text) => {
      const own = text.toLowerCase();
      if (text === asked) return 4;
      if (own.trim() === words.trim()) return 3;
      return own.includes(words) ? 1 : 0;
    };
    const ofToken = vocabulary.map((pieces) => likeness(pieces.join("")));
    const ofConcept = contents.concepts.map(likeness);
    const look = (column, table, weight) => {
      if (index.search[column]) index.search[column].forEach((ids, unit) => ids.forEach((id, rank) => {
        if (table[id]) raise(unit, (table[id] + 0.5 / (1 + rank)) * weight);
      }));
    };
    if (where === "all" || where === "tokens") look("tokens", ofToken, 1);
    if (where === "all" || where === "concepts") look("concepts", ofConcept, 1.1);
    if (where === "all" || where === "logits") for (const sign of ["up", "down"]) look(sign, ofToken, 0.8);
    return result;
  }

  function fits(unit) {
    const share = index.active[unit] / kind.n_tokens;
    const range = density.value;
    if (range === "live" && !index.active[unit]) return false;
    if (range === "dead" && index.active[unit]) return false;
    if (range.includes("-")) {
      const [low, high] = range.split("-").map(Number);
      if (!index.active[unit] || share < low || share >= high) return false;
    }
    const reaches = (score, least) => !(Number(least.value) > 0) || (score ?? 0) >= Number(least.value);
    return reaches(index.f1[unit], f1) && reaches(index.mcc[unit], mcc);
  }

  let turn = 0;
  async function search() {
    const mine = ++turn;
    const asked = query.value;
    const score = asked.trim() ? await scores(asked) : null;
    if (mine !== turn) return;
    const exact = score && score.some((each) => each >= 8);
    const all = Array.from({ length: kind.n }, (_, unit) => unit);
    found = all.filter((unit) => (!score || score[unit] > 0) && (fits(unit) || (exact && score[unit] >= 8)));
    const by = sort.value;
    const value = (unit) => {
      if (by === "unit") return -unit;
      if (by === "effect") return -(index.effect[unit] ?? Infinity);
      return (by === "match" ? index.mcc : index[by])[unit] ?? -1;
    };
    found.sort((a, b) => (score && by === "match" ? score[b] - score[a] : 0) || value(b) - value(a) || a - b);
    said.textContent = `${found.length.toLocaleString("en")} of ${kind.n.toLocaleString("en")} ${kind.name}s`;
    list.replaceChildren();
    grow();
  }

  function grow() {
    const next = found.slice(list.children.length, list.children.length + SHOWN);
    for (const unit of next) {
      const concept = contents.concepts[index.concept[unit]];
      const about = [
        index.top[unit] >= 0 ? token(index.top[unit], { alone: true }) : null,
        make("span", { className: "atlas-concept", textContent: concept ?? "no concept" }),
        make("span", { className: "atlas-score", textContent: `MCC ${number(index.mcc[unit], 2)}, ${percent(index.active[unit] / kind.n_tokens)}` }),
      ];
      const link = make("a", { href: `#${kind.name}-${unit}` }, make("b", { textContent: unit }), ...about);
      if (current?.unit === unit && current.name === kind.name) link.setAttribute("aria-current", "true");
      list.append(make("li", {}, link));
    }
    more.hidden = list.children.length >= found.length;
  }

  // The card of one unit.
  function histogram(entry) {
    const WIDTH = 360;
    const HEIGHT = 90;
    const most = Math.max(1, ...entry.histogram);
    const step = WIDTH / entry.histogram.length;
    const bars = entry.histogram.map((count, bin) => {
      const height = count ? Math.max(1.5, (HEIGHT * Math.log1p(count)) / Math.log1p(most)) : 0;
      const bar = drawing("rect", { x: bin * step + 0.5, y: HEIGHT - height, width: step - 1, height });
      const text = `${count} tokens, activation up to ${number(entry.max * (bin + 1) / entry.histogram.length)}`;
      bar.append(drawing("title", {}, text));
      return bar;
    });
    const label = `Histogram of activations from 0 to ${number(entry.max)}: ${entry.histogram.join(", ")} tokens`;
    const picture = drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "atlas-histogram" }, ...bars);
    const scale = make("p", { className: "atlas-scale" }, make("span", { textContent: "0" }), make("span", { textContent: "activation (height: logarithm of the count)" }), make("span", { textContent: number(entry.max) }));
    return make("div", {}, picture, scale);
  }

  const heading = (text) => make("h3", { textContent: text });
  const address = (name, unit) => make("a", { href: `#${name}-${unit}`, textContent: unit });

  function facts(entry) {
    const [cases, effect, error] = entry.effect;
    const rows = [
      ["Active on", `${entry.active.toLocaleString("en")} of ${kind.n_tokens.toLocaleString("en")} tokens (${percent(entry.active / kind.n_tokens)})`],
      ["Activation", `mean ${number(entry.mean)} when active, largest ${number(entry.max)}`],
      ["Without it", cases ? `the log-probability of the token that follows changes by ${signed(effect)} nats${error === null ? "" : ` (standard error ${number(error, 2)})`}: mean of exact ablations on ${cases} active tokens drawn at random` : "not measured: it was not active"],
    ];
    return make("dl", {}, ...rows.flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })]));
  }

  function concepts(entry) {
    if (!entry.concepts.length) return make("p", { textContent: "It tells no concept better than chance, or none was matched." });
    const names = ["concept", "F1", "MCC", "precision", "recall"];
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...names.map((textContent) => make("th", { textContent, scope: "col" })))));
    const body = table.createTBody();
    for (const each of entry.concepts) {
      const cells = [each.name, ...["f1", "mcc", "precision", "recall"].map((name) => number(each[name], 2))];
      body.append(make("tr", {}, ...cells.map((textContent) => make("td", { textContent }))));
    }
    return make("div", { className: "atlas-table", tabIndex: 0, role: "region", ariaLabel: "Best concepts" }, table);
  }

  function logits(entry) {
    const chips = (list) => list.map(([id, effect]) => token(id, { alone: true, title: signed(effect) }));
    const rows = [["Tokens it is active on", entry.tokens.map(([id, share]) => token(id, { alone: true, title: percent(share) }))], ["More likely next", chips(entry.up)], ["Less likely next", chips(entry.down)]];
    return make("dl", { className: "logits mathjax_ignore", translate: false }, ...rows.flatMap(([name, tokens]) => [make("dt", { textContent: name }), make("dd", {}, ...(tokens.length ? tokens.flatMap((each) => [each, " "]) : ["none"]))]));
  }

  function related(entry) {
    const items = [];
    const line = (name, ...parts) => items.push(make("li", {}, make("span", { className: "atlas-name", textContent: `${name}: ` }), ...parts));
    const listed = (pairs, name) => pairs.flatMap(([unit, cosine], place) => [place ? ", " : "", name && kindOf(name)?.n ? address(name, unit) : String(unit), ` (${number(cosine, 2)})`]);
    if (entry.near?.length) line(`Nearest ${kind.name}s, by cosine`, ...listed(entry.near, kind.name));
    if (entry.neurons?.length) line("Largest coefficients on neurons", ...listed(entry.neurons, kindOf("neuron")?.n ? "neuron" : null));
    const widths = new Map();
    for (const each of entry.widths ?? []) widths.set(each[0], [...(widths.get(each[0]) ?? []), each]);
    for (const [width, each] of widths) {
      line(`Closest of ${width.toLocaleString("en")} latents`, ...each.slice(0, 3).flatMap(([, unit, cosine, top, context], place) => [
        place ? ", " : "", `${unit} (${number(cosine, 2)}`, ...(top >= 0 ? [", ", token(top, { alone: true })] : []), context ? `, ${context}` : "", ")"]));
    }
    for (const { of, match, correlation, null_correlation } of entry.partners) {
      line(`Best match in ${of}`, `${match}, correlation ${number(correlation, 2)} (by chance ${number(null_correlation, 2)})`);
    }
    return items.length ? make("ul", { className: "atlas-related" }, ...items) : make("p", { textContent: "No relatives were looked for." });
  }

  function line(entry, [, , , offset, tokens, pairs]) {
    const levels = new Array(tokens.length).fill(0);
    for (let at = 0; at < pairs.length; at += 2) levels[pairs[at]] = pairs[at + 1];
    const shown = tokens.map((id, place) => {
      const made = token(id, { title: number((entry.max * levels[place]) / 99, 2) });
      made.classList.toggle("at", place === offset);
      made.style.setProperty("--activation", levels[place] / 99);
      return made;
    });
    return make("li", {}, make("span", { className: "tokens mathjax_ignore", translate: false }, ...shown));
  }

  function examples(entry) {
    if (!entry.examples.length) return [make("p", { textContent: "No examples: it was not active on the text that was read." })];
    const groups = new Map();
    for (const each of entry.examples) groups.set(each[0], [...(groups.get(each[0]) ?? []), each]);
    return [...groups].flatMap(([interval, lines]) => {
      const values = lines.map((line) => line[1]);
      const name = interval === 0 ? "Top examples" : `Drawn from interval ${interval}`;
      const text = `${name}, activation ${number(Math.min(...values))} to ${number(Math.max(...values))}`;
      const items = lines.map((each) => line(entry, each));
      return [make("p", { className: "interval", textContent: text }), make("ol", { className: "examples" }, ...items)];
    });
  }

  function citation(entry) {
    const site = document.querySelector("meta[name=citation_journal_title]")?.content ?? home.dataset.site;
    const address = `${base()}#${kind.name}-${entry.unit}`;
    const about = entry.concepts[0] ? `, ${entry.concepts[0].name}` : "";
    const clean = (text) => text.replace(/[\\{}]/g, "");
    const text = `@misc{superposition-replicated-${kind.name}-${entry.unit},\n` +
      `  title = {${clean(title(kind.name, entry.unit) + about)}},\n  author = {${clean(home.dataset.author)}},\n  year = {${home.dataset.year}},\n` +
      `  howpublished = {Entry in the feature atlas of: ${clean(site)}, ${kind.reads}, scale ${contents.scale}},\n  url = {${address}}\n}\n`;
    const note = make("span", { className: "said", role: "status" });
    const copy = (name, words) => make("button", { type: "button", textContent: name, onclick: async () => {
      try {
        await navigator.clipboard.writeText(words);
        note.textContent = " copied";
      } catch {
        window.prompt("Copy this:", words);
      }
    } });
    return make("details", { className: "atlas-citation" }, make("summary", { textContent: "Cite it" }),
      make("pre", { textContent: text, tabIndex: 0 }), make("p", {}, copy("Copy BibTeX", text), " ", copy("Copy the address", address), note));
  }

  async function show(name, unit, { focus = false } = {}) {
    if (name !== kind.name) {
      kinds.value = name;
      await choose(name);
      await search();
    }
    current = { name, unit };
    const entry = await part(name, unit);
    if (current.unit !== unit || current.name !== name) return;
    const head = make("h2", { className: "atlas-head", tabIndex: -1, textContent: title(name, unit) });
    const move = (step, text, key) => make("button", { type: "button", textContent: text, "aria-keyshortcuts": key, onclick: () => go(step) });
    card.replaceChildren(
      make("div", { className: "atlas-top" }, head, make("p", { className: "atlas-move" }, move(-1, "← Previous", "ArrowLeft"), " ", move(1, "Next →", "ArrowRight"))),
      facts(entry), histogram(entry), heading("Best concepts"), concepts(entry), heading("Tokens and logits"), logits(entry),
      heading("Relatives"), related(entry), heading("In context"), ...examples(entry), citation(entry));
    card.style.setProperty("--mark", `var(--${name.endsWith("neuron") ? "neuron" : "latent"})`);
    list.querySelectorAll("[aria-current]").forEach((link) => link.removeAttribute("aria-current"));
    list.querySelector(`a[href="#${name}-${unit}"]`)?.setAttribute("aria-current", "true");
    document.title = `${title(name, unit)} – ${home.dataset.site}`;
    if (focus) head.focus();
  }

  // A unit of the list, even if it is there already: then its head takes the focus.
  async function enter(unit) {
    const hash = `#${kind.name}-${unit}`;
    if (location.hash === hash) await follow();
    else location.hash = hash;
  }

  // The next or previous one of the list.
  function go(step) {
    if (!found.length) return;
    const at = found.indexOf(current?.unit);
    const next = at < 0 ? found[0] : found[(at + step + found.length) % found.length];
    location.hash = `${kind.name}-${next}`;
  }

  function read(hash) {
    const at = /^#(.+)-(\d+)$/.exec(decodeURIComponent(hash));
    const named = at && kindOf(at[1]);
    return named && Number(at[2]) < named.n ? { name: at[1], unit: Number(at[2]) } : null;
  }

  async function follow() {
    const asked = read(location.hash);
    if (!asked) {
      if (/^#.*(latent|neuron)-/.test(location.hash)) said.textContent = `${location.hash.slice(1)} is not in the atlas at this scale.`;
      return;
    }
    await show(asked.name, asked.unit, { focus: true });
  }

  const failed = (error) => { said.textContent = error.message; };
  const guarded = (act) => (...given) => Promise.resolve(act(...given)).catch(failed);

  async function start() {
    contents = await load("contents");
    vocabulary = (await several("vocabulary", contents.n_vocabulary, contents.sizes.vocabulary)).flat();
    home.replaceChildren(form, said, notes, make("div", { className: "atlas-columns" }, make("nav", { ariaLabel: "Units found" }, list, more), card));
    const live = contents.kinds.filter((each) => each.n);
    kinds.append(...options(live.map((each) => [each.name, `${each.name}s (${each.reads})`])));
    const absent = contents.kinds.filter((each) => !each.n);
    if (!live.length) {
      said.textContent = absent.flatMap((each) => each.missing).join(" ") || "No dictionary is in the atlas at this scale.";
      form.hidden = true;
      return;
    }
    const asked = read(location.hash);
    await choose(asked?.name ?? live[0].name);
    kinds.value = kind.name;
    await search();
    if (asked) return show(asked.name, asked.unit, { focus: true });
    if (location.hash) await follow();
    if (found.length) await show(kind.name, found[0]);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    guarded(async () => { await search(); if (found.length) await enter(found[0]); })();
  });
  form.addEventListener("input", guarded(async (event) => {
    if (event.target === kinds) await choose(kinds.value);
    await search();
    if (event.target === kinds && found.length) location.hash = `${kind.name}-${found[0]}`;
  }));
  more.addEventListener("click", () => {
    const shown = list.children.length;
    grow();
    list.children[shown]?.firstChild.focus();
  });
  // Down from the search into what was found, and up again.
  home.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const stops = [query, ...list.querySelectorAll("a")];
    const at = stops.indexOf(event.target);
    if (!step || at < 0 || !stops[at + step]) return;
    event.preventDefault();
    stops[at + step].focus();
  });
  addEventListener("hashchange", guarded(follow));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.target.closest?.("input, select, textarea, [contenteditable]")) return;
    if (event.key === "/") {
      event.preventDefault();
      query.focus();
      query.select();
    }
    if (event.target.closest?.("pre, .atlas-table")) return;
    if (event.key === "ArrowLeft") go(-1);
    if (event.key === "ArrowRight") go(1);
  });
  start().catch((error) => { home.replaceChildren(make("p", { role: "alert", textContent: `The atlas is not here: ${error.message}` })); });
})();
