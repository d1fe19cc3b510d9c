import { proto } from "@whiskeysockets/baileys";

/** The message in a journal record's body: base64 of the protobuf with 1 to 16 bytes of padding, each its number. */
export function decode(body: string): proto.IMessage | undefined {
  const bytes = Buffer.from(body, "base64");
  const padding = bytes.at(-1) ?? 0;
  if (padding < 1 || padding > 16 || padding > bytes.length) return undefined;
  return attempt(bytes.subarray(0, bytes.length - padding), (unpadded) => proto.Message.decode(unpadded));
}

/** The body that {@link decode} makes this message of. */
export function encode(message: proto.IMessage): string {
  return Buffer.from(pad(proto.Message.encode(message).finish())).toString("base64");
}

/** Pads the bytes of a message with one byte, the least that there can be. */
export function pad(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.from([1])]);
}

/** Bytes from outside may be anything: what can't be read is nothing. */
export function attempt<T, R>(value: T, read: (value: T) => R): R | undefined {
  try {
    return read(value);
  } catch {
    return undefined;
  }
}
