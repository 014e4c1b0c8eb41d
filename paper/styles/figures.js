// Draws each figure of a page when it comes near the screen, with the one Vega beside this file.
(() => {
  "use strict";
  const folder = document.currentScript.src.replace(/[^/]*$/, "");
  const figures = [...document.querySelectorAll(".vega-figure")];
  const SHRINKABLE = 1.2; // what is wider than its room by more would be too small to read
  const drawn = new Map();
  const views = new Map();
  let vega = null;

  const isDark = () => document.body.classList.contains("quarto-dark");

  function loadVega() {
    vega ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = folder + "vega.js";
      script.onload = resolve;
      script.onerror = () => reject(new Error(`no ${script.src}`));
      document.head.append(script);
    });
    return vega;
  }

  // The colours have one meaning each; on the dark page every one has its own version.
  function inTheme(text) {
    if (!isDark()) return text;
    const swaps = window.figureLook.swaps;
    return text.replace(/"#[0-9a-f]{6}"/gi, (quoted) => {
      const swap = swaps[quoted.slice(1, -1).toLowerCase()];
      return swap ? `"${swap}"` : quoted;
    });
  }

  // The specification of a figure, its tables by row as Vega wants them; the page has them by column.
  function specOf(figure, text = figure.querySelector("script").textContent) {
    const spec = JSON.parse(text);
    for (const [name, table] of Object.entries(spec.datasets ?? {})) {
      if (!Array.isArray(table[0])) continue;
      spec.datasets[name] = table[0][1].map((_, row) =>
        Object.fromEntries(table.map(([column, values]) => [column, values[row]])));
    }
    return spec;
  }

  // Long titles break into lines, and a legend on top into columns.
  const ruler = document.createElement("canvas").getContext("2d");
  function worded(spec, room) {
    const title = typeof spec.title === "string" ? { text: spec.title } : spec.title;
    if (!title) return spec;
    const { font, title: style } = window.figureLook.light;
    const broken = (text, look) => {
      if (typeof text !== "string") return text;
      ruler.font = `${look}px ${font}`;
      return text.split(" ").reduce((lines, word) => {
        const line = [lines.at(-1), word].filter(Boolean).join(" ");
        if (ruler.measureText(line).width <= room) return [...lines.slice(0, -1), line];
        return [...lines, word];
      }, [""]);
    };
    const lines = { text: broken(title.text, `${style.fontWeight} ${style.fontSize}`) };
    if (title.subtitle) lines.subtitle = broken(title.subtitle, style.subtitleFontSize);
    return { ...spec, title: { ...title, ...lines } };
  }

  function look(room, columns = Math.max(1, Math.floor(room / 120))) {
    const config = window.figureLook[isDark() ? "dark" : "light"];
    return room > 560 ? config : { ...config, legend: { ...config.legend, columns } };
  }

  // A chart no wider than there is room; squares stay square.
  function narrowed(chart, most) {
    if (!(chart.width > most)) return chart;
    return { ...chart, width: most, height: chart.height === chart.width ? most : chart.height };
  }

  // Charts side by side wrap where there is no room, and so do small multiples.
  function fitted(spec, room) {
    const narrow = Math.min(room - 80, 520);
    const { hconcat: row, ...rest } = spec;
    if (row) {
      const alike = new Set(row.map((chart) => chart.width)).size === 1;
      const axes = alike && row[0].width < 150 ? 30 : 60; // small drawings have none
      const widths = row.map((chart) => (chart.width ?? 300) + axes);
      if (widths.reduce((sum, width) => sum + width) <= room) return spec;
      const columns = Math.floor(room / widths[0]);
      if (alike && columns > 1) return { ...rest, concat: row, columns };
      const wide = (chart) => (chart.width === chart.height ? chart : { ...chart, width: narrow });
      return { ...rest, vconcat: row.map((chart) => narrowed(wide(chart), narrow)) };
    }
    if (spec.vconcat) return { ...spec, vconcat: spec.vconcat.map((chart) => narrowed(chart, room - 80)) };
    if (!spec.spec) return narrowed(spec, room - 80);
    const panels = { ...spec, spec: narrowed(spec.spec, room - 80) };
    const each = (panels.spec.width ?? 200) + 22;
    const columns = spec.columns ?? (spec.facet.field && room <= 560 ? Infinity : 1);
    const most = Math.max(1, Math.floor((room - 50) / each));
    return columns > most ? { ...panels, columns: most } : panels;
  }

  async function draw(figure) {
    const host = figure.querySelector(".vega-canvas");
    try {
      await loadVega();
      const text = inTheme(figure.querySelector("script").textContent);
      const theme = isDark() ? "dark" : "light";
      drawn.get(figure)?.finalize();
      const room = host.clientWidth;
      const spec = worded(fitted(specOf(figure, text), room), room);
      const embed = (config) => window.vegaEmbed(host, spec, {
        actions: false,
        config,
        mode: "vega-lite",
        renderer: "svg",
        tooltip: { theme },
      });
      const overflows = () => host.scrollWidth > host.clientWidth + 1;
      let result = await embed(look(room));
      if (room <= 560 && overflows()) { // the names in the legend may be too long for two columns
        result.finalize();
        result = await embed(look(room, 1));
      }
      drawn.set(figure, result);
      views.set(figure, result.view);
      figure.dataset.drawn = theme;
      host.style.minHeight = "";
      // The figure has a description and a table of its data; its marks say nothing one by one.
      const svg = host.querySelector("svg");
      svg.setAttribute("aria-hidden", "true");
      svg.classList.toggle("shrunk", overflows() && host.scrollWidth <= SHRINKABLE * room);
      if (overflows()) host.tabIndex = 0; // to scroll with the keyboard
    } catch (error) {
      host.textContent = `This figure could not be drawn: ${error.message}`;
      figure.dataset.drawn = "failed";
      console.error(figure.id, error);
    }
  }

  const queue = (figure) => {
    if (drawn.has(figure)) return null;
    drawn.set(figure, null);
    return draw(figure);
  };

  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        watcher.unobserve(entry.target);
        queue(entry.target);
      }
    },
    { rootMargin: "600px 0px" },
  );
  figures.forEach((figure) => watcher.observe(figure));

  new MutationObserver(() => {
    for (const figure of drawn.keys()) {
      if (figure.dataset.drawn && figure.dataset.drawn !== (isDark() ? "dark" : "light")) {
        draw(figure);
      }
    }
  }).observe(document.body, { attributeFilter: ["class"] });

  window.figureSpec = (figure) => specOf(figure);

  // The view of a figure, drawn now if it was not yet: for the downloads of its card.
  window.drawFigure = async (figure) => {
    if (!views.has(figure)) await (queue(figure) ?? draw(figure));
    return views.get(figure);
  };

  window.addEventListener("beforeprint", () => figures.forEach(queue));
})();
