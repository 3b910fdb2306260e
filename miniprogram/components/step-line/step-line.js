/** Where the student is, as a line of steps; the present one is large and says what to do. */

Component({
  properties: {
    steps: { type: Array, value: /** @type {any[]} */ ([]) },
    step: { type: String, value: '' },
    title: { type: String, value: '' },
    text: { type: String, value: '' },
  },
});
