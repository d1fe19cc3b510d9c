// Makes the phones quick: forms are sent without a new page, and a reply is chosen where one stands. kafclaw.js keeps the
// page up to date. Without either of them every form and link works by itself.
"use strict";

const failed = document.querySelector(".failed");

function tellFailure(text) {
  failed.textContent = text;
  failed.hidden = text === "";
}

const composerOf = (phone) => document.querySelector(`#${phone} .composer`);

/** Shows what is answered above the box; without an id nothing is. */
function setReply(composer, id = "", short = "") {
  composer.elements.quote.value = id;
  const banner = composer.querySelector(".replying");
  banner.querySelector("q").textContent = short;
  banner.hidden = id === "";
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const isMessage = form.matches(".composer");
  const { text } = form.elements;
  const written = text?.value;
  try {
    const address = event.submitter?.hasAttribute("formaction") ? event.submitter.formAction : form.action;
    const response = await fetch(address, { method: "POST", body, headers: { "x-demo": "1" } });
    tellFailure(response.ok ? "" : await response.text());
    if (!response.ok || !isMessage) return;
    if (text.value === written) text.value = "";
    setReply(form);
  } catch {
    tellFailure("The demo does not answer any more. If it has ended, start it again (make demo) and open its new address.");
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-reply], [data-cancel], [data-fill]");
  if (!link) return;
  event.preventDefault();
  if (link.dataset.fill) {
    const { text } = composerOf(link.dataset.fill).elements;
    text.value = link.dataset.text;
    document.getElementById(link.dataset.fill).scrollIntoView({ block: "nearest" });
    return text.focus();
  }
  const composer = link.closest(".phone").querySelector(".composer");
  setReply(composer, link.dataset.reply, link.dataset.short);
  composer.elements.text.focus();
});

document.addEventListener("keydown", (event) => {
  const composer = event.target.closest(".composer");
  if (composer && event.key === "Escape" && !event.isComposing) setReply(composer);
});

// Each chat stays at its end, unless somebody has scrolled up in it.
for (const chat of document.querySelectorAll(".chat")) {
  let isAtEnd = true;
  const follow = () => {
    if (isAtEnd) chat.scrollTop = chat.scrollHeight;
  };
  chat.addEventListener("scroll", () => {
    isAtEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 40;
  });
  new MutationObserver(follow).observe(chat, { childList: true, subtree: true });
  follow();
}
