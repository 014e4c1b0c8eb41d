// The preview's frame: light or dark, the menu on a phone, the section being read.
(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const theme = document.getElementById("theme-toggle");
  const menu = document.getElementById("menu-toggle");

  theme.addEventListener("click", () => {
    const dark = !document.body.classList.contains("quarto-dark");
    document.body.classList.toggle("quarto-dark", dark);
    document.body.classList.toggle("quarto-light", !dark);
    try {
      localStorage.setItem("quarto-color-scheme", dark ? "alternate" : "default");
    } catch {
      // A page from disk may have no storage: the choice then lasts for this page.
    }
  });

  menu.addEventListener("click", () => {
    const open = document.body.classList.toggle("menu-open");
    menu.setAttribute("aria-expanded", String(open));
  });
  document.querySelectorAll("#TOC a").forEach((link) => {
    link.addEventListener("click", () => document.body.classList.remove("menu-open"));
  });

  const links = new Map(
    [...document.querySelectorAll("#TOC a")].map((link) => [link.hash.slice(1), link]),
  );
  const spy = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        links.forEach((link) => link.classList.remove("active"));
        links.get(entry.target.id)?.classList.add("active");
      }
    },
    { rootMargin: "-10% 0px -80% 0px" },
  );
  links.forEach((_, id) => {
    const section = document.getElementById(decodeURIComponent(id));
    if (section) spy.observe(section);
  });
})();
