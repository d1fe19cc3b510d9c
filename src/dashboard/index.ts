/** The local API and what the command line shares with it: the face of this folder. */
export { type Answer, answerOf, answerOfSetup } from "./answers.js";
export { createApi } from "./api.js";
export { phoneDigits } from "./people.js";
export { listen } from "./server.js";
