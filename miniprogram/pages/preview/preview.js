/** The photo before it is sent: look at it, send it, or take another. */

const client = require('../../services/client');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { askBeforeBatchIsLost, refuseTooLarge } = require('../../services/photos');
const { explainLostBatch } = require('../../services/enrolments');
const phone = require('../../services/wx');

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    id: '',
    path: '',
    sizeBytes: 0,
    source: 'camera',
    percent: 0,
    isUnseen: false,
  },

  onLoad(options) {
    const photo = draft.get('photo');
    const id = options.id || '';
    const isKept = photo && photo.enrolmentId === id;
    this.setData({ id, ...(isKept ? { path: photo.path, sizeBytes: photo.sizeBytes, source: photo.source } : {}) });
  },

  onShow() {
    // Back from the new consent: what was wrong is settled.
    if (this.data.error) this.setData({ error: null });
  },

  onUnload() {
    guard.leave(this);
  },

  onUnseen() {
    this.setData({ isUnseen: true });
  },

  onUpload() {
    return guard.run(this, 'upload', async () => {
      refuseTooLarge(this.data.sizeBytes);
      const photo = await askBeforeBatchIsLost(
        (isConfirmed) => this.send(isConfirmed),
        (body) => phone.confirm({ title: '会错过这个批次', content: explainLostBatch(body), confirmText: '仍要更换', cancelText: '不更换' }),
      );
      if (!photo) return;
      draft.put('verdict', photo);
      draft.put('sent', { id: photo.id, path: this.data.path });
      draft.take('photo');
      phone.replace(`/pages/verdict/verdict?id=${photo.id}&enrolment=${this.data.id}`);
    });
  },

  /** @param {boolean} isConfirmed */
  send(isConfirmed) {
    this.setData({ percent: 0 });
    return client.upload(`/enrolments/${this.data.id}/photos`, {
      filePath: this.data.path,
      name: 'photo',
      formData: { source: this.data.source, ...(isConfirmed ? { confirm: 'true' } : {}) },
      onProgress: (percent) => {
        if (percent !== this.data.percent) guard.set(this, { percent });
      },
    });
  },

  onAgain() {
    phone.back();
  },

  onAct(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    const { action } = event.detail;
    const enrolment = draft.get('enrolment');
    const code = (enrolment && enrolment.id === this.data.id && enrolment.feature_code) || '';
    if (action === 'consent') draft.take('code');
    if (action === 'consent') phone.go(`/pages/identity/identity?code=${code}`);
    else if (action === 'pay') phone.go(`/pages/pay/pay?id=${this.data.id}`);
    else phone.go(`/pages/help/help?id=${this.data.id}`);
  },
});
