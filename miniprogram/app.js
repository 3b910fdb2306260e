/** The mini-program: watches the network for all pages, and renews itself when WeChat has a newer version. */

const network = require('./services/network');

App({
  onLaunch() {
    wx.getNetworkType({ success: ({ networkType }) => network.report(networkType !== 'none') });
    wx.onNetworkStatusChange(({ isConnected }) => network.report(isConnected));
    const updates = wx.getUpdateManager();
    // A new version is taken at the next start: never in the middle of an upload.
    updates.onUpdateReady(() => {});
  },
});
