/** What went wrong, in words, with the wait and the one thing that may help. */

const { showWait } = require('../../services/format');

Component({
  properties: {
    error: { type: Object, value: /** @type {any} */ (null) },
    seconds: { type: Number, value: 0 },
  },
  data: { wait: '' },
  observers: {
    seconds(/** @type {number} */ seconds) {
      this.setData({ wait: showWait(Math.max(seconds, 0)) });
    },
  },
  methods: {
    onAct() {
      this.triggerEvent('act', { action: this.data.error.action });
    },
  },
});
