import { type Lid, type Person, type Pn, personOf } from "../access/identity.js";
import { present } from "../present.js";
import { chunks, renderWhatsApp, say } from "../text.js";

import type { Parcel, WireContent } from "./types.js";

/** What a parcel is on the wire, in order: a long text is several messages, of which the first carries the quote. */
export function contentsOf(parcel: Parcel): readonly WireContent[] {
  switch (parcel.kind) {
    case "text": {
      const { quote, expiration } = parcel;
      return chunks(parcel.text).map((text, index) => ({
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

type Quote = NonNullable<Extract<WireContent, { kind: "text" }>["quote"]>;

/** Someone else's words go back out only with their links broken (I3). */
function defused(quote: Quote): Quote {
  return quote.fromMe ? quote : { ...quote, text: renderWhatsApp(say`${quote.text}`) };
}
