/** A phone for the services: answers from a list, remembers what was asked. */

/** @param {Record<string, any>} [more] */
function makePhone(more = {}) {
  const store = new Map();
  const asked = [];
  const answers = [];
  let logins = 0;
  return {
    asked,
    answers,
    store,
    count: () => logins,
    login: async () => { logins += 1; return `code-${logins}`; },
    read: (key) => store.get(key) || '',
    write: (key, value) => store.set(key, value),
    forget: (key) => store.delete(key),
    request: async (options) => {
      asked.push(options);
      if (options.url.endsWith('/login')) return good({ token: `token-${logins}`, expires_at: '' });
      const answer = answers.shift();
      if (answer instanceof Error || (answer && answer.errMsg)) throw answer;
      return typeof answer === 'function' ? answer(options) : answer;
    },
    ...more,
  };
}

function good(data, statusCode = 200) {
  return { statusCode, data: { code: 0, data }, header: {} };
}

function bad(statusCode, code, more = {}, header = {}) {
  return { statusCode, data: { code, message: `说明 ${code}`, request_id: 'r1', ...more }, header };
}

module.exports = { makePhone, good, bad };
