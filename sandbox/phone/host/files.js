/** Temporary files and the user's own folder: in memory, gone with the page, under addresses as on a phone. */

export const USER_FOLDER = "wxfile://usr";
const TYPES = { jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", svg: "image/svg+xml", webp: "image/webp", heic: "image/heic", txt: "text/plain", json: "application/json" };

export class Files {
  constructor() {
    this.blobs = new Map();
    this.addresses = new Map();
    this.count = 0;
  }

  isOwn(path) {
    return typeof path === "string" && path.startsWith("wxfile://");
  }

  /** Keep a blob as a temporary file; returns its path. */
  keep(blob, ending) {
    this.count += 1;
    const path = `wxfile://tmp_${this.count}.${ending}`;
    this.blobs.set(path, blob);
    return path;
  }

  write(path, blob) {
    this.drop(path);
    this.blobs.set(path, new Blob([blob], { type: TYPES[path.split(".").at(-1)] ?? blob.type }));
  }

  get(path) {
    const blob = this.blobs.get(path);
    if (!blob) throw new Error(`no such file or directory, open ${path}`);
    return blob;
  }

  has(path) {
    return this.blobs.has(path);
  }

  /** An address that an img of this page can show, or null. */
  toAddress(path) {
    if (!this.blobs.has(path)) return null;
    if (!this.addresses.has(path)) this.addresses.set(path, URL.createObjectURL(this.blobs.get(path)));
    return this.addresses.get(path);
  }

  drop(path) {
    if (this.addresses.has(path)) URL.revokeObjectURL(this.addresses.get(path));
    this.addresses.delete(path);
    this.blobs.delete(path);
  }

  list(folder) {
    const start = folder.endsWith("/") ? folder : `${folder}/`;
    return [...this.blobs.keys()].filter((path) => path.startsWith(start)).map((path) => path.slice(start.length));
  }
}
