const { journal } = getApp();

Page({
  data: {
    title: '卡片', count: 0, rootFont: '16px', word: '', isOn: false, colours: ['红', '绿', '蓝'], colour: 0, answer: '',
    items: [{ id: 1, name: '一' }, { id: 2, name: '二' }],
  },
  onLoad(query) { journal.note(`first load ${query.scene || '-'}`); },
  onShow() { journal.note('first show'); },
  onReady() { journal.note('first ready'); },
  onHide() { journal.note('first hide'); },
  onUnload() { journal.note('first unload'); },
  onPullDownRefresh() {
    journal.note('pull');
    wx.stopPullDownRefresh();
  },
  onType({ detail }) { this.setData({ word: detail.value }); },
  onSubmit({ detail }) { this.setData({ answer: JSON.stringify(detail.value) }); },
  onKinds({ detail }) { this.setData({ answer: detail.value.join('+') }); },
  onSwitch({ detail }) { this.setData({ isOn: detail.value, answer: String(detail.value) }); },
  onColour({ detail }) { this.setData({ colour: Number(detail.value) }); },
  onItem({ currentTarget }) { this.setData({ answer: `item ${currentTarget.dataset.id}` }); },
  onMore({ detail }) { this.setData({ count: detail.count, answer: `more ${detail.count}` }); },
  onNever() { this.setData({ answer: 'never' }); },
  onNext() { wx.navigateTo({ url: '/pages/second/second?from=first' }); },
});
