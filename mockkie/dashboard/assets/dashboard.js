// What of the dashboard happens in the browser: time that passes, news, copies, uploads, colours.
// Everything else is made on the server; htmx fetches it.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  // Colours: as the system, or as was chosen here. Before anything is painted.
  const themes = ["auto", "dark", "light"];
  const remembered = () => {
    try { return localStorage.getItem("mockkie-theme"); } catch { return null; }
  };
  const paint = (theme) => {
    root.dataset.theme = themes.includes(theme) ? theme : "auto";
    const words = { auto: "as the system", dark: "dark", light: "light" };
    const button = document.querySelector("[data-theme-toggle]");
    if (button) button.setAttribute("aria-label", `Colours: ${words[root.dataset.theme]}`);
  };
  paint(remembered());

  // Time: that of the world, which flows on from what the server said.
  const time = { at: 0, now: 0, frozen: false };
  const set = (now, frozen) => Object.assign(time, { at: performance.now(), now, frozen });
  const worldNow = () => time.frozen ? time.now : time.now + performance.now() - time.at;
  const units = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];
  const span = (milliseconds) => {
    const seconds = Math.floor(Math.abs(milliseconds) / 1000);
    for (const [size, name, below, smaller] of units) {
      if (seconds >= size) {
        const rest = Math.floor(seconds % size / below);
        return `${Math.floor(seconds / size)} ${name}` + (rest ? ` ${rest} ${smaller}` : "");
      }
    }
    return seconds ? `${seconds} s` : "now";
  };
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const tick = () => {
    const now = worldNow();
    const shown = new Date(now);
    if (!Number.isNaN(shown.getTime())) {
      const text = shown.toISOString().slice(0, -5).replace("T", " ");
      document.querySelectorAll("[data-clock]").forEach((element) => write(element, text));
    }
    document.querySelectorAll("[data-since]").forEach((element) => {
      const gone = now - Number(element.dataset.since);
      const away = span(gone);
      write(element, away === "now" ? away : away + (gone >= 0 ? " ago" : " ahead"));
    });
    let over = false;
    document.querySelectorAll("[data-expires]").forEach((element) => {
      const left = Number(element.dataset.expires) - now;
      write(element.querySelector("[data-left]"), left > 0 ? span(left) : "expired");
      element.querySelector("meter").value = Math.max(left, 0);
      if (left <= 0 && !element.classList.contains("over")) {
        element.classList.add("over");
        over = true;
      }
    });
    if (over) tell("files");
  };

  // News: a stream of what has changed; the parts of the page that show it fetch themselves anew.
  const tell = (what) => document.body.dispatchEvent(new CustomEvent(`mockkie:${what}`));
  let known = null, seen = 0, busy = false, source = null;
  const rowsOf = () => document.querySelector("[data-rows]");
  const follow = () => {
    source = new EventSource(document.body.dataset.events);
    source.onopen = () => live("on", "live");
    source.onerror = () => live("off", "not connected");
    source.addEventListener("dropped", () => {
      source.close();
      live("off", "world dropped");
    });
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      live("on", "live");
      set(state.instant, state.frozen);
      clockState(state);
      tick();
      if (known) {
        for (const what of ["files", "faults", "worlds", "clock"]) {
          if (known[what] !== state[what]) tell(what);
        }
      }
      known = state;
      entries();
    });
  };
  const live = (state, text) => {
    const shown = document.querySelector("[data-live-state]");
    shown.dataset.liveState = state;
    write(shown.querySelector("[data-live-text]"), text);
  };
  const clockState = (state) => {
    const pill = document.querySelector("[data-clock-state]");
    const moved = Math.abs(state.offset) >= 1;
    pill.dataset.kind = state.frozen ? "frozen" : moved ? "moved" : "real";
    write(pill, state.frozen ? "frozen"
      : moved ? (state.offset > 0 ? "+" : "−") + span(state.offset * 1000) : "real time");
  };
  const most = 300;
  const entries = async () => {
    const list = rowsOf();
    if (!list || list.dataset.live !== "true" || !known || busy) return;
    seen = Math.max(seen, Number(list.dataset.last));
    if (known.cleared && list.querySelector("li")) return tellAnew(list);
    const upto = known.journal, after = seen;
    if (upto <= after) return;
    busy = true;
    try {
      const url = new URL(list.dataset.rows, location.href);
      url.searchParams.set("after", after);
      url.searchParams.set("upto", upto);
      const answer = await fetch(url);
      if (!answer.ok || rowsOf() !== list) return;
      const body = list.querySelector("[data-entries]");
      const holder = document.createElement("template");
      holder.innerHTML = await answer.text();
      for (const row of [...holder.content.children].reverse()) {
        if (document.getElementById(row.id)) continue;
        row.classList.add("arrived");
        body.prepend(row);
        htmx.process(row);
      }
      seen = upto;
      list.dataset.last = upto;
      const count = list.querySelector("[data-count]");
      count.dataset.count = Number(count.dataset.count) + upto - after;
      write(count, Number(count.dataset.count).toLocaleString("en"));
      if (body.children.length) list.querySelector("[data-empty]")?.remove();
      while (body.children.length > most) body.lastElementChild.remove();
    } finally {
      busy = false;
    }
    if (known.journal > seen) entries();
  };
  const tellAnew = (list) => {
    list.dataset.live = "false";
    location.reload();
  };

  // Copies.
  const say = (text) => {
    const toast = document.querySelector("[data-toast]");
    write(toast, text);
    clearTimeout(say.timer);
    say.timer = setTimeout(() => write(toast, ""), 4000);
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      const box = document.createElement("textarea");
      box.value = text;
      box.className = "hidden";
      document.body.append(box);
      box.select();
      say(document.execCommand("copy") ? "Copied" : "The browser does not let this page copy");
      box.remove();
    }
  };

  // Uploads: by the API itself, with the key of the world, so that they are in its journal.
  const send = (form, file) => new Promise((done) => {
    const line = document.createElement("li");
    const name = document.createElement("span");
    const bar = document.createElement("progress");
    const said = document.createElement("span");
    name.textContent = file.name;
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Upload of ${file.name}`);
    said.className = "num";
    said.textContent = "0 %";
    line.append(name, bar, said);
    form.querySelector("[data-sending]").append(line);
    const body = new FormData();
    body.append("uploadPath", form.querySelector("[data-upload-path]").value);
    body.append("fileName", file.name);
    body.append("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", form.dataset.upload);
    if (form.dataset.value) request.setRequestHeader(form.dataset.header, form.dataset.value);
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return;
      bar.value = event.loaded / event.total;
      said.textContent = `${Math.floor(100 * bar.value)} %`;
      line.dataset.steps = Number(line.dataset.steps || 0) + 1;
    };
    request.onloadend = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* said below */ }
      const good = request.status === 200 && answer.success !== false;
      const why = request.getResponseHeader("x-mockkie-why") || answer.msg || "the connection broke";
      if (good) bar.value = 1;
      line.className = good ? "done" : "failed";
      said.textContent = good ? "uploaded" : `${request.status || "no answer"}: ${why}`;
      if (good) setTimeout(() => line.remove(), 6000);
      done();
    };
    request.send(body);
  });
  const sendAll = async (form, files) => {
    for (const file of files) await send(form, file);
  };

  const changed = (event) => {
    const element = event.target;
    if (element.matches("[data-switch]")) location.assign(element.value);
    else if (element.matches("[data-submit]")) element.form.requestSubmit();
    else if (element.matches("[data-upload-files]")) {
      sendAll(element.form, [...element.files]);
      element.value = "";
    } else if (element.matches("[data-way]")) takes(element);
  };
  const takes = (select) => {
    const text = select.selectedOptions[0].dataset.takes;
    const form = select.form;
    write(form.querySelector("[data-takes-text]"), text || "nothing: leave it empty");
  };
  const clicked = (event) => {
    const button = event.target.closest("button, summary, a");
    document.querySelectorAll(".confirm[open]").forEach((open) => {
      if (!open.contains(event.target)) open.open = false;
    });
    if (!button) return;
    if (button.dataset.copy !== undefined) copy(button.dataset.copy);
    else if (button.dataset.copyFrom) {
      copy(document.getElementById(button.dataset.copyFrom).textContent);
    } else if (button.matches("[data-theme-toggle]")) {
      const next = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
      try { localStorage.setItem("mockkie-theme", next); } catch { /* for this page only, then */ }
      paint(next);
      say(button.getAttribute("aria-label"));
    }
  };
  const dragging = (event) => {
    const form = document.querySelector("[data-upload]");
    if (!form || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop") sendAll(form, [...event.dataTransfer.files]);
  };
  // A line of a document that is linked to is in a list which is shut at first.
  const openTarget = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let above = target.closest("details"); above; above = above.parentElement.closest("details")) {
      above.open = true;
    }
    target.scrollIntoView({ block: "center" });
  };

  document.addEventListener("DOMContentLoaded", () => {
    const { now, frozen } = document.body.dataset;
    set(Number(now), frozen === "true");
    paint(remembered());
    const tab = document.querySelector(".tabs [aria-current]");
    if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.clientWidth / 2;
    const way = document.querySelector("[data-way]");
    if (way) takes(way);
    follow();
    tick();
    setInterval(tick, 250);
    openTarget();
    addEventListener("hashchange", openTarget);
    document.addEventListener("change", changed);
    document.addEventListener("click", clicked);
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      document.querySelectorAll(".confirm[open]").forEach((open) => {
        open.open = false;
        open.querySelector("summary").focus();
      });
    });
    for (const type of ["dragover", "dragleave", "drop"]) addEventListener(type, dragging);
    document.body.addEventListener("htmx:responseError", (event) => {
      let why = "";
      try { why = JSON.parse(event.detail.xhr.responseText).detail; } catch { /* no reason given */ }
      say(`The mock said no (${event.detail.xhr.status}) ${why}`);
    });
    document.body.addEventListener("htmx:afterSettle", () => { tick(); entries(); });
  });
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
