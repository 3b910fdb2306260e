/** 采集情况 in its one colour, with a dot whose shape tells it as well. */

Component({
  properties: {
    text: { type: String, value: '' },
    tone: { type: String, value: 'grey' },
    value: { type: String, value: '' },
    testid: { type: String, value: '' },
  },
});
