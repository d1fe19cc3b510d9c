/** The local API and what the command line shares with it: the face of this folder. */
export { type Answer, answerOf, answerOfSetup } from "./answers.js";
export { type ApiParts, createApi } from "./api.js";
export { phoneDigits } from "./people.js";
export { type Listening, listen } from "./server.js";
