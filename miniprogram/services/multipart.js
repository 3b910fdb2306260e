/** One file as multipart/form-data in bytes, for PUT: wx.uploadFile knows POST only. */

const DASHES = '--';

/** @param {string} text ASCII @returns {number[]} */
function toBytes(text) {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

/**
 * @param {string} name of the field, ASCII
 * @param {ArrayBuffer} file
 * @param {string} boundary ASCII that does not occur in the file
 * @returns {{ type: string, bytes: ArrayBuffer }}
 */
function makeMultipart(name, file, boundary) {
  const head = toBytes(
    `${DASHES}${boundary}\r\n`
    + `Content-Disposition: form-data; name="${name}"; filename="${name}"\r\n`
    + 'Content-Type: application/octet-stream\r\n\r\n',
  );
  const tail = toBytes(`\r\n${DASHES}${boundary}${DASHES}\r\n`);
  const bytes = new Uint8Array(head.length + file.byteLength + tail.length);
  bytes.set(head, 0);
  bytes.set(new Uint8Array(file), head.length);
  bytes.set(tail, head.length + file.byteLength);
  return { type: `multipart/form-data; boundary=${boundary}`, bytes: bytes.buffer };
}

module.exports = { makeMultipart };
