import { expect, it } from "vitest";
import { createActivity } from "../src/activity.js";
import type { OutboxDoc, RunningOutbox } from "../src/whatsapp/outbox/index.js";
import { ALICE, MemoryCollection, OWNER, Rig, text } from "./whatsapp/outbox/rig.js";

/** What the dashboard shows of what went out. */
function shown(rig: Rig, outbox: RunningOutbox) {
  const activity = createActivity({
    access: { find: () => undefined, owner: () => undefined },
    journal: { get: async () => undefined, handledSince: () => [] },
    outbox,
    mask: (text) => text,
    isAdmin: (to) => to.pn === rig.owner?.pn,
  });
  return activity.outgoing().map((posted) => posted.inWords());
}

it("what was said in the admin chat is not shown, though the owner was locked or is somebody else since", async () => {
  const rig = new Rig();
  const outbox = await rig.start();
  await outbox.post(text(OWNER, "Alice wrote: a secret"));
  await outbox.post(text(ALICE, "hello"));
  for (const owner of [OWNER, undefined, ALICE]) {
    rig.owner = owner;
    expect(shown(rig, outbox).find(({ to }) => to === "+1 555 000 1000")).toMatchObject({
      name: "admin chat",
      what: "",
    });
  }
  rig.owner = undefined;
  expect(
    shown(rig, await rig.start())
      .map(({ what }) => what)
      .sort(),
  ).toEqual(["", "hello"]);
});

it("the words of a message of an earlier version are not shown, which did not say whether it was for the admin chat", async () => {
  const collection = new MemoryCollection();
  const rig = new Rig(collection);
  await (await rig.start()).post(text(OWNER, "a secret"));
  for (const [id, { toAdmin: _, ...doc }] of collection.docs) collection.docs.set(id, doc satisfies OutboxDoc);
  rig.owner = undefined;
  expect(shown(rig, await rig.start())).toMatchObject([{ to: "+1 555 000 1000", what: "" }]);
});
