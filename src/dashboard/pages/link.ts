/** Linking the WhatsApp account: the live QR, the pairing code, and what to do when it hangs. */
import type { Router } from "express";
import qrcode from "qrcode";
import { formatNumber, phoneDigits } from "../../access/index.js";
import { KafclawError } from "../../errors.js";
import { AT_MACHINE } from "../problems.js";
import { trustedHtml } from "../views.js";
import { asked, type Desk, field } from "./desk.js";

export function linkPages(router: Router, desk: Desk): void {
  const { access, gateway, link } = desk.parts;

  router.get("/link", async (request, response) => {
    const { event } = link;
    const state = gateway.link();
    const me = gateway.me();
    const isOpen = state.code === "open";
    const isLinking = !isOpen && (event.event === "qr" || event.event === "pairing-code");
    desk.show(request, response, "link", "Link", {
      link: { ...state, ...looksOf(desk), isOpen, since: desk.time(state.since) },
      me: me && formatNumber(me),
      isLinking,
      qr: isLinking && event.event === "qr" ? trustedHtml(await qrcode.toString(event.data, QR)) : undefined,
      code: isLinking && event.event === "pairing-code" ? event.code.replace(/^(.{4})(.{4})$/, "$1-$2") : undefined,
      error: !isOpen && event.event === "error" ? onPages(event.message, "Begin to link") : undefined,
      phone: asked(request, "phone"),
      isWaiting: !isOpen && event.event === "connecting",
    });
  });

  router.post("/link", async (request, response) => {
    const phone = field(request, "phone");
    const replace = field(request, "replace") === "yes";
    if (replace && access.owner()?.setup === "self")
      return desk.answer(response, "/link", { ok: false, text: AT_MACHINE });
    try {
      await link.beginLinking({
        ...(phone === "" ? {} : { phone: phoneDigits(phone) }),
        ...(replace ? { replace } : {}),
      });
    } catch (error) {
      if (!(error instanceof KafclawError)) throw error;
      const refused = phone === "" ? "/link" : `/link?${new URLSearchParams({ phone })}`;
      return desk.answer(response, refused, { ok: false, text: onPages(error.message, "Begin to link") });
    }
    desk.answer(response, "/link", { ok: true, text: "Linking has begun." });
  });

  router.post("/link/cancel", async (_request, response) => {
    await link.cancelLinking();
    desk.answer(response, "/link", { ok: true, text: "Linking is stopped." });
  });

  router.post("/link/logout", async (_request, response) => {
    const left = await link.logout();
    const what = left === undefined ? "This device is unlinked" : "The session is forgotten";
    desk.answer(response, "/link", { ok: true, text: `${what}; contacts and settings are kept. ${left ?? ""}`.trim() });
  });
}

/** How the state of the link looks: good, bad, or under way. */
export function looksOf({ parts: { gateway, link } }: Desk): { look: string; mark: string } {
  const { code } = gateway.link();
  if (code === "open") return { look: "good", mark: "✓" };
  const isUnderWay = code === "connecting" || (code === "unlinked" && link.event.event !== "error");
  return isUnderWay && gateway.startedAt !== undefined ? { look: "waits", mark: "…" } : { look: "bad", mark: "!" };
}

/** What the link says, with the page's button where the machine has a command. */
export function onPages(text: string, button: string): string {
  return text
    .replace(/\b(R|r)un kafclaw whatsapp-auth(?! --)/g, (_, first) => `${first === "R" ? "P" : "p"}ress “${button}”`)
    .replace("try --phone <number> for a pairing code", "give the bot’s number for a pairing code");
}

const QR = { type: "svg", margin: 4, errorCorrectionLevel: "L" } as const;
