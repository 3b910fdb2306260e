// A merchant built on wechatpay-axios-plugin. Reads one JSON task a line, answers one line each.
const readline = require('node:readline');
const { Wechatpay, Formatter, Rsa, Aes, Hash, Transformer } = require('wechatpay-axios-plugin');

let keys;
let client;

function open(given, baseURL) {
  keys = given;
  client = new Wechatpay({
    baseURL,
    mchid: keys.mch_id,
    serial: keys.merchant_serial,
    privateKey: keys.merchant_private_key,
    certs: keys.verify_keys,
    secret: keys.api_v2_key,
    timeout: 10000,
  }).client;
  return {};
}

async function call({ path, method, data, config }) {
  try {
    const answer = await client.request(path, method, data, config);
    return { status: answer.status, data: answer.data };
  } catch (error) {
    return { refused: error.code || error.message, status: error.response?.status, data: error.response?.data };
  }
}

// As the plugin's guide says: clock, serial, signature, then decrypt.
function readV3({ headers, body }) {
  const [serial, timestamp, nonce, signature] = ['Serial', 'Timestamp', 'Nonce', 'Signature'].map((name) => headers[`Wechatpay-${name}`]);
  if (!(Math.abs(Formatter.timestamp() - timestamp) < 300)) return { refused: 'clock' };
  if (!keys.verify_keys[serial]) return { refused: 'serial' };
  const key = Rsa.from(keys.verify_keys[serial], Rsa.KEY_TYPE_PUBLIC);
  if (!Rsa.verify(Formatter.response(timestamp, nonce, body), signature, key)) return { refused: 'signature' };
  const notice = JSON.parse(body);
  const { ciphertext, nonce: iv, associated_data: aad } = notice.resource;
  try {
    return { ...notice, resource: JSON.parse(Aes.AesGcm.decrypt(ciphertext, keys.api_v3_key, iv, aad)) };
  } catch {
    return { refused: 'cipher' };
  }
}

function readV2({ body, signType }) {
  const fields = Transformer.toObject(body);
  if (fields.req_info) {
    const secret = Hash.md5(keys.api_v2_key);
    return Transformer.toObject(Aes.AesEcb.decrypt(fields.req_info, secret));
  }
  const { sign, ...rest } = fields;
  return Hash.equals(Hash.sign(signType, rest, keys.api_v2_key), sign) ? rest : { refused: 'signature' };
}

const actions = { open: ({ keys: given, base }) => open(given, base), call, readV3, readV2 };

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const task = JSON.parse(line);
    process.stdout.write(`${JSON.stringify(await actions[task.do](task))}\n`);
  }
}

main();
