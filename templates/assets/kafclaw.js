// Keeps an open page live: when the gateway says that something changed, the page is fetched anew and only what differs is
// replaced. Whatever is focused, half-typed or opened stays as it is. Without this script every page works by itself.
"use strict";

/** Elements in one place of the old and the new page belong together by their key. */
const keyOf = (element) => element.dataset.key;

/** Carries what was typed or chosen over to the new fields. */
function carry(old, fresh) {
  for (const field of old.querySelectorAll("input:not([type=hidden]), textarea, select")) {
    const twin = field.id && fresh.querySelector(`#${CSS.escape(field.id)}`);
    if (!twin) continue;
    if (field.type === "checkbox" || field.type === "radio") twin.checked = field.checked;
    else twin.value = field.value;
  }
}

/** What is opened stays open, and is no difference. */
function keepOpen(old, fresh) {
  for (const part of old.querySelectorAll("details[id]")) {
    const twin = fresh.querySelector(`#${CSS.escape(part.id)}`);
    if (twin) twin.open = part.open;
  }
}

/** How the focused element is found again after its surroundings were replaced. */
function focusIn(element) {
  const active = document.activeElement;
  if (!active || !element.contains(active)) return undefined;
  const label = active.getAttribute("aria-label");
  return (fresh) => {
    const alike = [...fresh.querySelectorAll("a, button, input, select, summary")].filter(
      (other) =>
        other.tagName === active.tagName &&
        other.getAttribute("aria-label") === label &&
        other.getAttribute("href") === active.getAttribute("href"),
    );
    return (
      (active.id && document.getElementById(active.id)) ||
      alike.find((other) => other.value === active.value) ||
      // A switch has the opposite value now.
      (active.name ? alike.find((other) => other.name === active.name) : undefined)
    );
  };
}

/** Where focus goes whose element went: to no other button, which might do something to somebody else. */
function focusHeading(region) {
  const place = document.querySelector(`[data-live="${CSS.escape(region.dataset.live)}"]`);
  const heading = place?.closest("section")?.querySelector("h2:not(.sr)") ?? document.querySelector("h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function replace(old, fresh) {
  const refocus = focusIn(old);
  const taken = document.importNode(fresh, true);
  carry(old, taken);
  old.replaceWith(taken);
  refocus?.(taken)?.focus({ preventScroll: true });
}

/** The names of people who have come to a list since the last announcement. */
let arrived = [];
const announcer = document.createElement("p");
announcer.className = "sr";
announcer.setAttribute("aria-live", "polite");
document.body.append(announcer);

/** Tells those who don't see the list grow. */
function announce() {
  if (arrived.length > 0) announcer.textContent = `New in the list: ${arrived.join(", ")}`;
  arrived = [];
}

/** Keyed lists change entry by entry; everything else as a whole. */
function update(old, fresh) {
  keepOpen(old, fresh);
  if (old.outerHTML === fresh.outerHTML) return;
  const entries = [...fresh.children];
  if (![...entries, ...old.children].some(keyOf)) return replace(old, fresh);
  const keys = new Set(entries.map(keyOf));
  for (const entry of [...old.children]) if (!keyOf(entry) || !keys.has(keyOf(entry))) entry.remove();
  const known = new Map([...old.children].map((entry) => [keyOf(entry), entry]));
  let place = old.firstElementChild;
  for (const entry of entries) {
    const same = known.get(keyOf(entry));
    if (!same) {
      old.insertBefore(document.importNode(entry, true), place);
      if (entry.matches(".person")) arrived.push(entry.querySelector(".name").textContent);
      continue;
    }
    if (same === place) place = place.nextElementSibling;
    else old.insertBefore(same, place);
    if (same.outerHTML !== entry.outerHTML) replace(same, entry);
  }
}

// What a page shows under a pointer that has just clicked, or moves there by itself, was not aimed at: its buttons rest
// until a person can have seen it.
const PRESSED_AT_ONCE = ".decide button:not([value=deny], [value=block]), .undo button, .silent button:not([value=on])";
const REST_MS = 600;
let wake;

/** What pressing a button would do, and where it stands. */
function standing() {
  const buttons = [...document.querySelectorAll(PRESSED_AT_ONCE)];
  return buttons.map((button) => {
    const { x, y } = button.getBoundingClientRect();
    const does = button.form.action + new URLSearchParams(new FormData(button.form, button));
    return { button, does, at: `${x} ${y}` };
  });
}

/** Until when what does this rests, on the clock of the page. */
let rests = new Map();

/** Lets the buttons rest that do something else, or stand elsewhere, than before; those that rested before go on. */
function rest(before) {
  const until = performance.now() + REST_MS;
  rests = new Map(standing().map(({ does, at }) => [does, before.get(does) === at ? (rests.get(does) ?? 0) : until]));
  showRests();
}

function showRests() {
  clearTimeout(wake);
  const now = performance.now();
  let next = Number.POSITIVE_INFINITY;
  for (const { button, does } of standing()) {
    const left = (rests.get(does) ?? 0) - now;
    if (left > 0) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
    if (left > 0) next = Math.min(next, left);
  }
  if (next < Number.POSITIVE_INFINITY) wake = setTimeout(showRests, Math.ceil(next));
}

/** Changes the page, and lets the buttons rest that it moved. */
function change(work) {
  const before = new Map(standing().map(({ does, at }) => [does, at]));
  // What is compared with the new page has no such marks.
  for (const button of document.querySelectorAll(PRESSED_AT_ONCE)) button.removeAttribute("aria-disabled");
  work();
  rest(before);
}

document.addEventListener(
  "click",
  (event) => {
    // A key presses what has the focus, wherever that stands: it is no click, and counts none.
    if (event.detail > 0 && event.target.closest("[aria-disabled=true]")) event.preventDefault();
  },
  true,
);
if (document.querySelector("main > .said")) rest(new Map());

// Pages that are served under another path say where their events are, and who sends them.
const { live: events = "/live", server = "The gateway" } = document.currentScript?.dataset ?? {};
// What a proxy answers in the place of a gateway that is gone.
const PROXY_SAYS = [502, 503, 504];
let asOf = new Date();

/** Says that what the page shows may be over, for as long as nobody answers. */
function showAway(isAway) {
  const shown = document.querySelector(".away");
  if (!isAway) {
    asOf = new Date();
    return shown?.remove();
  }
  if (shown) return;
  const time = asOf.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const line = document.createElement("p");
  line.className = "away";
  line.setAttribute("role", "alert");
  line.textContent = `${server} doesn’t answer; this page is as of ${time}.`;
  document.body.append(line);
}

// A form that was sent brings another page: to load this one anew, as when it signs out, would overtake that.
let isLeaving = false;
addEventListener("submit", (event) => {
  isLeaving = !event.defaultPrevented;
});
addEventListener("pageshow", () => {
  isLeaving = false;
});

let isFetching = false;
let isStale = false;

async function refresh() {
  isStale = true;
  if (isFetching) return;
  isFetching = true;
  while (isStale) {
    isStale = false;
    const text = await fetchPage();
    if (text !== undefined) show(new DOMParser().parseFromString(text, "text/html"));
  }
  isFetching = false;
}

/** The page as it is now; undefined where there is none. */
async function fetchPage() {
  try {
    const response = await fetch(location.href, { headers: { "x-live": "1" } });
    if (PROXY_SAYS.includes(response.status)) throw new Error("nobody is behind the proxy");
    if (isLeaving) return;
    if (response.redirected) return void location.reload();
    const text = response.ok ? await response.text() : undefined;
    showAway(false);
    return text;
  } catch {
    // The event source comes back by itself, and tells. While it stands, it is the page that goes.
    if (source?.readyState !== EventSource.OPEN) showAway(true);
  }
}

function show(fresh) {
  const left = document.activeElement?.closest("[data-live]");
  change(() => {
    for (const old of document.querySelectorAll("[data-live]")) {
      const name = CSS.escape(old.dataset.live);
      const counterpart = fresh.querySelector(`[data-live="${name}"]`);
      if (counterpart) update(old, counterpart);
    }
  });
  announce();
  if (left && document.activeElement === document.body) focusHeading(left);
  document.documentElement.dataset.fresh = String(Number(document.documentElement.dataset.fresh ?? 0) + 1);
}

const WATCH_AGAIN_MS = 10_000;
let source;
let again;

/** Only while somebody looks: a browser opens six connections to one place at most, those of all its tabs together. */
function watch() {
  clearTimeout(again);
  source?.close();
  if (document.visibilityState !== "visible") return;
  source = new EventSource(events);
  source.addEventListener("change", refresh);
  source.addEventListener("error", () => {
    // No events just now: the gateway is away, or this browser is signed out, as after a restart; the page itself will say.
    refresh();
    // Closed for good, as when too many watch already.
    if (source.readyState === EventSource.CLOSED) again = setTimeout(watch, WATCH_AGAIN_MS);
  });
}

document.addEventListener("visibilitychange", watch);
watch();
