// A number of the text says where it comes from when it is clicked.
(() => {
  "use strict";
  let note = null;

  function close() {
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
    note.append("This number is ", part("code", `v.${value.dataset.name}`), ", computed from ");
    if (!origins.length) note.append("the parameters of the run.");
    origins.forEach((origin, index) => {
      note.append(index ? ", " : "", part("code", origin));
    });
    if (origins.length) {
      note.append(". Make it again: ", part("code", `dvc repro ${origins.join(" ")} && make paper`));
    }
    value.after(note);
  }

  document.addEventListener("click", (event) => {
    const value = event.target.closest(".value");
    if (value && note?.previousElementSibling !== value) open(value);
    else if (!event.target.closest(".value-note")) close();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
})();
