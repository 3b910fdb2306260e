/** One line on top of a page while there is no network. */

const network = require('../../services/network');

/** @type {WeakMap<object, () => void>} */
const watches = new WeakMap();

Component({
  data: { isOffline: false },
  lifetimes: {
    attached() {
      watches.set(this, network.watch((isOnline) => {
        if (this.data.isOffline === isOnline) this.setData({ isOffline: !isOnline });
      }));
    },
    detached() {
      const end = watches.get(this);
      if (end) end();
    },
  },
});
