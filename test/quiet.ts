/** libsignal, which the simulated phones use, prints session state through the console. */
import { silenceLibsignal } from "../src/whatsapp/trust.js";

silenceLibsignal(console);
