import { type Lid, type Person, type Pn, personOf } from "../../access/identity.js";
import { present } from "../../present.js";
import { CHUNK_LENGTH, chunks, FENCE, renderWhatsApp, say } from "../../text.js";
import type { Parcel, WireContent } from "../types.js";

/** What a parcel is on the wire, in order: a long text is several messages, of which the first carries the quote. */
export function contentsOf(parcel: Parcel): readonly WireContent[] {
  switch (parcel.kind) {
    case "text": {
      const { quote, expiration } = parcel;
      return fenced(parcel.text).map((text, index) => ({
        kind: "text",
        text,
        ...(quote && index === 0 ? { quote: defused(quote) } : {}),
        ...present({ expiration }),
      }));
    }
    case "media": {
      const { to: _to, address: _address, key: _key, ...content } = parcel;
      return [content];
    }
    case "reaction":
      return [{ kind: "reaction", emoji: parcel.emoji, target: parcel.target }];
    case "delete":
      return [{ kind: "delete", target: parcel.target }];
  }
}

/** A person with the address that a parcel names, unless it contradicts what is known of them. */
export function withAddress(to: Person, address: Pn | Lid | undefined): Person {
  return address === undefined ? to : { ...personOf(address), ...to };
}

/** What opens code anew at the beginning of a message, and what closes it at the end. */
const OPENED = `${FENCE}\n`;
const CLOSED = `\n${FENCE}`;

/** The messages of a text. Code that is cut between two is closed in the one and opened anew in the other. */
function fenced(text: string): readonly string[] {
  const room = text.includes(FENCE) ? OPENED.length + CLOSED.length : 0;
  const texts = chunks(text, CHUNK_LENGTH - room);
  let isOpen = false;
  return texts.flatMap((text, index) => {
    // What closes code right behind a cut has closed it before the cut.
    const closes = isOpen && text.startsWith(FENCE);
    const begin = isOpen && !closes ? OPENED : "";
    const shown = closes ? text.slice(FENCE.length).trimStart() : text;
    const isEven = text.split(FENCE).length % 2 === 1;
    // What is never closed is no code.
    isOpen = isEven === isOpen && texts.slice(index + 1).some((later) => later.includes(FENCE));
    return shown === "" ? [] : `${begin}${shown}${isOpen ? CLOSED : ""}`;
  });
}

type Quote = NonNullable<Extract<WireContent, { kind: "text" }>["quote"]>;

/** Someone else's words go back out only with their links broken (I3). */
function defused(quote: Quote): Quote {
  return quote.fromMe ? quote : { ...quote, text: renderWhatsApp(say`${quote.text}`) };
}
