/** The camera, to the edges of the screen: outline, level, shutter, and nothing else. */

const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { HINT, presentLevel } = require('../../services/level');
const { refuseTooLarge } = require('../../services/photos');
const phone = require('../../services/wx');

const REFUSED = '没有相机权限。允许使用相机，或用手机自带的相机拍一张。';
const BROKEN = '相机打不开，可以用手机自带的相机拍一张。';

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    id: '',
    position: 'front',
    isReady: false,
    problem: '',
    turn: 0,
    isLevel: false,
    words: HINT,
  },

  /** @type {((gravity: { x: number, y: number, z: number }) => void) | null} */
  onTilt: null,

  onLoad(options) {
    this.setData({ id: options.id || '' });
  },

  onShow() {
    this.onTilt = (gravity) => this.showLevel(gravity);
    phone.startLevel(this.onTilt);
  },

  onHide() {
    this.stopLevel();
  },

  onUnload() {
    this.stopLevel();
    guard.leave(this);
  },

  stopLevel() {
    if (this.onTilt) phone.stopLevel(this.onTilt);
    this.onTilt = null;
  },

  /** @param {{ x: number, y: number, z: number }} gravity */
  showLevel(gravity) {
    const { turn, isLevel, words } = presentLevel(gravity);
    const { data } = this;
    if (turn === data.turn && isLevel === data.isLevel && words === data.words) return;
    guard.set(this, { turn, isLevel, words });
  },

  onCameraReady() {
    this.setData({ isReady: true, problem: '' });
  },

  onRefused(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    const text = String((event.detail && event.detail.errMsg) || '');
    this.setData({ isReady: false, problem: /auth|permission|deny|denied/i.test(text) ? REFUSED : BROKEN });
  },

  /** WeChat stops the camera when the page goes behind; it starts by itself again. */
  onStop() {
    this.setData({ isReady: false });
  },

  onSettings() {
    // The camera starts only in a new page after the permission was given.
    phone.replace(`/pages/capture/capture?id=${this.data.id}`);
  },

  onSwitch() {
    this.setData({ position: this.data.position === 'front' ? 'back' : 'front' });
  },

  onShoot() {
    return guard.run(this, 'shoot', async () => {
      const path = await phone.takePhoto();
      this.keep({ path, sizeBytes: 0 });
    }).then(() => this.showFault());
  },

  onSystemCamera() {
    return guard.run(this, 'system', async () => {
      const picture = await phone.choosePicture('camera');
      if (picture) this.keep(picture);
    }).then(() => this.showFault());
  },

  /** @param {{ path: string, sizeBytes: number }} picture */
  keep(picture) {
    refuseTooLarge(picture.sizeBytes);
    draft.put('photo', { enrolmentId: this.data.id, source: 'camera', ...picture });
    phone.replace(`/pages/preview/preview?id=${this.data.id}`);
  },

  showFault() {
    if (this.data.error) phone.toast('没有拍到，请再按一次');
  },

  onClose() {
    phone.back();
  },
});
