/** How a good photo is taken, shown by two drawings and three sentences; then camera or album. */

const client = require('../../services/client');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { refuseTooLarge } = require('../../services/photos');
const phone = require('../../services/wx');

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    state: 'loading',
    id: '',
    code: '',
    tips: /** @type {string[]} */ ([]),
    canUseAlbum: false,
    isWhole: false,
  },

  onLoad(options) {
    this.setData({ id: options.id || '', code: options.code || '' });
    this.onRetry();
  },

  onUnload() {
    guard.leave(this);
  },

  onRetry() {
    return guard.load(this, async () => {
      const { code } = this.data;
      const found = code ? await client.call('GET', `/codes/${code}`) : null;
      return { tips: found ? found.photo.tips : [], canUseAlbum: !found || found.capture_policy !== 'camera_only' };
    });
  },

  onMore() {
    this.setData({ isWhole: !this.data.isWhole });
  },

  onCamera() {
    phone.go(`/pages/capture/capture?id=${this.data.id}`);
  },

  onAlbum() {
    return guard.run(this, 'album', async () => {
      const picture = await phone.choosePicture('album');
      if (!picture) return;
      refuseTooLarge(picture.sizeBytes);
      draft.put('photo', { enrolmentId: this.data.id, source: 'album', ...picture });
      phone.go(`/pages/preview/preview?id=${this.data.id}`);
    });
  },

  onAct() {
    phone.go(`/pages/help/help?id=${this.data.id}`);
  },
});
