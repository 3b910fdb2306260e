/** Whose code it is: the student says "that is my college" before anything is asked of them. */

const client = require('../../services/client');
const codes = require('../../services/codes');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const phone = require('../../services/wx');

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    state: 'loading',
    code: '',
    shown: /** @type {ReturnType<typeof codes.present> | null} */ (null),
  },

  onLoad(options) {
    this.setData({ code: options.code || '' });
    this.onRetry();
  },

  onUnload() {
    guard.leave(this);
  },

  onRetry() {
    return guard.load(this, async () => {
      return { shown: codes.present(await draft.openCode(this.data.code, client), Date.now()) };
    });
  },

  onContinue() {
    phone.go(`/pages/identity/identity?code=${this.data.code}`);
  },

  onBack() {
    phone.back();
  },
});
