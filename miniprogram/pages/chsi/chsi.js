/** 图像采集码: scanned, or read by the server from the picture that 学信网 shows. Opaque here, too. */

const config = require('../../config');
const client = require('../../services/client');
const guard = require('../../services/guard');
const { ApiError } = require('../../services/errors');
const { present } = require('../../services/chsi');
const { whereOffered } = require('../../services/consents');
const { makeMultipart } = require('../../services/multipart');
const { refuseTooLarge } = require('../../services/photos');
const phone = require('../../services/wx');

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    id: '',
    state: 'loading',
    shown: /** @type {ReturnType<typeof present> | null} */ (null),
    isMissing: false,
    contact: config.contact,
  },

  onLoad(options) {
    this.setData({ id: options.id || '' });
    this.onRetry();
  },

  /** Where it stands: somebody may come here to look, to exchange or to remove it. */
  onRetry() {
    return guard.load(this, async () => this.show(await client.call('GET', `/enrolments/${this.data.id}`)));
  },

  /** @param {import('../../types/model').Enrolment} enrolment */
  show(enrolment) {
    const shown = present(enrolment);
    return { shown, isMissing: shown.policy === 'off' };
  },

  onUnload() {
    guard.leave(this);
  },

  onScan() {
    return guard.run(this, 'scan', async () => {
      const scanned = await phone.scan();
      if (!scanned) return;
      if (!scanned.text) throw new ApiError({ status: 0, code: 'scan_empty', message: '没有读到内容，请对准码再扫一次' });
      await this.keep(() => client.call('PUT', this.path(), { text: scanned.text }));
    });
  },

  onPicture() {
    return guard.run(this, 'picture', async () => {
      const picture = await phone.choosePicture('album');
      if (!picture) return;
      refuseTooLarge(picture.sizeBytes);
      const body = makeMultipart('picture', await phone.readFile(picture.path), `caiji-${Date.now()}-${Math.random()}`);
      await this.keep(() => client.sendBody('PUT', this.path(), body));
    });
  },

  onRemove() {
    return guard.run(this, 'remove', async () => {
      const content = '删除后，学校不再保存这个码；照片要进入学历注册时，还需要重新提供。';
      if (!await phone.confirm({ title: '删除图像采集码', content, confirmText: '删除' })) return;
      guard.set(this, this.show(await client.call('DELETE', this.path())));
      phone.toast('已删除');
    });
  },

  path() {
    return `/enrolments/${this.data.id}/chsi-code`;
  },

  /** @param {() => Promise<unknown>} send */
  async keep(send) {
    const answer = await whereOffered(send).catch((error) => {
      if (error instanceof ApiError && error.code === 'chsi_code_not_wanted') return null;
      throw error;
    });
    if (answer === null) {
      guard.set(this, { isMissing: true });
      return;
    }
    phone.toast('已保存');
    phone.goOrReturn('pages/status/status', `id=${this.data.id}`);
  },

  onAct() {
    phone.go(`/pages/help/help?id=${this.data.id}`);
  },
});
