// A number of the text says where it comes from when it is clicked.
(() => {
  "use strict";
  let note = null;

  function close() {
    note?.previousElementSibling?.setAttribute("aria-expanded", "false");
    note?.remove();
    note = null;
  }

  function part(tag, text) {
    return Object.assign(document.createElement(tag), { textContent: text });
  }

  function open(value) {
    close();
    note = Object.assign(document.createElement("span"), { className: "value-note" });
    note.setAttribute("role", "note");
    const origins = value.dataset.from?.split(" ") ?? [];
    const { name, by } = value.dataset;
    const file = (origin) => (origin === "claims" ? "claims.json" : `${origin.replace("@", "/")}/`);
    note.append("This number is ", part("code", `v.${name}`), ", computed by ", part("code", by));
    note.append(origins.length ? " from " : " from the parameters.");
    const record = origins.find((origin) => origin.startsWith("data/"));
    origins.forEach((origin, index) => {
      const path = origin === record ? origin : `${value.dataset.in}/${file(origin)}`;
      note.append(index ? ", " : "", part("code", path));
    });
    if (record) {
      note.append(", a record of speed: it belongs to the machine that it names.");
    } else if (origins.length) {
      note.append(". Make it again: ", part("code", `dvc repro ${origins.join(" ")} && make paper`));
    }
    value.setAttribute("aria-expanded", "true");
    value.after(note);
  }

  // Where the number is no part of a link, the keyboard reaches it too.
  for (const value of document.querySelectorAll("main .value")) {
    if (value.closest("a, button, summary")) continue;
    value.tabIndex = 0;
    value.setAttribute("role", "button");
    value.setAttribute("aria-expanded", "false");
  }

  document.addEventListener("click", (event) => {
    const value = event.target.closest(".value");
    if (value && note?.previousElementSibling !== value) open(value);
    else if (!event.target.closest(".value-note")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (!["Enter", " "].includes(event.key) || !event.target.matches(".value")) return;
    event.preventDefault();
    event.target.click();
  });
})();
