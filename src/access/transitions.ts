/**
 * The state table of DESIGN 4, as data: what each action makes of a contact in each state, or why it doesn't.
 */
import type { Action, ContactState } from "./types.js";

/** What the table answers. */
export type Transition =
  | { readonly kind: "to"; readonly state: ContactState }
  /** It is so already. */
  | { readonly kind: "unchanged" }
  /** `approve` of the denied: they have to be removed from the denylist first. */
  | { readonly kind: "denied" }
  /** The action does not apply to this state. */
  | { readonly kind: "none" };

const to = (state: ContactState): Transition => ({ kind: "to", state });
const UNCHANGED: Transition = { kind: "unchanged" };
const DENIED: Transition = { kind: "denied" };
const NONE: Transition = { kind: "none" };

/** Actions whose result depends on the state alone; undo and merge depend on the record. */
export type TableAction = Exclude<Action, "undo" | "merge" | "identity">;

const TABLE: Readonly<Record<TableAction, Readonly<Record<ContactState, Transition>>>> = {
  enter: { stranger: to("pending"), pending: NONE, approved: NONE, denied: NONE },
  approve: { stranger: to("approved"), pending: to("approved"), approved: UNCHANGED, denied: DENIED },
  deny: { stranger: to("denied"), pending: to("denied"), approved: to("denied"), denied: UNCHANGED },
  remove: { stranger: UNCHANGED, pending: to("stranger"), approved: to("stranger"), denied: to("stranger") },
  expire: { stranger: NONE, pending: to("stranger"), approved: NONE, denied: NONE },
  // The number passed to someone else. A denial is not suspended: it stays on both addresses.
  suspend: { stranger: to("stranger"), pending: to("stranger"), approved: to("stranger"), denied: NONE },
};

/** What `action` makes of a contact in `state`. */
export function transition(state: ContactState, action: TableAction): Transition {
  return TABLE[action][state];
}

/**
 * The state after an action that the caller has found to apply.
 * @throws Error where the table refuses it: that is a mistake of ours, nobody else's
 */
export function stateAfter(state: ContactState, action: TableAction): ContactState {
  const result = transition(state, action);
  if (result.kind === "to") return result.state;
  if (result.kind === "unchanged") return state;
  throw new Error(`${action} does not apply to a contact that is ${state}`);
}

/** Decisions that a person took and can take back within the undo window. */
export function isUndoable(action: Action): boolean {
  return action === "approve" || action === "deny" || action === "remove";
}
