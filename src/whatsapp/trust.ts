import { Curve, WA_CERT_DETAILS } from "@whiskeysockets/baileys";
import { verify } from "curve25519-js";

/**
 * Makes Baileys listen to signatures.
 *
 * rc14's `Curve.verify` drops the boolean that libsignal returns and says yes to everything, so any server would pass
 * for WhatsApp. Baileys looks the function up on the exported object at each call, which lets us replace it with the
 * XEdDSA verification that libsignal itself uses.
 *
 * @param rootKey hex of the Noise root key to trust instead of WhatsApp's; the config allows it only with a loopback URL.
 */
export function trustOnlyWhatsApp(rootKey?: string): void {
  Curve.verify = (publicKey, message, signature) => {
    const key = publicKey.length === 33 ? publicKey.subarray(1) : publicKey;
    return key.length === 32 && signature.length === 64 && verify(key, message, signature);
  };
  if (rootKey !== undefined) WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, "hex");
}
