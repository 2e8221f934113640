// Keeps a page fresh. When the server says that it is old, the page is fetched again and its live parts are exchanged, so
// that there is one way only to draw it. Without this file everything works; one has to reload.
"use strict";

(() => {
  const address = document.body.dataset.events;
  const state = document.getElementById("live-state");
  const news = document.getElementById("news");
  let busy = false;
  let again = false;

  // Chromium's own fields forget nothing, but a part in which somebody writes must not be exchanged.
  const isInUse = (part) =>
    (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) ||
    Array.from(part.querySelectorAll("input:not([type=hidden]), textarea")).some(
      (field) => field.value !== field.defaultValue,
    );

  const openDetails = (part) =>
    Array.from(part.querySelectorAll("details")).map((details) => details.open);

  const exchange = (old, fresh) => {
    if (old.innerHTML === fresh.innerHTML || isInUse(old)) return;
    const opened = openDetails(old);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focused && Array.from(old.querySelectorAll("a, button, summary, [tabindex]")).indexOf(focused);
    old.innerHTML = fresh.innerHTML;
    old.querySelectorAll("details").forEach((details, at) => {
      if (at < opened.length) details.open = opened[at];
    });
    if (focused) {
      const candidates = old.querySelectorAll("a, button, summary, [tabindex]");
      if (candidates[place]) candidates[place].focus({ preventScroll: true });
    }
  };

  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        document.querySelectorAll("[data-live]").forEach((old) => {
          const part = fresh.getElementById(old.id);
          if (part) exchange(old, part);
        });
      }
    } catch {
      // The next piece of news tries again.
    } finally {
      busy = false;
    }
    if (again) {
      again = false;
      refresh();
    }
  };

  const show = (name, text) => {
    if (!state) return;
    state.hidden = false;
    state.dataset.state = name;
    state.textContent = text;
  };

  if (address && "EventSource" in window) {
    const events = new EventSource(address);
    let ended = false;
    events.addEventListener("open", () => show("on", "Live"));
    events.addEventListener("error", () => {
      if (ended) events.close();
      else if (events.readyState === EventSource.CLOSED) show("off", "Not live: reload");
      else show("off", "Reconnecting");
    });
    events.addEventListener("changed", (event) => {
      if (event.data !== "." && news) news.textContent = event.data;
      refresh();
    });
    events.addEventListener("end", () => {
      ended = true;
      events.close();
      show("off", "Ended");
      refresh();
    });
  }

  // What is copied often is copied with one click.
  if (navigator.clipboard) document.documentElement.classList.add("copies");
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      if (news) news.textContent = `Copied ${button.dataset.copy}`;
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    } catch {
      button.textContent = "Not copied";
    }
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent === "yes") event.preventDefault();
    else if (form.method === "post") form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });
})();
