/** The one API of this phone: `services/api.js` with WeChat's network and the college's server. */

const config = require('../config');
const { createApi } = require('./api');
const phone = require('./wx');

module.exports = createApi(/** @type {any} */ (phone), config.server);
