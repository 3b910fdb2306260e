/** Everything that a phone would refuse or hide: collected, and shown at the foot of the page. */

/** @type {{kind: string, message: string, where: string}[]} */
export const errors = [];
const MOST_SHOWN = 5;

/** Note a mistake of the mini-program. `where` is a file with line, a page or a function. */
export function report(kind, problem, where = "") {
  const message = problem instanceof Error ? problem.message : String(problem);
  const place = where || readPlace(problem);
  if (errors.some((each) => each.kind === kind && each.message === message && each.where === place)) return;
  errors.push({ kind, message, where: place });
  console.warn(`[${kind}] ${message} ${place}`);
  show();
}

/** The first line of a stack that lies in the package. */
function readPlace(problem) {
  const line = String(problem?.stack ?? "").match(/miniprogram\/[^\s)]+/);
  return line ? line[0] : "";
}

function show() {
  const box = document.getElementById("host-errors");
  if (!box) return;
  box.hidden = false;
  box.replaceChildren(...errors.slice(0, MOST_SHOWN).map(({ kind, message, where }) => {
    const line = document.createElement("p");
    line.textContent = `${kind}: ${message}${where ? ` (${where})` : ""}`;
    line.dataset.testid = "host-error";
    return line;
  }));
}

window.addEventListener("error", (event) => report("script", event.error ?? event.message));
window.addEventListener("securitypolicyviolation", (event) => report("security", `${event.violatedDirective}: ${event.blockedURI}`, event.sourceFile));
