import {
  areJidsSameUser,
  type BinaryNode,
  getBinaryNodeChild,
  jidDecode,
  type WASocket,
} from "@whiskeysockets/baileys";

/** What of a connection keeps the lists of devices. */
type ListKeeper = Pick<WASocket, "user" | "userDevicesCache">;

/**
 * Lets go of a list of devices that a stanza shows to be old, so that the next message asks for a new one. Baileys trusts
 * a list for five minutes and keeps one each for number and LID: a device that was linked meanwhile would get no answer,
 * even to what was asked from it.
 * @returns what looks at each stanza that comes in
 */
export function watchDevices(socket: ListKeeper): (node: BinaryNode) => Promise<void> {
  const forget = async (...jids: readonly (string | undefined)[]): Promise<void> => {
    for (const jid of jids) {
      const user = jid === undefined ? undefined : jidDecode(jid)?.user;
      if (user !== undefined) await socket.userDevicesCache.del(user);
    }
  };
  return async (node) => {
    const { tag, attrs } = node;
    const { from } = attrs;
    if (from === undefined) return;
    const isMine = areJidsSameUser(from, socket.user?.id) || areJidsSameUser(from, socket.user?.lid);
    const own = isMine ? [socket.user?.id, socket.user?.lid] : [];
    const both = [from, attrs.lid, attrs.sender_lid, attrs.sender_pn, ...own];
    if (tag === "message" && (await isNews(socket, from))) await forget(...both);
    // Of our own devices WhatsApp tells in a notification of another type.
    const isOfOwn = attrs.type === "account_sync" && getBinaryNodeChild(node, "devices") !== undefined;
    if (tag === "notification" && (attrs.type === "devices" || isOfOwn)) await forget(...both);
    // The server's hash of the devices that should have got it, where that is another one than the message's; or its error,
    // such as for a device that is gone.
    const isRefused = attrs.phash !== undefined || attrs.error !== undefined;
    if (tag === "ack" && isRefused) await forget(...both, socket.user?.id, socket.user?.lid);
  };
}

/** Whether a list is kept that doesn't have this device. */
async function isNews({ userDevicesCache }: ListKeeper, jid: string): Promise<boolean> {
  const { user, device = 0 } = jidDecode(jid) ?? {};
  if (user === undefined) return false;
  const listed = await userDevicesCache.get<readonly { readonly device?: number }[]>(user);
  return listed !== undefined && !listed.some((each) => (each.device ?? 0) === device);
}
