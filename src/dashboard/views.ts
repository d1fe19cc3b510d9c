import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";

/** Renders a page by the name of its template. Everything in the model is escaped. */
export type Views = (page: string, model: object) => string;

const TEMPLATES = fileURLToPath(new URL("../../templates/", import.meta.url));

/** Reads and compiles all templates, once: pages in `templates/`, what they share in `templates/partials/`. */
export function createViews(directory = TEMPLATES): Views {
  const handlebars = Handlebars.create();
  for (const [name, text] of templatesIn(`${directory}/partials`)) handlebars.registerPartial(name, text);
  const pages = new Map(
    templatesIn(directory).map(([name, text]) => [name, handlebars.compile(text, { strict: false })]),
  );
  return (page, model) => {
    const template = pages.get(page);
    if (template === undefined) throw new Error(`there is no template "${page}"`);
    return template(model);
  };
}

/** HTML that we made ourselves (an SVG), to stand in a page as it is. */
export function trustedHtml(html: string): object {
  return new Handlebars.SafeString(html);
}

function templatesIn(directory: string): [name: string, text: string][] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".hbs"))
    .map((file) => [file.slice(0, -".hbs".length), readFileSync(`${directory}/${file}`, "utf8")]);
}
