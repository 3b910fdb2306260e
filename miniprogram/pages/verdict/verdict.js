/** What the check said: the picture first, then the sentences, then the one thing to do. */

const client = require('../../services/client');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { waitForVerdict } = require('../../services/photos');
const verdicts = require('../../services/verdicts');
const phone = require('../../services/wx');

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    state: 'loading',
    id: '',
    enrolment: '',
    shown: /** @type {ReturnType<typeof verdicts.present> | null} */ (null),
    isAll: false,
    isOpen: false,
    /** The photo as it was taken, while the standard one is not there yet. */
    sent: '',
  },

  onLoad(options) {
    const sent = draft.get('sent');
    const isOwn = sent && sent.id === options.id;
    this.setData({ id: options.id || '', enrolment: options.enrolment || '', sent: isOwn ? sent.path : '' });
    this.onRetry();
  },

  onUnload() {
    guard.leave(this);
  },

  async onRetry() {
    await guard.load(this, async () => {
      const kept = draft.take('verdict');
      const photo = kept && kept.id === this.data.id ? kept : await client.call('GET', `/photos/${this.data.id}`);
      return { shown: verdicts.present(photo) };
    });
    const { shown } = this.data;
    if (shown && shown.isWaiting) await this.wait(shown.poll || `/photos/${this.data.id}`);
  },

  /** @param {string} path */
  async wait(path) {
    await guard.load(this, async () => {
      const photo = await waitForVerdict(client.call, path, {
        isLeft: () => guard.isLeft(this),
        onAnswer: (answer) => guard.set(this, { shown: verdicts.present(answer) }),
      });
      return photo ? { shown: verdicts.present(photo) } : {};
    });
  },

  onAll() {
    this.setData({ isAll: true });
  },

  onDetails() {
    this.setData({ isOpen: !this.data.isOpen });
  },

  /** On to what comes next: the fee where there is one, else the status. */
  onContinue() {
    return guard.run(this, 'continue', async () => {
      const { enrolment, shown } = this.data;
      let step = '';
      if (shown && shown.isGood) {
        try {
          step = (await client.call('GET', `/enrolments/${enrolment}`)).next_step;
        } catch (error) {
          // The status page asks again and says what is wrong.
        }
      }
      if (step === 'pay') phone.replace(`/pages/pay/pay?id=${enrolment}`);
      else phone.goOrReturn('pages/status/status', `id=${enrolment}`);
    });
  },

  onRetake() {
    if (phone.isBelow('pages/guide/guide')) phone.back();
    else phone.replace(`/pages/guide/guide?id=${this.data.enrolment}`);
  },
});
