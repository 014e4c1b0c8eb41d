// What a figure's card does: download the drawing and its data, show the data, cite and embed.
(() => {
  "use strict";
  const base = document.querySelector("link[rel=canonical]")?.href ?? location.href.split("#")[0];

  // The rows behind a chart: the largest of its data sets, with the columns in their order.
  function rows(spec) {
    const sets = Object.values(spec.datasets ?? {});
    const inline = spec.data?.values ? [spec.data.values] : [];
    return [...sets, ...inline].sort((a, b) => b.length - a.length);
  }

  const columns = (table) => [...new Set(table.flatMap((row) => Object.keys(row)))];
  const cell = (value) => (value === null || value === undefined ? "" : String(value));

  function csv(table) {
    const names = columns(table);
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [names, ...table.map((row) => names.map((name) => cell(row[name])))];
    return lines.map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
  }

  function save(name, content, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  function bibtex(id, caption, cite) {
    const key = `superposition-replicated-${id}`;
    const fields = {
      title: `{${caption}}`, author: `{${cite.author}}`, year: `{${cite.year}}`,
      howpublished: `{Figure in: ${cite.title}, version ${cite.version}}`, url: `{${base}#${id}}`,
    };
    const lines = Object.entries(fields).map(([name, value]) => `  ${name} = ${value}`);
    return `@misc{${key},\n${lines.join(",\n")}\n}\n`;
  }

  function table(data) {
    const LIMIT = 200;
    const element = document.createElement("table");
    const names = columns(data);
    const line = (parent, tag, texts) => {
      const row = parent.insertRow();
      for (const text of texts) row.append(Object.assign(document.createElement(tag), { textContent: text }));
    };
    line(element.createTHead(), "th", names);
    const body = element.createTBody();
    data.slice(0, LIMIT).forEach((row) => line(body, "td", names.map((name) => cell(row[name]))));
    const box = Object.assign(document.createElement("div"), { className: "figure-data", tabIndex: 0 });
    box.append(element);
    if (data.length > LIMIT) {
      const more = `The first ${LIMIT} of ${data.length} rows; the CSV file has all of them.`;
      box.append(Object.assign(document.createElement("p"), { textContent: more }));
    }
    return box;
  }

  function equip(card) {
    const figure = card.previousElementSibling;
    if (!figure?.classList.contains("vega-figure") || card.dataset.ready) return;
    card.dataset.ready = "yes";
    const float = card.closest("[id^=fig-]");
    const id = float?.id ?? figure.id;
    const caption = float?.querySelector("figcaption")?.textContent.trim().replace(/\s+/g, " ")
      ?? figure.getAttribute("aria-label");
    const spec = () => window.figureSpec(figure);
    const said = Object.assign(document.createElement("span"), { className: "said" });
    said.setAttribute("role", "status");
    const copy = async (text) => {
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = "copied";
      } catch {
        window.prompt("Copy this:", text);
      }
    };
    const whole = () => ({ $schema: "https://vega.github.io/schema/vega-lite/v6.json", ...spec(),
      config: window.figureLook.light });
    const view = () => window.drawFigure(figure);
    const embed = () => `<iframe src="${base}#${id}" title="${caption.replaceAll('"', "&quot;")}" ` +
      'width="100%" height="640" loading="lazy"></iframe>';
    const actions = {
      SVG: async () => save(`${id}.svg`, await (await view()).toSVG(), "image/svg+xml"),
      PNG: async () => save(`${id}.png`, await (await fetch(await (await view()).toImageURL("png", 2))).blob(), "image/png"),
      CSV: () => rows(spec()).forEach((data, n) => save(`${id}${n ? `-${n + 1}` : ""}.csv`, csv(data), "text/csv")),
      "Vega-Lite": async () => { await view(); save(`${id}.vl.json`, JSON.stringify(whole(), null, 1), "application/json"); },
      "Copy BibTeX": () => copy(bibtex(id, caption, JSON.parse(card.dataset.cite))),
      "Copy Markdown": () => copy(`[${caption}](${base}#${id})`),
      "Copy HTML": () => copy(embed()),
      "Show the data": () => {
        const shown = card.querySelector(".figure-data");
        if (shown) return shown.remove();
        return rows(spec()).slice(0, 1).forEach((data) => bar.after(table(data)));
      },
    };
    const bar = Object.assign(document.createElement("div"), { className: "figure-actions" });
    for (const [name, act] of Object.entries(actions)) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      button.addEventListener("click", act);
      bar.append(button);
    }
    bar.append(said);
    card.querySelector("summary").after(bar);
  }

  document.querySelectorAll(".figure-card").forEach((card) => {
    card.addEventListener("toggle", () => card.open && equip(card));
  });
})();
