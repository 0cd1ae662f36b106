"use strict";
// Everything works without this. It fetches news, and makes the keyboard quicker.
(() => {
  const ROWS_MAX = 200, BEAT = 1000, SLOW = 5000;
  const table = document.querySelector("table[data-rows]");
  const state = document.getElementById("live-state");
  const announce = document.getElementById("announce");
  const pause = document.querySelector("[data-pause]");
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");
  let paused = false, failures = 0, said = 0;

  const show = (word, kind) => {
    if (!state) return;
    state.querySelector("[data-live-word]").textContent = word;
    state.className = "live-state " + kind;
  };
  const get = async (address) => {
    const reply = await fetch(address, { cache: "no-store", credentials: "same-origin", redirect: "error" });
    if (reply.status === 401) { location.reload(); throw new Error("logged out"); }
    if (!reply.ok) throw new Error(String(reply.status));
    return parse(await reply.text());
  };

  const news = async () => {
    const query = table.dataset.rows || "?";
    const page = await get("/rows" + query + (query.length > 1 ? "&" : "") + "after=" + table.dataset.seq);
    const body = page.querySelector("tbody");
    if (!body) return;
    table.dataset.seq = body.dataset.seq;
    const known = new Set(Array.from(table.tBodies[0].rows, (row) => row.dataset.id));
    const fresh = Array.from(body.rows).filter((row) => !known.has(row.dataset.id));
    if (!fresh.length) return;
    for (const row of fresh.reverse()) {
      row.classList.add("fresh");
      table.tBodies[0].prepend(document.adoptNode(row));
    }
    while (table.tBodies[0].rows.length > ROWS_MAX) table.tBodies[0].lastElementChild.remove();
    document.querySelector("[data-empty]")?.remove();
    const refused = fresh.filter((row) => ["denied", "steered"].includes(row.dataset.verdict)).length;
    if (Date.now() - said > SLOW) {
      said = Date.now();
      announce.textContent = fresh.length + " new, " + refused + " refused";
    }
  };
  // Sections that are told anew as a whole, and swapped only where they changed and nobody is in them.
  const sections = async () => {
    const old = Array.from(document.querySelectorAll("[data-live]"));
    if (!old.length) return;
    const page = await get(location.pathname + location.search);
    for (const section of old) {
      const now = page.querySelector('[data-live="' + section.dataset.live + '"]');
      if (now && now.innerHTML !== section.innerHTML && !section.contains(document.activeElement)) section.replaceWith(document.adoptNode(now));
    }
  };
  const every = (wait, work) => {
    const turn = async () => {
      if (!paused && !document.hidden) {
        try { await work(); failures = 0; show("live", ""); }
        catch (why) { failures += 1; if (failures > 2) show("no answer; trying again", "lost"); }
      }
      setTimeout(turn, wait * Math.min(1 + failures, 10));
    };
    setTimeout(turn, wait);
  };
  if (table) every(BEAT, news);
  if (document.querySelector("[data-live]")) every(SLOW, sections);
  const toggle = () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    show(paused ? "paused" : "live", paused ? "paused" : "");
  };
  if (pause) { pause.hidden = !table; pause.addEventListener("click", toggle); }

  document.addEventListener("click", (event) => {
    const row = event.target.closest(".exchanges tbody tr");
    if (!row || event.target.closest("a, button") || String(getSelection())) return;
    row.querySelector("a").click();
  });
  document.querySelector(".filters")?.addEventListener("change", (event) => {
    if (event.target.matches("select")) event.currentTarget.requestSubmit();
  });
  // What is empty is not said, so that addresses stay short.
  document.querySelector(".filters")?.addEventListener("formdata", (event) => {
    for (const [name, value] of Array.from(event.formData)) if (!value) event.formData.delete(name);
  });

  // On the map, what belongs to one name stands out while it is looked at.
  const pick = (event, on) => {
    const end = event.target.closest?.(".map a")?.dataset.end;
    const map = event.target.closest?.(".map");
    if (!map) return;
    map.classList.toggle("picked", on && end !== undefined);
    for (const edge of map.querySelectorAll(".edge")) edge.classList.toggle("picked", on && edge.dataset.ends.split("\n").includes(end));
  };
  for (const [kind, on] of [["mouseover", true], ["focusin", true], ["mouseout", false], ["focusout", false]]) document.addEventListener(kind, (event) => pick(event, on));

  const rows = () => Array.from(document.querySelectorAll(".exchanges tbody tr, .cards tbody tr")).filter((row) => row.querySelector("a"));
  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.classList.contains("at"));
    const next = all[Math.max(0, Math.min(all.length - 1, now < 0 ? 0 : now + by))];
    for (const row of all) row.classList.remove("at");
    next.classList.add("at");
    next.querySelector("a").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && typing) { event.target.blur(); return; }
    if (typing) return;
    if (event.key === "/") {
      const field = document.getElementById("filter");
      event.preventDefault();
      if (field) { field.focus(); field.select(); } else location.href = "/";
    } else if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      move(event.key === "j" ? 1 : -1);
    } else if (event.key === "p" && pause && table) toggle();
  });
})();
