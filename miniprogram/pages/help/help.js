/** Whom to ask, and the questions that are asked most. */

const config = require('../../config');
const client = require('../../services/client');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { findNumber } = require('../../services/format');
const phone = require('../../services/wx');

const QUESTIONS = [
  { title: '特征码在哪里？', text: '在学校发的采集通知里，4 到 8 位字母或数字。每个学校、每一届的码不同。' },
  { title: '提示姓名或证件号码不一致', text: '按身份证逐字核对。还是不行，说明学校名单里的信息有误，请联系学习中心。' },
  { title: '换了微信，学籍已被绑定', text: '请学习中心解除绑定，照片和缴费都会保留，再用新的微信核对身份。' },
  { title: '付了款，还显示待缴费', text: '等一分钟，在采集情况里刷新。不要再付；多付的款项会退回。' },
  { title: '照片被退回', text: '采集情况里写着原因。照着改，重新拍摄，不用再付费。' },
  { title: '错过了截止时间', text: '照片会计入下一批次，时间显示在采集情况里。' },
];

Page({
  data: {
    rootFont: phone.readRootFont(),
    centre: /** @type {{ name: string, contact: string } | null} */ (null),
    number: '',
    school: /** @type {import('../../types/model').Code['contact'] | null} */ (null),
    contact: config.contact,
    questions: QUESTIONS,
  },

  onLoad(options) {
    const enrolment = draft.get('enrolment');
    const code = draft.get('code');
    if (enrolment && (!options.id || enrolment.id === options.id)) this.showContacts(enrolment);
    else if (code && !options.id) this.showContacts({ contact: code.contact });
    else if (client.isSignedIn()) this.fetchCentre(options.id || '');
  },

  onUnload() {
    guard.leave(this);
  },

  /** Without an answer the page still says whom to ask. @param {string} id */
  async fetchCentre(id) {
    try {
      const { items } = await client.call('GET', '/enrolments');
      const found = items.find((/** @type {any} */ item) => item.id === id) || items[0];
      if (found) this.showContacts(found);
    } catch (error) {
      guard.set(this, { centre: null });
    }
  },

  /** @param {{ centre?: { name: string, contact: string }, contact?: import('../../types/model').Code['contact'] }} of */
  showContacts({ centre, contact }) {
    const hasCentre = centre && centre.name;
    guard.set(this, {
      centre: hasCentre ? centre : null,
      number: hasCentre ? findNumber(centre.contact) : '',
      school: contact || null,
    });
  },

  onCall() {
    phone.call(this.data.number);
  },

  onCallSchool() {
    if (this.data.school) phone.call(this.data.school.phone);
  },

  onCopy() {
    if (this.data.centre) phone.copy(this.data.centre.contact);
  },
});
