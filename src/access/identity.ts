/**
 * Who somebody is on WhatsApp: the only place that takes a JID apart (DESIGN 3).
 */
declare const brand: unique symbol;

/** A phone-number address in normal form, `<digits>@s.whatsapp.net`, without a device part. */
export type Pn = string & { readonly [brand]: "Pn" };

/** A LID address in normal form, `<digits>@lid`, without a device part. */
export type Lid = string & { readonly [brand]: "Lid" };

/** One person: one or both of WhatsApp's two addresses. At least one is present. */
export interface Person {
  readonly pn?: Pn;
  readonly lid?: Lid;
}

/** What a raw JID names. `device` is 0 for the phone itself. */
export type Address =
  | { readonly kind: "pn"; readonly pn: Pn; readonly device: number }
  | { readonly kind: "lid"; readonly lid: Lid; readonly device: number }
  | { readonly kind: "group" | "broadcast" | "status" | "newsletter" | "other"; readonly jid: string };
