/**
 * What a college changes before it publishes: its server and its message templates.
 *
 * The AppID stands in project.config.json. `flask doctor` on the server compares all three with
 * its own settings.
 */
module.exports = {
  /** The server's address: https, no path; the one entry of every domain list in WeChat's console. */
  server: 'https://caiji.example.edu.cn',

  /** Ids of the subscribe messages, as in CAIJI_WECHAT_TEMPLATES of the server. */
  templates: {
    photo_rejected: 'demo-photo-rejected',
    photo_collected: 'demo-photo-collected',
    deadline_near: 'demo-deadline-near',
    refund: 'demo-refund',
    data_request: 'demo-data-request',
  },

  /** Who helps where an enrolment names no learning centre: a sentence. */
  contact: '请联系学校或学习中心的老师',
};
