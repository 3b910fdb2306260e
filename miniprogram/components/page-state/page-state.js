/** A page that is loading or could not be loaded: words, another try, the way home. */

const network = require('../../services/network');
const { goHome } = require('../../services/wx');

/** @type {WeakMap<object, () => void>} */
const watches = new WeakMap();

Component({
  properties: {
    state: { type: String, value: 'loading' },
    error: { type: Object, value: /** @type {any} */ (null) },
    seconds: { type: Number, value: 0 },
    text: { type: String, value: '正在打开' },
  },
  lifetimes: {
    attached() {
      // What could not be opened without a network is opened when there is one.
      watches.set(this, network.watch((isOnline) => {
        if (isOnline && this.data.state === 'failed') this.triggerEvent('retry');
      }));
    },
    detached() {
      const end = watches.get(this);
      if (end) end();
    },
  },
  methods: {
    onRetry() {
      this.triggerEvent('retry');
    },
    onHome() {
      goHome();
    },
    onAct(/** @type {any} */ event) {
      this.triggerEvent('act', event.detail);
    },
  },
});
