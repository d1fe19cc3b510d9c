import { beforeAll, expect, it, onTestFinished } from "vitest";
import { Quiet } from "../../src/simulator/quiet.js";
import { type Sealed, SignalDevice } from "../../src/simulator/signal.js";
import { keepSessionsApart } from "../../src/whatsapp/ratchet.js";

beforeAll(() => keepSessionsApart());

it("a message that crossed with a new session is read, and what is sent in the new one after it as well", async () => {
  const quiet = new Quiet();
  onTestFinished(() => quiet.close());
  const [alice, bob] = [new SignalDevice(quiet), new SignalDevice(quiet)];
  const [toAlice, toBob] = [1, 2].map((serial) => ({ account: { serial }, device: 0 })) as [Peer, Peer];
  const received = ({ type, ciphertext }: Sealed): Sealed => ({ type, ciphertext: Buffer.from(ciphertext) });
  const text = (words: string) => Buffer.from(words);
  const aliceSays = (words: string): Promise<Sealed> => alice.encrypt(toBob, text(words), () => bob.bundle());
  const bobSays = (words: string): Promise<Sealed> => bob.encrypt(toAlice, text(words), () => alice.bundle());
  const aliceReads = async (sealed: Sealed) => Buffer.from(await alice.decrypt(toBob, received(sealed))).toString();
  const bobReads = async (sealed: Sealed) => Buffer.from(await bob.decrypt(toAlice, received(sealed))).toString();

  expect(await bobReads(await aliceSays("one"))).toBe("one");
  expect(await aliceReads(await bobSays("two"))).toBe("two");

  const crossing = await aliceSays("crossing");
  await bob.restart(toAlice, alice.bundle());
  const anew = await bobSays("anew");
  expect(await bobReads(crossing)).toBe("crossing");
  expect(await aliceReads(anew)).toBe("anew");
  expect(await bobReads(await aliceSays("after"))).toBe("after");
  expect(await aliceReads(await bobSays("and back"))).toBe("and back");
});

type Peer = Parameters<SignalDevice["encrypt"]>[0];
