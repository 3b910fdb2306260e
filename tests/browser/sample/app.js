const journal = require('./services/journal');

App({
  onLaunch(options) { journal.note(`launch ${options.scene} ${options.query.scene || '-'}`); },
  onShow() { journal.note('app show'); },
  onHide() { journal.note('app hide'); },
  onThemeChange({ theme }) { journal.note(`theme ${theme}`); },
  journal,
});
