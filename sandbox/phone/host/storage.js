/** What the phone remembers: the mini-program's storage, apart for each user, and the host's own notes. */

const MOST_KEY_BYTES = 1024 * 1024;
const MOST_BYTES = 10 * 1024 * 1024;

export class Storage {
  constructor(user) {
    this.prefix = `wx/${user}/`;
  }

  keys() {
    return Object.keys(localStorage).filter((name) => name.startsWith(this.prefix)).map((name) => name.slice(this.prefix.length));
  }

  get(key) {
    const text = localStorage.getItem(this.prefix + key);
    return text === null ? "" : JSON.parse(text).data;
  }

  has(key) {
    return localStorage.getItem(this.prefix + key) !== null;
  }

  set(key, data) {
    if (typeof key !== "string" || !key) throw new Error("key should be String");
    const text = JSON.stringify({ data });
    if (data === undefined) throw new Error("data is undefined");
    if (text.length > MOST_KEY_BYTES) throw new Error("entry size limit reached");
    if (this.size() + text.length > MOST_BYTES) throw new Error("storage size limit reached");
    localStorage.setItem(this.prefix + key, text);
  }

  remove(key) {
    localStorage.removeItem(this.prefix + key);
  }

  clear() {
    for (const key of this.keys()) this.remove(key);
  }

  size() {
    return this.keys().reduce((sum, key) => sum + localStorage.getItem(this.prefix + key).length, 0);
  }

  readOwn(name) {
    return JSON.parse(localStorage.getItem(`host/${this.prefix}${name}`) ?? "null");
  }

  writeOwn(name, value) {
    localStorage.setItem(`host/${this.prefix}${name}`, JSON.stringify(value));
  }

  /** Forget everything of this user. */
  reset() {
    this.clear();
    for (const name of Object.keys(localStorage)) if (name.startsWith(`host/${this.prefix}`)) localStorage.removeItem(name);
  }
}
