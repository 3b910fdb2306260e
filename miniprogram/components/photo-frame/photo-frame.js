/** A photo of the server with its lines over it. Both need the token, so they come as files. */

const client = require('../../services/client');
const { writeFile, removeFile } = require('../../services/wx');

/** @type {WeakMap<object, string>} the lines that this frame keeps as a file */
const files = new WeakMap();
let count = 0;

Component({
  properties: {
    image: { type: String, value: '' },
    overlay: { type: String, value: '' },
    isPlain: { type: Boolean, value: false },
  },
  data: { picture: '', lines: '', isShown: true, hasFailed: false },
  observers: {
    'image, overlay': function reload() {
      this.fetch();
    },
  },
  lifetimes: {
    attached() {
      this.setData({ isShown: !this.data.isPlain });
    },
    detached() {
      const file = files.get(this);
      if (file) removeFile(file);
    },
  },
  methods: {
    async fetch() {
      const { image, overlay } = this.data;
      if (!image) return;
      try {
        const picture = await client.download(image);
        if (this.data.image !== image) return;
        this.setData({ picture, hasFailed: false });
        if (overlay) await this.fetchLines(overlay);
      } catch (error) {
        this.setData({ hasFailed: true });
      }
    },
    async fetchLines(/** @type {string} */ overlay) {
      const svg = await client.fetchText(overlay);
      if (this.data.overlay !== overlay) return;
      count += 1;
      const former = files.get(this);
      const lines = await writeFile(`lines-${count}.svg`, svg);
      files.set(this, lines);
      this.setData({ lines });
      if (former) removeFile(former);
    },
    onToggle() {
      if (this.data.lines) this.setData({ isShown: !this.data.isShown });
      else if (this.data.hasFailed) this.fetch();
    },
  },
});
