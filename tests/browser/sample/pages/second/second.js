const { journal } = getApp();

Page({
  data: { from: '', result: '' },
  onLoad({ from }) {
    journal.note('second load');
    this.setData({ from });
  },
  onUnload() { journal.note('second unload'); },
  onAct() {},
});
