/** Every static setting: what it takes, its default, and what it is for. README's table is made from this. */
import { z } from "zod";

/** One setting. */
export class Setting<T> {
  constructor(
    /** Turns what was read (JSON, or text from the environment made a value by {@link fromText}) into the value. */
    readonly schema: z.ZodType<T>,
    readonly about: {
      readonly default: T | (() => T);
      /** The default in words, where the value itself says too little. */
      readonly defaultText?: string;
      /** What it takes, to follow "takes". */
      readonly takes: string;
      /** What it is for: one line. */
      readonly what: string;
      /** How the text of an environment variable becomes a value. */
      readonly kind: "text" | "number" | "boolean";
      /** Whether an empty environment variable is a value; else it is as none. */
      readonly empty?: true;
      /** Never shown. */
      readonly secret?: boolean;
    },
  ) {}

  get default(): T {
    const { default: value } = this.about;
    // No setting's value is a function, so a function is the one that makes the default.
    return typeof value === "function" ? (value as () => T)() : value;
  }
}

/**
 * Hours in which notices wait: minutes after midnight in the owner's time zone. `from` may be after `to`, which is not quiet
 * any more.
 */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
}

const DEFAULT_GREETING = "Hello! You're in: write to me here whenever you like.";

const timezone = z.string().refine((name) => {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
});

const quietHours = z.union([
  z.literal("").transform(() => undefined),
  z
    .string()
    .regex(/^([01]?\d|2[0-3]):[0-5]\d\s*[-–]\s*([01]?\d|2[0-3]):[0-5]\d$/)
    .transform((text): QuietHours => {
      const [from = 0, to = 0] = text.split(/[-–]/).map((time) => {
        const [hours = 0, minutes = 0] = time.trim().split(":").map(Number);
        return hours * 60 + minutes;
      });
      return { from, to };
    })
    .refine(({ from, to }) => from !== to),
]);

/** Ports that browsers, and fetch, refuse to go to: https://fetch.spec.whatwg.org/#port-blocking. */
const BLOCKED_PORTS = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

const httpsUrl = z
  .string()
  .refine((text) => {
    const url = urlOf(text);
    const isPlain = url?.username === "" && url.search === "" && url.hash === "" && url.pathname === "/";
    return isPlain && url.protocol === "https:";
  })
  .transform((text) => text.replace(/\/+$/, ""));

const httpUrl = z
  .string()
  .refine((text) => {
    const url = urlOf(text);
    const isHttp = url?.protocol === "https:" || url?.protocol === "http:";
    return isHttp && url.username === "" && url.search === "" && url.hash === "";
  })
  .transform((text) => text.replace(/\/+$/, ""));

const webSocketUrl = z.string().refine((text) => ["ws:", "wss:"].includes(urlOf(text)?.protocol ?? ""));

/** One emoji as people see it, with its skin tone, or joined of several. */
const ONE_EMOJI = /^\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\uFE0F|\u200D\p{Extended_Pictographic})*$/u;

/** An absent value, for settings without default: "" in `config.json`. */
const absent = z.literal("").transform(() => undefined);

/** The settings, nested as in `config.json`. */
export const settings = {
  timezone: new Setting(timezone, {
    kind: "text",
    default: systemTimezone,
    defaultText: "the system's",
    takes: 'an IANA time zone like "Europe/Berlin"',
    what: "The owner's time zone: times in notices, quiet hours.",
  }),
  texts: {
    greeting: new Setting(z.string().max(1000), {
      kind: "text",
      empty: true,
      default: DEFAULT_GREETING,
      takes: 'a text of up to 1000 characters, "" for none',
      what: "What a newly approved buddy is greeted with.",
    }),
  },
  dashboard: {
    host: new Setting(z.union([z.ipv4(), z.ipv6(), z.literal("localhost")]), {
      kind: "text",
      default: "127.0.0.1",
      takes: "an IP address of this machine; beyond loopback only with dashboard.accessToken",
      what: "Where the dashboard listens.",
    }),
    port: new Setting(
      z
        .int()
        .min(0)
        .max(65535)
        .refine((port) => !BLOCKED_PORTS.has(port)),
      {
        kind: "number",
        default: 18791,
        takes: "a whole number from 0 to 65535 that browsers go to, 0 for any free port",
        what: "The port of dashboard and local API.",
      },
    ),
    publicUrl: new Setting(z.union([absent, httpsUrl]), {
      kind: "text",
      default: undefined,
      takes: 'an https:// URL without a path, like "https://bot.example.org"',
      what: "The address under which the dashboard is reached from elsewhere; login links are built on it.",
    }),
    accessToken: new Setting(
      z.union([
        absent,
        z
          .string()
          .min(16)
          .regex(/^[\x21-\x7e]+$/),
      ]),
      {
        kind: "text",
        default: undefined,
        takes: "16 or more letters, digits and signs without spaces",
        what: "A fixed access token for signing in; without it, one is made at each start.",
        secret: true,
      },
    ),
  },
  whatsapp: {
    url: new Setting(z.union([absent, webSocketUrl]), {
      kind: "text",
      default: undefined,
      defaultText: "WhatsApp's own",
      takes: "a ws:// or wss:// URL",
      what: "Another server instead of WhatsApp's, for tests.",
    }),
    rootKey: new Setting(
      z.union([
        absent,
        z
          .string()
          .regex(/^[0-9a-f]{64}$/i)
          .toLowerCase(),
      ]),
      {
        kind: "text",
        default: undefined,
        defaultText: "WhatsApp's own",
        takes: "64 hex digits, together with a whatsapp.url on this machine",
        what: "The Noise root key to trust instead of WhatsApp's, for tests.",
      },
    ),
  },
  pairing: {
    open: new Setting(z.boolean(), {
      kind: "boolean",
      default: false,
      takes: "true or false",
      what: "While no pairing token is set, whether anybody who writes becomes pending.",
    }),
    expireDays: new Setting(z.int().min(1).max(365), {
      kind: "number",
      default: 7,
      takes: "a whole number from 1 to 365",
      what: "After how many days a pending sender is forgotten.",
    }),
  },
  approve: {
    grace: new Setting(z.number().min(0).max(300), {
      kind: "number",
      default: 5,
      takes: "a number of seconds from 0 to 300",
      what: "How long greeting and held messages wait after an approval, so that an undo leaves no trace.",
    }),
  },
  notices: {
    quiet: new Setting<QuietHours | undefined>(quietHours, {
      kind: "text",
      default: undefined,
      takes: 'two times of day like "22:00-07:00"',
      what: "Quiet hours: notices wait until they are over, alarms don't.",
    }),
  },
  responder: {
    baseUrl: new Setting(z.union([absent, httpUrl]), {
      kind: "text",
      default: undefined,
      defaultText: "none, or OpenAI's where only a key is set",
      takes: 'an http:// or https:// URL like "http://127.0.0.1:11434/v1"',
      what: "The OpenAI-compatible endpoint that answers buddies.",
    }),
    model: new Setting(z.union([absent, z.string().trim().min(1).max(200)]), {
      kind: "text",
      default: undefined,
      takes: 'the name of a model at that endpoint like "llama3.2"',
      what: "The model that answers buddies; without one the bot relays (own number) or stays quiet (self-chat).",
    }),
    apiKey: new Setting(z.union([absent, z.string().regex(/^[\x21-\x7e]{1,1000}$/)]), {
      kind: "text",
      default: undefined,
      defaultText: "`OPENAI_API_KEY`, where set",
      takes: "the endpoint's key, without spaces",
      what: "The key for the endpoint.",
      secret: true,
    }),
    // Node's fetch itself gives up after 300 s; files of before say up to 600.
    timeout: new Setting(
      z
        .number()
        .min(1)
        .max(600)
        .transform((seconds) => Math.min(seconds, 300)),
      {
        kind: "number",
        default: 60,
        takes: "a number of seconds from 1 to 300",
        what: "How long the endpoint may be silent before a request is given up.",
      },
    ),
    turns: new Setting(z.int().min(0).max(100), {
      kind: "number",
      default: 20,
      takes: "a whole number from 0 to 100",
      what: "How many turns of a conversation, of the last 24 hours, the model is shown.",
    }),
    contextTokens: new Setting(z.int().min(200).max(1_000_000), {
      kind: "number",
      default: 6000,
      takes: "a whole number from 200 to 1000000",
      what: "How many tokens of a conversation, by estimate, the model is shown.",
    }),
    dailyLimit: new Setting(z.int().min(0).max(100_000), {
      kind: "number",
      default: 200,
      takes: "a whole number from 0 to 100000",
      what: "How many answers one buddy gets a day.",
    }),
    transcriptionModel: new Setting(z.string().trim().min(1).max(200), {
      kind: "text",
      default: "whisper-1",
      takes: "the name of a model at the endpoint",
      what: "The model that turns voice notes into text, where the endpoint has one.",
    }),
    mediaLimit: new Setting(z.number().min(1).max(2_000), {
      kind: "number",
      default: 50,
      takes: "a number of megabytes from 1 to 2000",
      what: "The largest file of a buddy that is kept in workspace/media.",
    }),
    mediaQuota: new Setting(z.number().min(1).max(1_000_000), {
      kind: "number",
      default: 1000,
      takes: "a number of megabytes from 1 to 1000000, at least mediaLimit",
      what: "How much workspace/media may hold; the oldest files make room.",
    }),
    ackReaction: new Setting(z.union([absent, z.string().regex(ONE_EMOJI)]), {
      kind: "text",
      default: undefined,
      takes: 'one emoji like "👀"',
      what: "What the bot reacts with to a message that it begins to answer.",
    }),
  },
  admin: {
    chat: new Setting(z.boolean(), {
      kind: "boolean",
      default: false,
      takes: "true or false",
      what: "In self-chat, whether the model answers what you write to yourself.",
    }),
  },
  outbox: {
    perMinute: new Setting(z.int().min(1).max(600), {
      kind: "number",
      default: 20,
      takes: "a whole number from 1 to 600",
      what: "How many messages to buddies go out a minute in the long run; bursts get numbers banned.",
    }),
    burst: new Setting(z.int().min(1).max(100), {
      kind: "number",
      default: 5,
      takes: "a whole number from 1 to 100",
      what: "How many messages to buddies may go out at once after a pause.",
    }),
  },
  log: {
    level: new Setting(z.enum(["silent", "error", "warn", "info", "debug", "trace"]), {
      kind: "text",
      default: "info",
      takes: '"silent", "error", "warn", "info", "debug" or "trace"',
      what: "How much the gateway logs.",
    }),
  },
};

/** The value of an environment variable as JSON would have had it; text that is neither is left for the schema to refuse. */
export function fromText(kind: "text" | "number" | "boolean", text: string): unknown {
  const trimmed = text.trim();
  if (kind === "number" && /^[+-]?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (kind === "boolean" && /^(true|1|yes|on)$/i.test(trimmed)) return true;
  if (kind === "boolean" && /^(false|0|no|off)$/i.test(trimmed)) return false;
  return kind === "text" ? text : trimmed;
}

/** The parsed URL, or undefined. */
export function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function systemTimezone(): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return timezone.safeParse(timeZone).success ? timeZone : "UTC";
}
