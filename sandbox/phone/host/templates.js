/** WXML → what the framework runs, by WeChat's own compiler in the page. */

import { evaluate } from "./loader.js";
import { report } from "./errors.js";

/** Compile all files together, so that import and include find each other. */
export async function compileTemplates(compiler, files) {
  const group = new compiler.TmplGroup();
  for (const [path, text] of Object.entries(files.texts)) {
    if (!path.endsWith(".wxml")) continue;
    for (const each of group.addTmpl(path.slice(0, -5), text)) tellProblem(path, each);
  }
  const list = await evaluate(group.getTmplGenObjectGroups());
  group.free();
  return (path) => ({ groupList: list, content: list[path] });
}

function tellProblem(path, problem) {
  const line = problem.start?.line ?? problem.startLine ?? problem.start_line;
  report("wxml", problem.message ?? String(problem), `${path}${line === undefined ? "" : `:${Number(line) + 1}`}`);
}
