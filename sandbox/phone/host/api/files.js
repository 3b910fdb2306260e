/** wx.getFileSystemManager for temporary files and the user's folder. */

import { USER_FOLDER } from "../files.js";

export function files(phone) {
  const kept = phone.files;
  const actions = {
    access({ path }) { if (!kept.has(path) && path !== USER_FOLDER) throw new Error(`no such file or directory, access ${path}`); },
    unlink({ filePath }) { kept.get(filePath); kept.drop(filePath); },
    getFileInfo: ({ filePath }) => ({ size: kept.get(filePath).size }),
    stat: ({ path }) => ({ stats: { size: kept.get(path).size, isFile: () => true, isDirectory: () => false } }),
    async readFile({ filePath, encoding }) {
      const blob = kept.get(filePath);
      if (encoding === "base64") return { data: toBase64(await blob.arrayBuffer()) };
      return { data: encoding ? await blob.text() : await blob.arrayBuffer() };
    },
    writeFile({ filePath, data, encoding = "utf8" }) {
      requireOwnFolder(filePath);
      kept.write(filePath, encoding === "base64" ? fromBase64(data) : new Blob([data]));
    },
    saveFile({ tempFilePath, filePath }) {
      const target = filePath ?? `${USER_FOLDER}/${tempFilePath.split("/").at(-1)}`;
      requireOwnFolder(target);
      kept.write(target, kept.get(tempFilePath));
      kept.drop(tempFilePath);
      return { savedFilePath: target };
    },
    copyFile({ srcPath, destPath }) { requireOwnFolder(destPath); kept.write(destPath, kept.get(srcPath)); },
    mkdir({ dirPath }) { requireOwnFolder(dirPath); },
    readdir: ({ dirPath }) => ({ files: kept.list(dirPath) }),
  };
  const manager = {
    ...Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, (options) => answer(name, action, options)])),
    accessSync: (path) => actions.access({ path }), unlinkSync: (filePath) => actions.unlink({ filePath }),
    writeFileSync: (filePath, data, encoding) => actions.writeFile({ filePath, data, encoding }), mkdirSync: (dirPath) => actions.mkdir({ dirPath }),
    readdirSync: (dirPath) => kept.list(dirPath), statSync: (path) => actions.stat({ path }).stats,
  };
  return { plain: { getFileSystemManager: () => Object.freeze({ ...manager }) } };
}

function requireOwnFolder(path) {
  if (!String(path).startsWith(`${USER_FOLDER}/`)) throw new Error(`permission denied, open ${path}`);
}

/** The manager's functions know callbacks only. */
async function answer(name, action, { success, fail, complete, ...options }) {
  try {
    const result = { errMsg: `${name}:ok`, ...await action(options) };
    success?.(result);
    complete?.(result);
  } catch (error) {
    const failure = { errMsg: `${name}:fail ${error.message}`, errno: 1300002 };
    fail?.(failure);
    complete?.(failure);
  }
}

function toBase64(buffer) {
  return btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text) {
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]);
}
